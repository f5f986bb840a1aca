from __future__ import annotations

import msgspec
import pytest

from libs.common.flow.model import Json
from libs.common.flow.node import InvalidConfig
from libs.common.flow.view import Component
from libs.common.nodes.countries import COUNTRIES
from libs.common.nodes.fields import Input, InputField, Part
from libs.common.nodes.form import Choice, Field, Kind
from libs.common.nodes.parts import KINDS, draw_part, mistakes


def part_of(**said: Json) -> Part:
    part: Part = msgspec.convert(said, Part)
    return part


def drawn(**said: Json) -> Field | Component:
    return draw_part(part_of(**said), "form_1_0", "fields[0]")


def asked(type: str, **said: Json) -> Field:
    found = drawn(type=type, name="a", label="A", **said)
    assert isinstance(found, Field)
    return found


def wrong(type: str, **said: Json) -> list[tuple[str, str]]:
    part: InputField = msgspec.convert({"type": type, "name": "a", "label": "A", **said}, Part)
    return list(mistakes(part))


@pytest.mark.parametrize(
    ("said", "component"),
    [
        (
            {"type": "typography", "text": "Hi", "variant": "h1"},
            Component("form_1_0", "TYPOGRAPHY", "H1", config={"text": "Hi"}),
        ),
        (
            {"type": "rich_text", "text": "<b>Hi</b><br/>"},
            Component("form_1_0", "RICH_TEXT", config={"text": "<b>Hi</b><br>"}),
        ),
        ({"type": "divider"}, Component("form_1_0", "DIVIDER", "HORIZONTAL", config={})),
        (
            {"type": "divider", "text": "or"},
            Component("form_1_0", "DIVIDER", "HORIZONTAL", config={"text": "or"}),
        ),
        (
            {"type": "image", "src": "https://a.example/b.png", "alt": "A lock"},
            Component(
                "form_1_0",
                "IMAGE",
                "IMAGE_BLOCK",
                config={"src": "https://a.example/b.png", "alt": "A lock"},
            ),
        ),
    ],
)
def test_what_is_shown_is_drawn_in_the_words_of_the_wire(
    said: dict[str, Json], component: Component
) -> None:
    assert drawn(**said) == component


def test_rich_text_that_could_do_harm_is_refused_where_it_is_written() -> None:
    with pytest.raises(InvalidConfig) as refused:
        drawn(type="rich_text", text="<img>")
    assert [problem.path for problem in refused.value.problems] == ["fields[0].text"]


def test_every_type_of_input_has_a_kind() -> None:
    tags = {kind.__struct_config__.tag: KINDS[kind] for kind in KINDS}
    assert tags == {kind.value: kind for kind in Kind if kind is not Kind.OTP}
    assert all(issubclass(kind, Input) for kind in KINDS)


def test_the_author_s_words_for_an_input_are_kept() -> None:
    field = asked("checkbox", required=False, hint="Tick it", placeholder="None")
    assert field == Field(
        "a", Kind.CHECKBOX, "A", required=False, placeholder="None", hint="Tick it"
    )


def test_a_password_has_a_least_length_that_is_only_told_where_the_author_says_one() -> None:
    field = asked("password")
    assert (field.shortest, field.longest, field.bounds_shown) == (8, None, False)
    field = asked("password", max_length=20)
    assert (field.shortest, field.longest, field.bounds_shown) == (8, 20, True)
    field = asked("text", min_length=2, characters="digits")
    assert (field.shortest, field.bounds_shown, field.characters) == (2, True, "digits")


def test_a_whole_number_is_a_bound_without_a_fraction() -> None:
    field = asked("number", minimum=18, maximum=99.5)
    assert (str(field.least), str(field.most)) == ("18", "99.5")
    field = asked("date", earliest="2000-01-01")
    assert (field.least, field.most) == ("2000-01-01", None)


def test_countries_are_all_or_those_that_the_author_lists() -> None:
    everywhere = asked("country").choices
    assert [choice.value for choice in everywhere] == sorted(COUNTRIES)
    few = asked("country", countries=["SE", "NO"]).choices
    assert few == (Choice("SE", "SE", "country.SE"), Choice("NO", "NO", "country.NO"))


def test_an_option_is_called_as_its_author_says_or_by_its_value() -> None:
    options = [{"value": "s", "label": "Small"}, {"value": "l"}]
    assert asked("dropdown", options=options).choices == (Choice("s", "Small"), Choice("l", "l"))


@pytest.mark.parametrize(
    ("kind", "said", "found"),
    [
        ("checkbox", {}, []),
        ("text", {"min_length": 3, "max_length": 3}, []),
        (
            "text",
            {"min_length": 3, "max_length": 2},
            [("min_length", "No text is 3 characters or more and 2 or fewer")],
        ),
        (
            "password",
            {"max_length": 7},
            [("min_length", "No text is 8 characters or more and 7 or fewer")],
        ),
        ("number", {"minimum": 1, "maximum": 1}, []),
        ("number", {"minimum": 1}, []),
        (
            "number",
            {"minimum": 1.5, "maximum": 1},
            [("minimum", "No number is 1.5 or more and 1 or less")],
        ),
        ("date", {"earliest": "2024-02-29", "latest": "2024-02-29"}, []),
        ("date", {"latest": "2023-02-29"}, [("latest", "`2023-02-29` is no day")]),
        (
            "date",
            {"earliest": "2024-01-02", "latest": "2024-01-01"},
            [("earliest", "No day is 2024-01-02 or later and 2024-01-01 or earlier")],
        ),
        ("country", {}, []),
        (
            "country",
            {"countries": ["SE", "XX", "SE"]},
            [
                ("countries[1]", "`XX` is the code of no country (ISO 3166-1)"),
                ("countries[2]", "It is listed already; remove it"),
            ],
        ),
        (
            "dropdown",
            {"options": [{"value": "a"}, {"value": " b"}, {"value": "c\n"}, {"value": "d\0"}]},
            [
                (
                    f"options[{index}].value",
                    "A value is one line that neither begins nor ends with a blank",
                )
                for index in (1, 2, 3)
            ],
        ),
        (
            "dropdown",
            {"options": [{"value": "a", "label": "A"}, {"value": "a", "label": "B"}]},
            [("options[1].value", "Another option has this value; change one of them")],
        ),
    ],
)
def test_what_makes_no_sense_is_found(
    kind: str, said: dict[str, Json], found: list[tuple[str, str]]
) -> None:
    assert wrong(kind, **said) == found
