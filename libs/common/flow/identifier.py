"""What an email address, a user name and a phone number look like when two of them are compared.

Whoever stores or looks up an identifier uses the form made here, and no other: were there two
rules, one person could hold what looks to everybody like another's name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping

KINDS = ("email", "username", "phone")
"""What an account can be called by."""

# No part of it could end earlier, so nothing is ever tried again.
_EMAIL = re.compile(r"[^@\s]++@[^@.\s]++(?:\.[^@.\s]++)*+")
_USERNAME = re.compile(r"[^\s@+][^\s@]*")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_PHONE_PUNCTUATION = str.maketrans("", "", " -.()/\u00a0")

_LONGEST_EMAIL = 254  # RFC 5321, 4.5.3.1.3, without the angle brackets
_LONGEST_USERNAME = 64


def normalise(kind: str, text: str) -> str | None:
    """Return the normal form of `text` as an identifier of `kind`; None where it is none."""
    return _NORMAL[kind](text)


def _email(text: str) -> str | None:
    normal = _folded(text)
    fits = normal is not None and len(normal) <= _LONGEST_EMAIL
    return normal if fits and _EMAIL.fullmatch(normal or "") else None


def _username(text: str) -> str | None:
    # No text is of two kinds: a user name that reads as an address or a number would catch
    # sign-ins that are meant for the account which has that address or number.
    normal = _folded(text)
    fits = normal is not None and len(normal) <= _LONGEST_USERNAME and _phone(normal) is None
    return normal if fits and _USERNAME.fullmatch(normal or "") else None


def _phone(text: str) -> str | None:
    """Return E.164; a national number is none, since it names somebody in every country."""
    digits = unicodedata.normalize("NFKC", text).translate(_PHONE_PUNCTUATION)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    return digits if _PHONE.fullmatch(digits) else None


def _folded(text: str) -> str | None:
    text = text.strip()
    if text.isascii() and text.isprintable():
        # Nothing of this is composed, or hidden: most names are so, and it is cheap to see.
        return text.lower()
    # NFKC twice: lowering can leave a form that is not composed.
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())
    # Control and invisible characters would make two names that look alike.
    hidden = any(unicodedata.category(character)[0] == "C" for character in folded)
    return None if hidden else folded


_NORMAL: Mapping[str, Callable[[str], str | None]] = {
    "email": _email,
    "username": _username,
    "phone": _phone,
}
