"""Forms: fields become the component tree of seed 002, and what was sent back becomes values.

Every node that asks the user for something asks by a form, so each kind of field is checked in
one place. A secret is wrapped as it is read: it is never among the values, which are stored.
"""

from __future__ import annotations

import datetime
import enum
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, TypeAlias

import msgspec

from libs.common.errors import Invalid, Problem
from libs.common.flow.identifier import normalise
from libs.common.flow.model import Json
from libs.common.flow.turn import FieldError, Message, Stay, Submission
from libs.common.flow.view import KEY, Component, View
from libs.common.nodes.messages import MESSAGES
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

    @property
    def variant(self) -> str:
        """The INPUT's `variant` on the wire."""
        return "TEXT" if self is Kind.USERNAME else self.name


SECRET = frozenset({Kind.PASSWORD, Kind.OTP})
"""Kinds whose values nobody may see."""

LONGEST = 1_000
"""Characters taken where a field does not say."""
SHORTEST_PASSWORD = 8
"""Characters of a new one (NIST SP 800-63B, 5.1.1.2), unless an author wants more or fewer."""
LONGEST_PASSWORD = 256
"""Characters; a longer one would only keep argon2id busy."""
LARGEST_NUMBER = 2**53 - 1
"""The largest whole number that every JSON reader reads alike (RFC 8259, section 6)."""

Name = Annotated[str, msgspec.Meta(max_length=50, pattern=r"^[A-Za-z][A-Za-z0-9_]*$(?!\n)")]
"""What an input or an attribute is called, so that an expression can name it."""
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
"""Words on the screen."""


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


class Form(msgspec.Struct, frozen=True):
    """A form, as a plan holds it."""

    view: View
    fields: tuple[Field, ...]


class Filled(msgspec.Struct, frozen=True):
    """What was sent for a form, and is right. An optional field left empty is in neither."""

    values: Mapping[str, Json]
    """By name, in their normal form; a session can store them."""
    secrets: Mapping[str, Secret]

    def __repr__(self) -> str:
        """Say nothing: all of it is the user's."""
        return "Filled(***)"


def make_form(
    node: str,
    fields: tuple[Field, ...],
    *,
    id: str | None = None,
    title: str | None = None,
    button: Button = SUBMIT,
    more: tuple[Component, ...] = (),
) -> Form:
    """Draw the form of the node with the id `node`, with `more` below its button."""
    name = id or f"form_{node}"
    form = Component(name, "FORM", components=(*map(_input, fields), draw_button(button), *more))
    heading = Component(f"{name}_title", "TYPOGRAPHY", "H3", config={"text": title})
    required = tuple(field.name for field in fields if field.required)
    view = View((heading, form) if title else (form,), required)
    return Form(view, fields)


def read(form: Form, submitted: Submission | None) -> Filled | Stay:
    """Read what was sent, or say what to show: the form, with all that is wrong with it.

    Raise `Invalid` where the submission names no button of the form; empty stands for the first.
    """
    if submitted is None:
        return Stay(form.view)
    check_action(form.view, submitted)
    values: dict[str, Json] = {}
    secrets: dict[str, Secret] = {}
    wrong: list[FieldError] = []
    for field in form.fields:
        try:
            value = _read_field(field, submitted.inputs.get(field.name))
        except _Wrong as error:
            wrong.append(FieldError(field.name, error.key))
            continue
        if value is None:
            continue
        if field.kind in SECRET:
            secrets[field.name] = Secret(str(value))
        else:
            values[field.name] = value
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
    bounds = {"minLength": field.shortest, "maxLength": field.longest}
    validations = [{"type": key, "value": value} for key, value in bounds.items() if value]
    if field.bounds_shown and validations:
        config["validations"] = validations
    return Component(field.name, "INPUT", field.kind.variant, config=config)


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


class _Wrong(Exception):
    """A value that cannot be taken; never holds the value."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _read_field(field: Field, sent: Json) -> Json:
    value = None if sent is None or sent == "" else _READERS[field.kind](sent)
    # A box that must be ticked says yes to something.
    if field.required and (value is None or value == "" or value is False):
        raise _Wrong("field.required")
    if value == "":
        return None
    if isinstance(value, str):
        longest = LONGEST_PASSWORD if field.kind is Kind.PASSWORD else LONGEST
        if len(value) < (field.shortest or 0):
            raise _Wrong("field.too_short")
        if len(value) > (field.longest or longest):
            raise _Wrong("field.too_long")
    return value


def _string(sent: Json) -> str:
    if not isinstance(sent, str):
        raise _Wrong("field.invalid")
    # No form takes so much, and what comes next takes time by the character.
    if len(sent) > LONGEST:
        raise _Wrong("field.too_long")
    return sent


def _text(sent: Json) -> str:
    text = _string(sent).strip()
    # PostgreSQL stores no NUL, UTF-8 has no surrogates, and no control character is a line. Most
    # text is printable, which none of those is, and that is seen at once.
    if not text.isprintable() and _has(text, "Cc", "Cs"):
        raise _Wrong("field.invalid")
    return text


def _password(sent: Json) -> str:
    text = _string(sent)
    if not text.isprintable() and _has(text, "Cs"):
        raise _Wrong("field.invalid")
    return text


def _has(text: str, *categories: str) -> bool:
    return any(unicodedata.category(character) in categories for character in text)


def _code(sent: Json) -> str:
    # Authenticators show `123 456`.
    digits = "".join(_string(sent).split())
    if not (digits.isascii() and digits.isdigit()):
        raise _Wrong("field.code")
    return digits


def _identifier(kind: str) -> Callable[[Json], str]:
    def read_identifier(sent: Json) -> str:
        text = _string(sent).strip()
        normal = normalise(kind, text)
        if text and normal is None:
            raise _Wrong(f"field.{kind}")
        return normal or ""

    return read_identifier


_NUMBER = re.compile(r"[+-]?[0-9]{1,16}(\.[0-9]{1,16})?")


def _number(sent: Json) -> Json:
    # Forms of the web send everything as a string.
    if isinstance(sent, str):
        text = sent.strip()
        if not _NUMBER.fullmatch(text):
            raise _Wrong("field.number")
        sent = float(text) if "." in text else int(text)
    if isinstance(sent, bool) or not isinstance(sent, int | float) or not math.isfinite(sent):
        raise _Wrong("field.number")
    if abs(sent) > LARGEST_NUMBER:
        raise _Wrong("field.number")
    return sent


def _date(sent: Json) -> str:
    text = _string(sent).strip()
    try:
        day = datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        raise _Wrong("field.date") from None
    # The library also reads week dates and dates without hyphens.
    if day != text:
        raise _Wrong("field.date")
    return text


_CHECKED: Mapping[str, bool] = {"true": True, "on": True, "false": False, "off": False}


def _checkbox(sent: Json) -> bool:
    if isinstance(sent, str) and sent in _CHECKED:
        return _CHECKED[sent]
    if not isinstance(sent, bool):
        raise _Wrong("field.invalid")
    return sent


_Reader: TypeAlias = Callable[[Json], Json]

_READERS: Mapping[Kind, _Reader] = {
    Kind.TEXT: _text,
    Kind.PASSWORD: _password,
    Kind.EMAIL: _identifier("email"),
    Kind.USERNAME: _identifier("username"),
    Kind.TELEPHONE: _identifier("phone"),
    Kind.NUMBER: _number,
    Kind.DATE: _date,
    Kind.OTP: _code,
    Kind.CHECKBOX: _checkbox,
}
