"""What the compiler leaves in Redis for executors: plans by hash, and active pointers.

A plan's bytes are `libs.common.flow.plan`'s; here is only where they lie. Each key has one hash
tag, so that every script that touches it stays in one slot of a cluster.
"""

from __future__ import annotations

import msgspec

from libs.common.flow.model import FlowType

FORMAT = 2
"""Of a pointer; grows when its bytes change their meaning."""


class UnreadablePointer(Exception):
    """The bytes are no pointer that this release can read."""


class Weighted(msgspec.Struct, frozen=True):
    """A version that new sessions may be pinned to."""

    plan: str
    """The plan's hash."""
    version: int
    weight: int
    """Its share among the candidate's versions."""


class Rollout(msgspec.Struct, frozen=True):
    """Which sessions of a candidate are counted, and when its newer versions are taken back."""

    id: int
    """Unlike any other rollout's of the flow."""
    baseline: int
    """The version that the others are measured by."""
    margin: float
    """How much less of the sessions may succeed, from 0 to 1; 1 takes nothing back."""
    sessions: int
    """How many sessions of each version have to have ended before anything is decided."""


class Candidate(msgspec.Struct, frozen=True):
    """An active flow."""

    flow: str
    """The flow's id."""
    name: str
    """The flow's slug, by which a start may ask for it."""
    versions: tuple[Weighted, ...]
    rollout: Rollout | None = None
    """None where nothing is counted: one version has all sessions."""


class Pointer(msgspec.Struct, frozen=True):
    """Tenant + type → what a new session may run, first candidate first."""

    format: int
    generation: int
    """Grows with every change of what is active; an older one never overwrites a newer."""
    candidates: tuple[Candidate, ...]


def plan_key(tenant: str, plan: str) -> str:
    """Where the tenant's plan with this hash lies.

    Two tenants may have the same plan; one that drops it must not take it from the other.
    """
    return f"gh:plan:{{{tenant}:{plan}}}"


def pointer_key(tenant: str, kind: FlowType) -> str:
    """Where the pointer of `tenant` for flows of this type lies."""
    return f"gh:pointer:{{{tenant}}}:{kind.value}"


_READABLE = (FORMAT - 1, FORMAT)
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Pointer)
GENERATION_DIGITS = 19
"""A pointer's bytes begin with its generation in so many digits, which a script can compare."""


def encode_pointer(pointer: Pointer) -> bytes:
    """Write a pointer as it is stored."""
    return b"%0*d" % (GENERATION_DIGITS, pointer.generation) + _ENCODER.encode(pointer)


def decode_pointer(data: bytes) -> Pointer:
    """Read a stored pointer; raise `UnreadablePointer` where this release cannot."""
    try:
        pointer = _DECODER.decode(data[GENERATION_DIGITS:])
    except msgspec.MsgspecError as error:
        raise UnreadablePointer(f"the pointer does not decode: {error}") from error
    if pointer.format not in _READABLE:
        raise UnreadablePointer(
            f"the pointer has format {pointer.format}; this release reads {FORMAT - 1}, {FORMAT}"
        )
    return pointer
