"""What was typed into one input becomes a value in its normal form, or a `Wrong` that says why not.

Nothing is kept of a value that cannot be taken.
"""

from __future__ import annotations

import datetime
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Final

from libs.common.flow.identifier import normalise
from libs.common.flow.model import Json

LONGEST: Final = 1_000
"""Characters taken where a field does not say."""
LARGEST_NUMBER: Final = 2**53 - 1
"""The largest whole number that every JSON reader reads alike (RFC 8259, section 6)."""


class Wrong(Exception):
    """A value that cannot be taken; never holds the value."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _string(sent: Json) -> str:
    if not isinstance(sent, str):
        raise Wrong("field.invalid")
    # No form takes so much, and what comes next takes time by the character.
    if len(sent) > LONGEST:
        raise Wrong("field.too_long")
    return sent


def read_text(sent: Json) -> str:
    text = _string(sent).strip()
    # PostgreSQL stores no NUL, UTF-8 has no surrogates, and no control character is a line. Most
    # text is printable, which none of those is, and that is seen at once.
    if not text.isprintable() and _has(text, "Cc", "Cs"):
        raise Wrong("field.invalid")
    return text


def read_password(sent: Json) -> str:
    text = _string(sent)
    if not text.isprintable() and _has(text, "Cs"):
        raise Wrong("field.invalid")
    return text


def _has(text: str, *categories: str) -> bool:
    return any(unicodedata.category(character) in categories for character in text)


def read_code(sent: Json) -> str:
    # Authenticators show `123 456`.
    digits = "".join(_string(sent).split())
    if not (digits.isascii() and digits.isdigit()):
        raise Wrong("field.code")
    return digits


def identifier_reader(kind: str) -> Callable[[Json], str]:
    def read_identifier(sent: Json) -> str:
        text = _string(sent).strip()
        normal = normalise(kind, text)
        if text and normal is None:
            raise Wrong(f"field.{kind}")
        return normal or ""

    return read_identifier


_NUMBER = re.compile(r"[+-]?[0-9]{1,16}(\.[0-9]{1,16})?")


def read_number(sent: Json) -> Json:
    # Forms of the web send everything as a string.
    if isinstance(sent, str):
        text = sent.strip()
        if not _NUMBER.fullmatch(text):
            raise Wrong("field.number")
        sent = float(text) if "." in text else int(text)
    if isinstance(sent, bool) or not isinstance(sent, int | float) or not math.isfinite(sent):
        raise Wrong("field.number")
    if abs(sent) > LARGEST_NUMBER:
        raise Wrong("field.number")
    return sent


def read_date(sent: Json) -> str:
    text = _string(sent).strip()
    try:
        day = datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        raise Wrong("field.date") from None
    # The library also reads week dates and dates without hyphens.
    if day != text:
        raise Wrong("field.date")
    return text


_CHECKED: Mapping[str, bool] = {"true": True, "on": True, "false": False, "off": False}


def read_checkbox(sent: Json) -> bool:
    if isinstance(sent, str) and sent in _CHECKED:
        return _CHECKED[sent]
    if not isinstance(sent, bool):
        raise Wrong("field.invalid")
    return sent


def read_country(sent: Json) -> str:
    return read_text(sent).upper()
