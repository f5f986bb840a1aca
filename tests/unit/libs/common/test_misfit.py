"""All that keeps a value from being of a type, at once."""

import enum
from typing import Annotated, Literal

import msgspec
import pytest

from libs.common.errors import Problem
from libs.common.misfit import misfits
from libs.common.secret import Secret


class Colour(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


class Wheel(msgspec.Struct, forbid_unknown_fields=True):
    size: Annotated[int, msgspec.Meta(ge=1)]
    spokes: int = 30


class Cart(msgspec.Struct):
    wheels: tuple[Wheel, ...]
    colour: Colour | None = None
    pulled_by: Literal["horse", "ox"] | msgspec.UnsetType = msgspec.UNSET
    name: Annotated[str, msgspec.Meta(pattern="^[a-z]+$", description="small letters")] = "x"
    code: Annotated[str, msgspec.Meta(pattern="^[0-9]+$")] = "1"


def test_what_fits_has_no_misfits() -> None:
    assert list(misfits({"wheels": [{"size": 1}], "colour": "red", "else": 1}, Cart)) == []


def test_every_mistake_is_found_wherever_it_lies() -> None:
    value = {"wheels": [{"size": 0}, {"spokes": "many", "rim": 1}], "colour": "green"}
    assert list(misfits(value, Cart, "cart")) == [
        Problem("invalid", "Expected `int` >= 1", path="cart.wheels[0].size"),
        Problem(
            "unknown_field",
            "there is no such field; there are: `size`, `spokes`",
            path="cart.wheels[1].rim",
        ),
        Problem("missing_field", "it is required", path="cart.wheels[1].size"),
        Problem("invalid", "Expected `int`, got `str`", path="cart.wheels[1].spokes"),
        Problem("invalid", "Expected one of `red`, `blue`", path="cart.colour"),
    ]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("pulled_by", "goat", "Expected one of `horse`, `ox`"),
        ("name", "Big", "Expected small letters"),
        ("code", "x", "Expected `str` matching regex '^[0-9]+$'"),
        ("wheels", {}, "Expected `array`, got `object`"),
    ],
)
def test_a_misfit_says_what_would_fit(field: str, value: object, message: str) -> None:
    (problem,) = misfits({"wheels": [], field: value}, Cart)
    assert (problem.message, problem.path) == (message, field)


def test_a_value_that_is_wrong_as_a_whole_has_no_path() -> None:
    assert list(misfits([], Cart)) == [Problem("invalid", "Expected `object`, got `array`")]


def test_in_a_query_text_may_stand_for_a_number() -> None:
    assert list(misfits({"size": "4"}, Wheel, strict=False)) == []
    assert len(list(misfits({"size": "4"}, Wheel))) == 1


def test_a_secret_fits_and_what_is_no_text_is_none() -> None:
    class Held(msgspec.Struct):
        secret: Secret | None
        name: str

    assert [each.path for each in misfits({"secret": "a", "name": 1}, Held)] == ["name"]
    assert [each.path for each in misfits({"secret": 1, "name": "a"}, Held)] == ["secret"]


class Cat(msgspec.Struct, forbid_unknown_fields=True, tag_field="kind", tag="cat"):
    lives: int


class Dog(msgspec.Struct, forbid_unknown_fields=True, tag_field="kind", tag="dog"):
    name: str


class Owner(msgspec.Struct):
    pet: Cat | Dog | None


@pytest.mark.parametrize(
    ("pet", "found"),
    [
        ({"kind": "dog", "name": 7}, ("invalid", "pet.name")),
        ({"kind": "dog"}, ("missing_field", "pet.name")),
        ({"kind": "cat", "lives": 9, "name": "Tom"}, ("unknown_field", "pet.name")),
        ({"name": "Rex"}, ("missing_field", "pet.kind")),
        ({"kind": "cow"}, ("invalid", "pet.kind")),
        ({"kind": 7}, ("invalid", "pet.kind")),
        (7, ("invalid", "pet")),
    ],
)
def test_of_several_kinds_it_is_tried_as_the_one_that_it_says_it_is(
    pet: object, found: tuple[str, str]
) -> None:
    assert [(each.code, each.path) for each in misfits({"pet": pet}, Owner)] == [found]
    (alone,) = misfits(pet, Cat | Dog)
    assert alone.path == (found[1].removeprefix("pet").removeprefix(".") or None)
