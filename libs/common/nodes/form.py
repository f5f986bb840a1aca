"""Forms: fields become the component tree of seed 002, and what was sent back becomes values.

Every node that asks the user for something asks by a form, so each kind of field is checked in
one place, and whatever a client is told to check is checked here as well. A secret is wrapped as
it is read: it is never among the values, which are stored.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from libs.common.errors import Invalid, Problem
from libs.common.flow.model import Json
from libs.common.flow.turn import Facts, FieldError, Message, Stay, Submission
from libs.common.flow.view import KEY, OPTIONS, Component, View
from libs.common.nodes.messages import MESSAGES
from libs.common.nodes.typed import (
    LONGEST,
    Wrong,
    identifier_reader,
    read_checkbox,
    read_code,
    read_country,
    read_date,
    read_number,
    read_password,
    read_text,
)
from libs.common.secret import Secret


class Kind(enum.StrEnum):
    """What is typed into a field."""

    TEXT = "text"
    PASSWORD = "password"  # noqa: S105 - the name of a kind
    EMAIL = "email"
    USERNAME = "username"
    TELEPHONE = "telephone"
    NUMBER = "number"
    DATE = "date"
    OTP = "otp"
    CHECKBOX = "checkbox"
    COUNTRY = "country"
    DROPDOWN = "dropdown"

    @property
    def variant(self) -> str:
        """The INPUT's `variant` on the wire."""
        return "TEXT" if self is Kind.USERNAME else self.name


SECRET = frozenset({Kind.PASSWORD, Kind.OTP})
"""Kinds whose values nobody may see."""

SHORTEST_PASSWORD = 8
"""Characters of a new one (NIST SP 800-63B, 5.1.1.2), unless an author wants more or fewer."""
LONGEST_PASSWORD = 256
"""Characters; a longer one would only keep argon2id busy."""

Name = Annotated[str, msgspec.Meta(max_length=50, pattern=r"^[A-Za-z][A-Za-z0-9_]*$(?!\n)")]
"""What an input or an attribute is called, so that an expression can name it."""
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
"""Words on the screen."""
Characters: TypeAlias = Literal["digits", "letters", "letters_and_digits"]
"""Of which a text may be made: 0 to 9, and the letters of any script."""


