"""What is said of a type is what its decoder takes, and what its encoder makes."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from libs.common.secret import Secret
from services.management.routes import admin, versions
from services.management.schemas import Schemas

PLACE = "#/components/schemas/"


class Inner(Struct):
    code: Annotated[str, Meta(pattern=r"^a$(?!\n)")]


class Outer(Struct):
    inner: Inner
    secret: Secret
    note: str | UnsetType = UNSET


class Query(Struct):
    limit: int = 20


def test_a_type_is_shown_where_it_is_to_be_found_with_all_that_it_is_made_of() -> None:
    schemas = Schemas((Outer, list[Inner], int), ())
    assert schemas.of(Outer) == {"$ref": f"{PLACE}Outer"}
    assert schemas.of(list[Inner]) == {"type": "array", "items": {"$ref": f"{PLACE}Inner"}}
    assert schemas.of(int) == {"type": "integer"}
    assert list(schemas.components) == ["Inner", "Outer"]
    assert schemas.components["Outer"]["properties"]["inner"] == {"$ref": f"{PLACE}Inner"}


def test_what_may_be_left_out_is_not_demanded() -> None:
    assert Schemas((Outer,), ()).components["Outer"]["required"] == ["inner", "secret"]


def test_a_secret_is_shown_as_one_that_is_only_sent() -> None:
    shown = Schemas((Outer,), ()).components["Outer"]["properties"]["secret"]
    assert shown == {"type": "string", "format": "password", "writeOnly": True}


def test_patterns_are_those_of_json_schema() -> None:
    shown = Schemas((Inner,), ()).components["Inner"]["properties"]["code"]
    assert shown == {"type": "string", "pattern": "^a$"}


def test_a_query_is_no_component() -> None:
    schemas = Schemas((Query, Inner), {Query})
    assert list(schemas.components) == ["Inner"]
    assert schemas.query(Query)["properties"] == {"limit": {"type": "integer", "default": 20}}


def test_names_that_several_types_share_are_told_apart_by_their_modules() -> None:
    schemas = Schemas((admin.ListAnswer, versions.ListAnswer), ())
    assert schemas.of(admin.ListAnswer) == {"$ref": f"{PLACE}AdminListAnswer"}
    assert schemas.of(versions.ListAnswer) == {"$ref": f"{PLACE}VersionsListAnswer"}
    assert {"AdminListAnswer", "VersionsListAnswer"} <= schemas.components.keys()
