"""What is kept of a turn, so that it can be explained and replayed: an entry of the step log.

Nothing that was typed is in it, nor an identifier, an address or a secret. Of such a value only its
kind is kept, and of an input only its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import msgspec

from libs.common.flow.model import FlowType

MOST_ENTRIES: Final = 100
"""Turns of a session that are kept: its first, since nothing after a gap could be replayed."""


class Masked(msgspec.Struct, frozen=True):
    """A value of which only the kind is kept."""

    masked: str
    """`string`, `number`, `list`, `map`, or `input` for what was typed, whatever it is."""


Redacted: TypeAlias = bool | int | float | str | tuple[str, ...] | Masked | None


class Learned(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a node changed what is known."""

    identifier: bool | None = None
    """There is one now, another than before, or none any more. None where it stayed."""
    account: bool | None = None
    """As of the identifier."""
    forgot: bool = False
    """What had been proved before is no proof any more."""
    proved: tuple[str, ...] = ()
    """What is proved now as well."""
    shown: tuple[str, ...] | None = None
    """All factors that were shown or set up by now, where there is another."""
    created: bool | None = None
    authenticated: bool | None = None
    consented: bool | None = None
    attached: bool | None = None
    resumed: bool | None = None
    """Somebody who followed a link goes on in place of whoever began."""
    sign_in: bool | None = None
    """They came with an assertion of a sign-in; False where they are nobody any more."""
    invitation: bool | None = None
    """One is to be used up, or none any more."""
    password_hash: bool | None = None
    """A password to be written is staged, or none any more."""
    verified: bool | None = None
    """Mail was seen to reach the user at an address."""
    external: bool | None = None
    """They proved to a provider to be somebody whom no account is for, or are that no more."""
    inputs: tuple[str, ...] = ()
    staged: tuple[str, ...] = ()
    """Names of what was set in these."""
    attributes: Mapping[str, Redacted] = {}
    """What was set in these."""
    dropped: tuple[tuple[str, str], ...] = ()
    """What is in one of these no more, as ("staged", "email")."""


class Answered(msgspec.Struct, frozen=True, array_like=True):
    """A question that was asked, and what is kept of its answer."""

    question: str
    answer: str | bool
    """How a guess was judged, what became of what was to be written, or whether there is such."""
    user: Mapping[str, Redacted] | None = None
    """What is known of the account, where that was asked."""


How: TypeAlias = Literal["leave", "bypass", "stay", "enter", "succeed", "sign_in", "fail"]
"""How a node moved; `bypass` where its policies did not let it run. The last three end the flow
that it is in."""


class Passage(msgspec.Struct, frozen=True, array_like=True):
    """A node that a turn ran, or that was left by its policies."""

    node: str
    how: How
    outcome: str | None = None
    learned: Learned | None = None
    """Nothing in it: what it set was so before."""
    answers: tuple[Answered, ...] = ()
    points: tuple[str, ...] = ()
    """The trigger points that it passed."""


class Head(msgspec.Struct, frozen=True, array_like=True):
    """How a session began."""

    plan: str
    """The plan's hash."""
    flow: str
    version: int
    type: FlowType
    started_at: int
    """Unix seconds, as all times here."""
    expires_at: int
    facts: Learned
    """What was known from the start."""
    planned: Mapping[int, bool | None]
    """See `Session.planned`."""


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """A turn."""

    revision: int
    """That it made: 1 for the first."""
    at: int
    passages: tuple[Passage, ...]
    """Of a later turn, the first is of the node that was sent something."""
    action: str = ""
    inputs: tuple[str, ...] = ()
    """Names of those that were sent and had been asked for."""
    message: str | None = None
    """The key of what the user was told."""
    errors: tuple[tuple[str, str], ...] = ()
    """What was wrong with inputs: an input's name, and the key of what is wrong."""
    asked: tuple[Answered, ...] = ()
    """What was asked at the end, when no node was running."""
    broken: tuple[str, ...] = ()
    """The tenant's invariants that kept the flow from succeeding."""
    client: Mapping[str, Redacted] = {}
    """The app that called."""
    head: Head | None = None
    """Of the first turn."""


_DECODER: Final = msgspec.msgpack.Decoder(Entry)


def decode(data: bytes) -> Entry:
    """Read an entry; raise `msgspec.MsgspecError` for what is none."""
    return _DECODER.decode(data)
