"""Does a write that its caller gave a name only once, however often it is sent.

    claim ──▶ the change, and `done` in its transaction ──▶ the answer, kept
      │                        └ refused: released            └ lost: never done again
      └ taken: the same write gets the kept answer, or hears that it still runs

A turn ends by itself, so a process that dies leaves no key behind that nobody can use; and it is
looked at again in the transaction of the change, so a process that was only slow changes nothing
after somebody else took over. Of a request nothing is kept but a digest under a key of this
deployment, and an answer that holds a secret is not kept at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping
from typing import Final
from uuid import UUID, uuid4

import asyncpg
import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

from libs.common.chassis.postgres import asking_postgres
from libs.common.chassis.tasks import end
from libs.common.errors import Conflict, Unavailable
from libs.common.secret import Secret
from services.management.queries import QUERIES

KEY: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotent-Replayed"
"""With `true`: the answer is that of an earlier request."""

KEPT_SECONDS: Final = 24 * 3600.0
TURN_SECONDS: Final = 60.0
"""Longer than a request takes, so that only those that died are taken over."""
AGAIN_SECONDS: Final = 1.0
SWEEP_SECONDS: Final = 600.0

log: FilteringBoundLogger = structlog.get_logger()


class Turn(msgspec.Struct, frozen=True):
    """One try at a write that has a name."""

    tenant: str
    actor: str
    key: str
    run: UUID


class Answer(msgspec.Struct, frozen=True):
    """What was answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@contextlib.asynccontextmanager
async def using(
    connection: asyncpg.pool.PoolConnectionProxy, turn: Turn | None
) -> AsyncIterator[None]:
    """Note in a transaction that `turn` is used by what is done within; or raise `Conflict`."""
    if turn is None:
        yield
        return
    # Held from the first, so that nobody takes it over meanwhile. Written at the last: whoever
    # claims the key waits for the end of a transaction that has changed it, but not for a lock.
    if not await QUERIES.hold_key(connection, **msgspec.structs.asdict(turn)):
        raise Conflict(f"another request with this {KEY} was faster", AGAIN_SECONDS)
    yield
    await QUERIES.commit_key(connection, **msgspec.structs.asdict(turn))


class Repeats:
    """The names that callers gave their writes, of all tenants."""

    def __init__(self, pool: asyncpg.Pool, key: Secret) -> None:
        """`key` is of this deployment: with it alone a digest says what was sent."""
        self._pool = pool
        self._secret = hashlib.blake2b(key.reveal().encode(), person=b"repeats").digest()

    def digest(self, *parts: bytes) -> bytes:
        """Return what tells one request from another."""
        # Each part hashed by itself: where one ends and the next begins is part of it.
        whole = b"".join(hashlib.sha256(part).digest() for part in parts)
        return hmac.digest(self._secret, whole, "sha256")

    async def begin(self, tenant: str, actor: str, key: str, digest: bytes) -> Turn | Answer:
        """Take the turn of a key, or return what was answered to the same request before.

        Raises `Conflict` where the key is of another request, where the same one still runs, and
        where it was done but nobody knows any more what was answered.
        """
        turn = Turn(tenant, actor, key, uuid4())
        async with asking_postgres():
            claim = {**msgspec.structs.asdict(turn), "digest": digest, "seconds": TURN_SECONDS}
            if await QUERIES.claim_key(self._pool, **claim):
                return turn
            if await QUERIES.take_key_over(self._pool, **claim, kept=KEPT_SECONDS):
                return turn
            row = await QUERIES.find_key(self._pool, tenant=tenant, actor=actor, key=key)
        if row is None:
            # Released between the two; whoever comes again finds it free.
            raise Conflict(f"the request with this {KEY} has just been refused", AGAIN_SECONDS)
        if not hmac.compare_digest(row["digest"], digest):
            raise Conflict(f"this {KEY} was sent with another request; take a new one")
        if row["status"] is not None:
            return Answer(row["status"], msgspec.json.decode(row["headers"]), row["body"])
        if row["runs"] or not row["done"]:
            raise Conflict(f"the request with this {KEY} still runs", AGAIN_SECONDS)
        raise Conflict("this was done already, and its answer is not kept; look at what it made")

    async def keep(self, turn: Turn, answer: Answer | None) -> None:
        """Keep what is answered; None where it holds a secret."""
        # Done it is in any case: without the answer, a repeat still hears that much.
        with contextlib.suppress(Unavailable):
            async with asking_postgres():
                await QUERIES.answer_key(
                    self._pool,
                    **msgspec.structs.asdict(turn),
                    status=None if answer is None else answer.status,
                    headers=None
                    if answer is None
                    else msgspec.json.encode(answer.headers).decode(),
                    body=None if answer is None else answer.body,
                )

    async def release(self, turn: Turn) -> None:
        """Let the same be sent again, unless it was done."""
        # If this fails, the turn ends by itself.
        with contextlib.suppress(Unavailable):
            async with asking_postgres():
                await QUERIES.release_key(self._pool, **msgspec.structs.asdict(turn))

    async def forget(self) -> None:
        """Delete what is older than a day."""
        async with asking_postgres():
            await QUERIES.forget_keys(self._pool, kept=KEPT_SECONDS)


class Sweep:
    """Forgets old keys now and then; `start` it, and `stop` it."""

    def __init__(self, repeats: Repeats) -> None:
        self._repeats = repeats
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Sweep from now on, through whatever outage."""
        self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Sweep no more."""
        if self._running is not None:
            await end(self._running)

    async def _run(self) -> None:
        while True:
            try:
                await self._repeats.forget()
            except Unavailable as error:
                log.warning("sweep_waits", dependency=error.what)
            except Exception:
                # Whatever it is, the keys are still there, and nobody else sweeps in this process.
                log.exception("sweep_failed")
            await asyncio.sleep(SWEEP_SECONDS)
