"""The document, made of all operations: it is right, and nothing is left out of it."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from aiohttp import web
from openapi_spec_validator import OpenAPIV31SpecValidator

from libs.common.flow.model import Json
from services.management.openapi import document, refusals_of
from services.management.operations import OPERATIONS
from services.management.routes.faces import Face
from services.management.routes.operation import Content, Operation


def made(*operations: Operation[Any]) -> Json:
    """The document as a client reads it."""
    return msgspec.json.decode(msgspec.json.encode(document(operations, "1.2.3")))


WHOLE = made(*OPERATIONS)


def described(operation: Operation[Any], whole: Json = WHOLE) -> Json:
    return whole["paths"][web.DynamicResource(operation.path).canonical][operation.method.lower()]


def parts(value: Json) -> Iterator[tuple[str, Json]]:
    """Everything in a document, with its key."""
    items = value.items() if isinstance(value, dict) else ()
    for key, inside in items or enumerate(value if isinstance(value, list) else ()):
        yield str(key), inside
        yield from parts(inside)


def named(operation: Operation[Any], place: str) -> set[str]:
    return {each["name"] for each in described(operation)["parameters"] if each["in"] == place}


every_operation = pytest.mark.parametrize(
    "operation", OPERATIONS, ids=[operation.name for operation in OPERATIONS]
)


@pytest.mark.parametrize("face", [None, *Face])
def test_the_document_is_one_of_openapi_3_1(face: Face | None) -> None:
    chosen = [each for each in OPERATIONS if face is None or each.face is face]
    assert [error.message for error in OpenAPIV31SpecValidator(made(*chosen)).iter_errors()] == []


@every_operation
def test_every_operation_is_described_as_it_is_declared(operation: Operation[Any]) -> None:
    said = described(operation)
    assert said["summary"] == operation.summary
    assert named(operation, "path") == set(operation.parameters)
    assert ("requestBody" in said) is (operation.body is not None)
    refused = {str(int(status)) for status in refusals_of(operation)}
    answered = {str(status) for status in operation.answers}
    cached = {"304"} if operation.tagged and not operation.writes else set()
    assert set(said["responses"]) == refused | answered | cached
    scopes = [scope for way in said["security"] for scope in next(iter(way.values()))]
    assert set(scopes) == ({operation.scope} if operation.scope else set())


@every_operation
def test_an_operation_says_which_headers_it_heeds(operation: Operation[Any]) -> None:
    headers = named(operation, "header")
    assert "X-Request-Id" in headers
    assert ("Idempotency-Key" in headers) is bool(operation.writes and operation.scope)
    assert ({"If-Match", "If-None-Match"} <= headers) is operation.tagged


def test_no_two_operations_share_a_name_or_a_place() -> None:
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS)
    places = {(operation.method, operation.path) for operation in OPERATIONS}
    assert len(places) == len(OPERATIONS)
    assert sum(len(item) for item in WHOLE["paths"].values()) == len(OPERATIONS)


def test_whatever_is_referred_to_is_there() -> None:
    refs = {value for key, value in parts(WHOLE) if key == "$ref"}
    assert refs
    for ref in refs:
        found = WHOLE
        for name in ref.removeprefix("#/").split("/"):
            found = found[name]
        assert found


def test_every_refusal_and_answer_carries_the_request_id_and_the_limit() -> None:
    answers = [
        answer
        for item in WHOLE["paths"].values()
        for operation in item.values()
        for answer in operation["responses"].values()
        if "$ref" not in answer
    ]
    for answer in (*answers, *WHOLE["components"]["responses"].values()):
        assert {"X-Request-Id", "X-RateLimit-Reset"} <= set(answer["headers"])
    assert "Retry-After" in WHOLE["components"]["responses"]["v2_too_many_requests"]["headers"]


def test_names_are_short_even_where_several_modules_share_them() -> None:
    names = WHOLE["components"]["schemas"].keys()
    assert {"VersionsListAnswer", "AdminListAnswer", "Graph"} <= names
    assert all(re.fullmatch("[A-Za-z0-9]+", name) for name in names)


def test_a_query_is_shown_as_parameters_that_can_be_sent() -> None:
    (listing,) = (each for each in OPERATIONS if each.name == "admin_list")
    shown = {each["name"]: each for each in described(listing)["parameters"]}
    assert shown["limit"]["schema"] == {
        "type": "integer", "minimum": 1, "maximum": 100, "default": 20,
    }  # fmt: skip
    assert shown["cursor"] == {
        "name": "cursor", "in": "query", "required": False, "schema": {"type": "string"},
    }  # fmt: skip
    assert shown["status"]["schema"] == {"$ref": "#/components/schemas/Status"}


def test_patterns_are_those_of_json_schema() -> None:
    patterns = [value for key, value in parts(WHOLE) if key == "pattern" and isinstance(value, str)]
    assert patterns
    assert not any("(?!\\n)" in pattern or "\\Z" in pattern for pattern in patterns)


class Endpoints:
    async def handle(self, _request: web.Request) -> web.Response:
        return web.Response()


def test_what_an_answer_may_leave_out_is_not_demanded_of_it() -> None:
    (get,) = (each for each in OPERATIONS if each.name == "admin_get")
    ref = described(get)["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    details = WHOLE["components"]["schemas"][ref.rpartition("/")[2]]
    assert {"id", "graph"} <= set(details["required"])
    assert "compiled_at" in details["properties"].keys() - set(details["required"])
    assert WHOLE["components"]["schemas"]["Validity"]["required"] == ["valid"]


def test_an_answer_may_be_of_several_types() -> None:
    (load,) = (each for each in OPERATIONS if each.name == "v3_files_load")
    refused = described(load)["responses"]["400"]["content"]["application/json"]["schema"]
    assert [each["$ref"].rpartition("/")[2] for each in refused["anyOf"]] == [
        "V3FilesImportAnswer",
        "ValidationBody",
    ]


def test_a_body_may_be_of_several_media_and_be_left_out() -> None:
    operation: Operation[Endpoints] = Operation(
        method="POST",
        path="/api/v3/files/{name:[a-z]+}/",
        handler=Endpoints.handle,
        summary="Send a file",
        scope="update:flows",
        parameters={"name": str},
        body=Content(None, ("text/plain", "application/octet-stream"), optional=True),
        answers={204: None},
        tenants=False,
    )
    said = described(operation, made(operation))
    assert said["requestBody"] == {
        "required": False,
        "content": {"text/plain": {}, "application/octet-stream": {}},
    }
    assert said["servers"] == [{"url": "/"}]
    assert said["tags"] == ["v3 files"]
    assert "content" not in said["responses"]["204"]


@pytest.mark.parametrize("parameters", [{}, {"id": str, "other": str}])
def test_an_operation_declares_each_part_of_its_path(parameters: dict[str, type]) -> None:
    with pytest.raises(ValueError, match="declares"):
        Operation(
            method="GET",
            path="/api/admin/things/{id}",
            handler=Endpoints.handle,
            summary="Get a thing",
            scope="read:flows",
            parameters=parameters,
            answers={200: None},
        )
