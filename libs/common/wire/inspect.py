"""What executors are asked about sessions, over core NATS, and what they say of them.

Sessions and their step logs are sealed with keys that only executors have, so only they can tell.
What they tell is redacted: see `libs.common.flow.record`. How many sessions of a rollout went well
is theirs as well, since they count it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import msgspec

from libs.common.flow.heard import Evaluated
from libs.common.flow.model import FlowType
from libs.common.flow.record import How, Learned, Redacted
from libs.common.flow.replay import Replay
from libs.common.flow.turn import FieldError

INSPECT: Final = "gatehouse.executor.inspect"
"""Request: `Wanted` → `Answer`."""


class InspectWanted(msgspec.Struct, frozen=True, tag=True):
    """Tell what a session did."""

    tenant: str
    session: str


class ReplayWanted(msgspec.Struct, frozen=True, tag=True):
    """Replay a session."""

    tenant: str
    session: str
    plan: str | None = None
    """The hash of the plan to replay it on; None for its own."""


class CountWanted(msgspec.Struct, frozen=True, tag=True):
    """Tell how the sessions of a rollout have ended."""

    tenant: str
    flow: str
    """The flow's id."""
    rollout: int


class Asked(msgspec.Struct, frozen=True, omit_defaults=True):
    """A question that was asked; see `record.Answered`."""

    question: str
    answer: str | bool
    user: Mapping[str, Redacted] | None = None


class PassedNode(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A node that a turn ran, or that was left by its policies; see `record.Passage`."""

    node: str
    type: str | None
    """None where the session's plan is not kept any more."""
    how: How
    outcome: str | None
    learned: Learned | None = None
    answers: tuple[Asked, ...] = ()
    points: tuple[str, ...] = ()
    expressions: tuple[Evaluated, ...] = ()
    """Those of its policies and of its config, and what each came to; none where the session's plan
    is not kept any more."""


class TurnTaken(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A turn; see `record.Entry`."""

    turn: int
    """From 1."""
    at: int
    """Unix seconds, as all times here."""
    action: str = ""
    inputs: tuple[str, ...]
    """Names."""
    client: Mapping[str, Redacted] = {}
    nodes: tuple[PassedNode, ...]
    message: str | None = None
    errors: tuple[FieldError, ...] = ()
    asked: tuple[Asked, ...] = ()
    broken: tuple[str, ...] = ()


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a session."""

    id: str
    flow: str
    """The flow's id."""
    version: int
    type: FlowType
    plan: str
    """The plan's hash."""
    started_at: int
    expires_at: int
    result: Literal["success", "failure", "waiting"]
    """How the last of these turns ended."""
    cut: bool
    """There may have been more turns: so many are kept, and no more, or the next cannot be read."""
    facts: Learned
    """What was known from the start."""
    turns: tuple[TurnTaken, ...]


class Inspected(msgspec.Struct, frozen=True, tag=True):
    """What the session did."""

    record: Record


class Replayed(msgspec.Struct, frozen=True, tag=True):
    """Where the session goes."""

    replay: Replay


class Count(msgspec.Struct, frozen=True):
    """How the sessions of one version have ended since the rollout began."""

    version: int
    ended: int
    """Those that expired without an end are among them."""
    succeeded: int


class Counted(msgspec.Struct, frozen=True, tag=True):
    """How the sessions of the rollout have ended."""

    under_way: int
    """Sessions that have not."""
    versions: tuple[Count, ...]
    """Of which any have ended, by number."""


class Missing(msgspec.Struct, frozen=True, tag=True):
    """Nothing is kept of such a session in this tenant, or not any more."""


class Failed(msgspec.Struct, frozen=True, tag=True):
    """It cannot be told now; `what` names what is out of reach."""

    what: str


Wanted: TypeAlias = InspectWanted | ReplayWanted | CountWanted
Answer: TypeAlias = Inspected | Replayed | Counted | Missing | Failed

_WANTED: Final[msgspec.json.Decoder[Wanted]] = msgspec.json.Decoder(Wanted)
_ANSWER: Final[msgspec.json.Decoder[Answer]] = msgspec.json.Decoder(Answer)


def encode(message: Wanted | Answer) -> bytes:
    """Write a request or an answer."""
    return msgspec.json.encode(message)


def decode_wanted(data: bytes) -> Wanted:
    """Read a request; raise `msgspec.MsgspecError` where it is none."""
    return _WANTED.decode(data)


def decode_answer(data: bytes) -> Answer:
    """Read an answer; raise `msgspec.MsgspecError` where it is none."""
    return _ANSWER.decode(data)