class Choice(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of what can be picked."""

    value: str
    label: str
    key: str | None = None
    """Of a label that is not the author's, and so in the user's language."""


class Field(msgspec.Struct, frozen=True):
    """An input."""

    name: str
    kind: Kind
    label: str = ""
    required: bool = True
    placeholder: str | None = None
    hint: str | None = None
    shortest: int | None = None
    """Characters."""
    longest: int | None = None
    """Characters."""
    bounds_shown: bool = False
    """Tell the client of `shortest` and `longest`, so that it can check them first."""
    characters: Characters | None = None
    least: int | float | str | None = None
    """A number, or the day of a date."""
    most: int | float | str | None = None
    choices: tuple[Choice, ...] = ()
    """Where there are some, nothing else is taken."""
    key: str | None = None
    """Of a label that is not the author's, and so in the user's language."""


CODE = Field("code", Kind.OTP, key="label.totp", shortest=6, longest=6)
"""What an authenticator app shows."""


class Button(msgspec.Struct, frozen=True):
    """What sends a form."""

    id: str = "submit"
    action: str = "submit"
    """What the client sends as `actionId`."""
    text: str = ""
    key: str | None = None
    """Of a text that is not the author's, and so in the user's language."""


SUBMIT = Button(key="button.continue")
"""The button of a form whose author has no say in it."""


_Reader: TypeAlias = Callable[[Json], Json]


class Form(msgspec.Struct, frozen=True, dict=True):
    """A form, as a plan holds it, with what is made of it kept once made."""

    view: View
    fields: tuple[Field, ...]

    @cached_property
    def shown(self) -> Stay:
        """The form as it is shown first."""
        return Stay(self.view)

    @cached_property
    def readers(self) -> tuple[tuple[str, bool, _Reader], ...]:
        """Of each field its name, whether it is a secret, and what reads it."""
        return tuple((field.name, field.kind in SECRET, _reader(field)) for field in self.fields)


# Its values are JSON, so it is in no cycle.
class Filled(msgspec.Struct, frozen=True, gc=False):
    """What was sent for a form, and is right. An optional field left empty is in neither."""

    values: Mapping[str, Json]
    """By name, in their normal form; a session can store them."""
    secrets: Mapping[str, Secret]

    def __repr__(self) -> str:
        """Say nothing: all of it is the user's."""
        return "Filled(***)"


def make_form(
    node: str,
    parts: tuple[Field | Component, ...],
    *,
    id: str | None = None,
    title: str | None = None,
    button: Button = SUBMIT,
    more: tuple[Component, ...] = (),
) -> Form:
    """Draw the form of the node with the id `node`, with `more` below its button.

    Of `parts` each field is asked for, and what else there is stands between them.
    """
    name = id or f"form_{node}"
    fields = tuple(part for part in parts if isinstance(part, Field))
    shown = (_input(part) if isinstance(part, Field) else part for part in parts)
    form = Component(name, "FORM", components=(*shown, draw_button(button), *more))
    heading = Component(f"{name}_title", "TYPOGRAPHY", "H3", config={"text": title})
    required = tuple(field.name for field in fields if field.required)
    view = View((heading, form) if title else (form,), required)
    return Form(view, fields)


def read(form: Form, submitted: Submission | None) -> Filled | Stay:
    """Read what was sent, or say what to show: the form, with all that is wrong with it.

    Raise `Invalid` where the submission names no button of the form; empty stands for the first.
    """
    if submitted is None:
        return form.shown
    check_action(form.view, submitted)
    values: dict[str, Json] = {}
    secrets: dict[str, Secret] = {}
    wrong: list[FieldError] = []
    for name, is_secret, read_field in form.readers:
        try:
            value = read_field(submitted.inputs.get(name))
        except Wrong as error:
            wrong.append(FieldError(name, error.key))
            continue
        if value is None:
            continue
        if is_secret:
            secrets[name] = Secret(str(value))
        else:
            values[name] = value
    if wrong:
        return refused(form, wrong)
    return Filled(values, secrets)


def check_action(view: View, submitted: Submission) -> None:
    """Raise `Invalid` where the submission names no button of `view`; empty stands for the first.

    A view without a button has no action but that.
    """
    if submitted.action in view.actions:
        return
    known = ", ".join(f"`{name}`" for name in sorted(view.actions) if name) or "none"
    message = f"There is no such action in this step; there is: {known}"
    raise Invalid(message, (Problem("unknown_action", message, path="actionId"),))


def refused(form: Form, wrong: Iterable[FieldError]) -> Stay:
    """Show `form` again, with what is wrong with its fields."""
    return Stay(form.view, Message("form.invalid"), tuple(wrong))


def learn(facts: Facts, form: Form, filled: Filled, *, attributes: bool) -> Facts:
    """Put what was sent among the inputs, and stage it where it is about the user as well.

    What was asked for again and now left empty is gone.
    """
    values = filled.values
    inputs = {**facts.inputs, **values}
    staged = {**facts.staged, **values} if attributes else {}
    if len(values) < len(form.fields):
        for field in form.fields:
            if field.name not in values:
                inputs.pop(field.name, None)
                staged.pop(field.name, None)
    return replace(facts, inputs=inputs, staged=staged if attributes else facts.staged)


def _input(field: Field) -> Component:
    # `name` beside `identifier`: clients of the same API read the one or the other.
    config: dict[str, Json] = {
        "identifier": field.name,
        "name": field.name,
        **_words("label", field.label, field.key),
        "required": field.required,
    }
    if field.placeholder is not None:
        config["placeholder"] = field.placeholder
    if field.hint is not None:
        config["hint"] = field.hint
    if field.choices:
        config[OPTIONS] = [_option(choice) for choice in field.choices]
    rules = list(_rules(field))
    if rules:
        config["validations"] = rules
    return Component(field.name, "INPUT", field.kind.variant, config=config)


def _option(choice: Choice) -> dict[str, Json]:
    said = {"value": choice.value, "label": choice.label}
    return said if choice.key is None else {**said, KEY: choice.key}


def _rules(field: Field) -> Iterator[dict[str, Json]]:
    """Say in the words of the API's clients what is checked when the form is read."""
    if field.bounds_shown:
        yield from _rule(
            "LengthValidator", {"min.length": field.shortest, "max.length": field.longest}
        )
    yield from _rule("RangeValidator", {"min.value": field.least, "max.value": field.most})
    yield from _rule("CharacterValidator", {"only": field.characters})


def _rule(name: str, wanted: Mapping[str, Json]) -> Iterator[dict[str, Json]]:
    # Their values are strings, numbers too.
    conditions = [
        {"key": key, "value": str(value)} for key, value in wanted.items() if value is not None
    ]
    if conditions:
        yield {"type": "RULE", "name": name, "conditions": conditions}


def draw_button(button: Button, variant: str = "PRIMARY") -> Component:
    """Draw a button."""
    config = {
        **_words("text", button.text, button.key),
        "identifier": button.id,
        "name": button.id,
    }
    return Component(button.id, "BUTTON", variant, button.action, config)


def heading_of(form: Form, key: str) -> Component:
    """Draw words of our own to stand above `form`."""
    name = form.view.components[-1].id
    return Component(f"{name}_title", "TYPOGRAPHY", "H3", config=own_words("text", key))


def own_words(name: str, key: str) -> dict[str, Json]:
    """Say, in a component's config, the `name` that is no author's: it follows the user's language.

    `name` is `label` or `text`.
    """
    return {name: MESSAGES[key], KEY: key}


def _words(name: str, text: str, key: str | None) -> dict[str, Json]:
    return {name: text} if key is None else own_words(name, key)


def _reader(field: Field) -> _Reader:
    """Make the function that reads what was sent for `field`, or raises `Wrong`.

    It returns None where nothing was.
    """
    read, required = _READERS[field.kind], field.required
    shortest = field.shortest or 0
    longest = field.longest or _LONGEST.get(field.kind, LONGEST)
    checks = tuple(_checks(field))

    def read_field(sent: Json) -> Json:
        value = None if sent is None or sent == "" else read(sent)
        if value is None or value == "":
            if required:
                raise Wrong("field.required")
            return None
        # A box that must be ticked says yes to something.
        if required and value is False:
            raise Wrong("field.required")
        if isinstance(value, str):
            size = len(value)
            if size < shortest:
                raise Wrong("field.too_short")
            if size > longest:
                raise Wrong("field.too_long")
        for passes, key in checks:
            if not passes(value):
                raise Wrong(key)
        return value

    return read_field


_LONGEST: Mapping[Kind, int] = {Kind.PASSWORD: LONGEST_PASSWORD}
"""Where it is not `LONGEST`."""


def _checks(field: Field) -> Iterator[tuple[Callable[[Any], bool], str]]:
    """Say what else is checked of a value, and the key of what is wrong where it does not pass."""
    if field.characters is not None:
        passes = _CHARACTERS[field.characters]
        yield lambda value: all(map(passes, value)), f"field.{field.characters}"
    if field.choices:
        yield frozenset(choice.value for choice in field.choices).__contains__, "field.choice"
    number = field.kind is Kind.NUMBER
    # Days that are written as years, months and days stand in the order of their letters.
    if (least := field.least) is not None:
        yield lambda value: value >= least, "field.too_small" if number else "field.too_early"
    if (most := field.most) is not None:
        yield lambda value: value <= most, "field.too_large" if number else "field.too_late"


def _is_digit(character: str) -> bool:
    return character.isascii() and character.isdigit()


_CHARACTERS: Mapping[Characters, Callable[[str], bool]] = {
    "digits": _is_digit,
    "letters": str.isalpha,
    "letters_and_digits": lambda character: _is_digit(character) or character.isalpha(),
}

_READERS: Mapping[Kind, _Reader] = {
    Kind.TEXT: read_text,
    Kind.PASSWORD: read_password,
    Kind.EMAIL: identifier_reader("email"),
    Kind.USERNAME: identifier_reader("username"),
    Kind.TELEPHONE: identifier_reader("phone"),
    Kind.NUMBER: read_number,
    Kind.DATE: read_date,
    Kind.OTP: read_code,
    Kind.CHECKBOX: read_checkbox,
    Kind.COUNTRY: read_country,
    Kind.DROPDOWN: read_text,
}
