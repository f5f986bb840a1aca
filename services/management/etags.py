"""Entity tags: what names a state of a thing, and what a request demands of that state (RFC 9110).

A tag is made of all that is stored of a thing and can be shown, so it changes whenever an answer
about it does. It is the same in each face, because all of them show the same rows.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

import msgspec

from libs.common.errors import Invalid, Problem, Stale

IF_MATCH: Final = "If-Match"
IF_NONE_MATCH: Final = "If-None-Match"

_ANY = "*"
# RFC 9110, 8.8.3, in a list as of 5.6.1: spaces and empty members may stand between the commas.
_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_LIST = re.compile(rf"[ \t,]*{_TAG.pattern}(?:[ \t]*,[ \t,]*{_TAG.pattern})*[ \t,]*")
_BYTES = 16


def tag_of(*parts: object) -> str:
    """Return the strong tag of a thing of which `parts` are all that can be shown."""
    digest = hashlib.sha256(_ENCODER.encode(parts)).hexdigest()
    return f'"{digest[: 2 * _BYTES]}"'


_ENCODER = msgspec.json.Encoder(order="deterministic")


class Condition(msgspec.Struct, frozen=True):
    """What a request demands of what it is about; None demands nothing."""

    match: frozenset[str] | None = None
    """Tags of which it has one; with `*` there has to be such a thing at all."""
    none_match: frozenset[str] | None = None
    """Tags of which it has none; with `*` there must be no such thing yet."""

    def check(self, tag: str | None) -> None:
        """Raise `Stale` unless a thing with this tag will do; None is a thing that is not there."""
        if self.match is not None and not _matches(self.match, tag, weak=False):
            raise Stale("it was changed since; read it again")
        if self.is_known(tag):
            raise Stale("it is there already, or is as it was")

    def is_known(self, tag: str | None) -> bool:
        """Whether the thing is one that `If-None-Match` names."""
        return self.none_match is not None and _matches(self.none_match, tag, weak=True)


ALWAYS: Final = Condition()


def condition_of(match: str | None, none_match: str | None) -> Condition:
    """Read the headers `If-Match` and `If-None-Match`, or raise `Invalid`."""
    if match is None and none_match is None:
        return ALWAYS
    return Condition(_read(match, IF_MATCH), _read(none_match, IF_NONE_MATCH))


def _read(header: str | None, name: str) -> frozenset[str] | None:
    if header is None:
        return None
    if header.strip() == _ANY:
        return frozenset({_ANY})
    if not _LIST.fullmatch(header):
        # Taken for no demand, a slip would let through what it was meant to hold up.
        problem = Problem("invalid", 'send tags as they were given, as in "0a1b", or *', path=name)
        raise Invalid(f"{name} holds no entity tags", (problem,))
    return frozenset(_TAG.findall(header))


def _matches(tags: frozenset[str], tag: str | None, *, weak: bool) -> bool:
    """Compare as RFC 9110, 8.8.3.2, has it: what is weak is never strongly equal."""
    if tag is None:
        return False
    return _ANY in tags or tag in tags or (weak and f"W/{tag}" in tags)
