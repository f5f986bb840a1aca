"""Puts into Redis what executors run: plans under their own hash, and active pointers.

A plan is written before the pointer that leads to it, so that nobody can find a pointer to
nothing. An older generation never overwrites a newer pointer, whoever publishes last.
"""

from __future__ import annotations

from pathlib import Path

from libs.common.chassis.redis_line.port import RedisLine, Reply, Script
from libs.common.flow.model import FlowType
from libs.common.wire.plans import (
    GENERATION_DIGITS,
    Pointer,
    UnreadablePointer,
    decode_pointer,
    encode_pointer,
    plan_key,
    pointer_key,
)

_MOVE = Script(Path(__file__).with_name("move_pointer.lua").read_text(encoding="utf-8"))


class Shelf:
    """The plans and pointers in Redis; each method raises `Unavailable` while Redis is away."""

    def __init__(self, line: RedisLine, *, keep: int) -> None:
        """Keep a plan that no pointer leads to for `keep` seconds: the longest session's life."""
        self._line = line
        self._keep = keep

    async def check(self) -> None:
        """Raise `Unavailable` unless Redis answers: for `/readyz`."""
        await self._line.execute(b"EXISTS", "gh:check")

    async def hold(self, tenant: str, plan: str, data: bytes) -> None:
        """Store a plan for as long as somebody may want to start it, and no longer."""
        key = plan_key(tenant, plan)
        # Longer where it was going to end, never where it lies for good. Before it is stored, or
        # what is there could end between the two.
        await self._line.execute(b"EXPIRE", key, self._keep, b"GT")
        await self._line.execute(b"SET", key, data, b"EX", self._keep, b"NX")

    async def publish(
        self, tenant: str, kind: FlowType, pointer: Pointer, plans: dict[str, bytes]
    ) -> bool:
        """Store `plans` for good and lead new sessions to them; False if a newer pointer does."""
        for plan, data in plans.items():
            await self._line.execute(b"SET", plan_key(tenant, plan), data)
        reply = await self._line.run(
            _MOVE,
            [pointer_key(tenant, kind).encode()],
            [encode_pointer(pointer), GENERATION_DIGITS],
        )
        moved, other = _moved(reply)
        others = _plans(other)
        if others is not None:
            await self._settle(tenant, kind, others | set(plans), set(plans) if moved else others)
        return moved

    async def _settle(self, tenant: str, kind: FlowType, plans: set[str], led: set[str]) -> None:
        """Keep those of `plans` for good that the pointer leads to, and let the others end.

        It leads to `led`, as far as is known.
        """
        while True:
            for plan in plans:
                key = plan_key(tenant, plan)
                if plan in led:
                    await self._line.execute(b"PERSIST", key)
                else:
                    await self._line.execute(b"EXPIRE", key, self._keep)
            # Whoever has moved the pointer meanwhile may have done the same before, or after.
            data = await self._line.execute(b"GET", pointer_key(tenant, kind))
            leads = _plans(data) if isinstance(data, bytes) else set()
            if leads is None or leads & plans == led & plans:
                return
            led = leads

    async def generation(self, tenant: str, kind: FlowType) -> int | None:
        """Tell which generation is published; None if none, or one that cannot be run."""
        data = await self._line.execute(b"GET", pointer_key(tenant, kind))
        if not isinstance(data, bytes):
            return None
        for plan in _plans(data) or ():
            if not await self._line.execute(b"EXISTS", plan_key(tenant, plan)):
                return None
        try:
            return decode_pointer(data).generation
        except UnreadablePointer:
            return None


def _moved(reply: Reply) -> tuple[bool, bytes]:
    match reply:
        case [int(moved), bytes(other)]:
            return bool(moved), other
        case _:
            raise TypeError("move_pointer.lua answers a number and a string")


def _plans(data: bytes) -> set[str] | None:
    """Name what a pointer leads to; None for one of another release: leave that alone."""
    if not data:
        return set()
    try:
        pointer = decode_pointer(data)
    except UnreadablePointer:
        return None
    return {version.plan for candidate in pointer.candidates for version in candidate.versions}
