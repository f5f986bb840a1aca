"""Which flow a new session runs, and at which version (seed 004, "Flows").

The first candidate that lets the caller in, in the pointer's order; of its versions, by their
weights, always the same one for the same user or device. A caller whom nobody knows costs a flow
without policies no more than a look.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from libs.common.errors import NotFound
from libs.common.flow.gate import Admission, admit
from libs.common.flow.model import FlowType
from libs.common.flow.plan import Program
from libs.common.flow.turn import Surroundings
from libs.common.wire.plans import Candidate, Pointer, Weighted
from services.executor.callers import Caller
from services.executor.denials import Denial
from services.executor.handlers.table import converse
from services.executor.handlers.world import World
from services.executor.plans import Plans

_PLACE_BYTES = 8


class Wish(msgspec.Struct, frozen=True):
    """A start, as far as the choice of its flow is concerned."""

    tenant: str
    type: FlowType
    flow: str | None
    """The name of the only flow that will do; None for any."""
    caller: Caller
    session: str
    """The id that the session is going to have."""
    device: str
    """Who names their device gets the same version again; empty for who does not."""
    surroundings: Surroundings

    @property
    def subject(self) -> str:
        """What keeps to the version that it once got: the user, else the device, else nothing."""
        return self.caller.facts.account or self.device or self.session


class Chosen(msgspec.Struct, frozen=True):
    """What a new session runs."""

    candidate: Candidate
    version: int
    program: Program


class Selection:
    """Chooses among what is active."""

    def __init__(self, plans: Plans, world: World) -> None:
        """Take programs from `plans`; answer what policies ask from `world`."""
        self._plans = plans
        self._world = world

    async def choose(self, pointer: Pointer, wish: Wish) -> Chosen | Denial:
        """Choose what `wish` runs; a denial is the first candidate's that could have been meant.

        Raises `NotFound` where nothing is active, or nothing of that name.
        """
        denial: Denial | None = None
        for candidate in named(pointer, wish.flow):
            version = draw(candidate.versions, candidate.flow, wish.subject)
            program = await self._plans.program(version.plan, wish.tenant, wish.type)
            admission = await self._admit(program, wish)
            if admission is Admission.ADMITTED:
                return Chosen(candidate, version.version, program)
            if denial is None:
                unknown = admission is Admission.UNAUTHENTICATED
                denial = Denial(program.denied_action, unknown)
        assert denial is not None  # noqa: S101 - `named` gave one candidate or more
        return denial

    async def _admit(self, program: Program, wish: Wish) -> Admission:
        if program.gate is None and program.authentication == "none":
            return Admission.ADMITTED
        caller = wish.caller
        return await converse(
            self._world,
            wish.tenant,
            admit(program, wish.session, caller.facts, wish.surroundings, outpost=caller.outpost),
        )


def named(pointer: Pointer, name: str | None) -> Sequence[Candidate]:
    """Return the candidates that a start may run, in order: all, or the one that it named.

    Raises `NotFound` where there is none.
    """
    candidates = pointer.candidates
    if name is not None:
        candidates = tuple(candidate for candidate in candidates if candidate.name == name)
    if not candidates:
        raise NotFound("no such flow is active")
    return candidates


def draw(versions: Sequence[Weighted], flow: str, subject: str) -> Weighted:
    """Draw one of `versions` of `flow` by their weights: for the same `subject` the same.

    They share a range in their order, so where the share of the last one grows, who had it has it
    still.
    """
    *others, last = versions
    if others:
        left = place(flow, subject) * sum(version.weight for version in versions) >> 64
        for version in others:
            left -= version.weight
            if left < 0:
                return version
    return last


def place(flow: str, subject: str) -> int:
    """Put `subject` at one of 2^64 places, evenly, and in each flow at another."""
    # With no key: the place must be the same in all executors, and outlive every rotation. Who
    # makes up a device to get a version gets what they would by starting a few times.
    hashed = hashlib.blake2b(f"{flow}\0{subject}".encode(), digest_size=_PLACE_BYTES)
    return int.from_bytes(hashed.digest())
