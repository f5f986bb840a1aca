"""argon2id, off the event loop, and no more of it at a time than there are cores.

A hash is the dearest thing that a sign-in does, so it waits in a bounded queue, on threads that
give way to the loop. No password outlives its hash here.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Final, Protocol, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from msgspec import Meta

from libs.common.errors import Unavailable
from libs.common.secret import Secret

MemoryKib = Annotated[int, Meta(ge=8, le=1_048_576, description="memory of a password hash")]
Passes = Annotated[int, Meta(ge=1, le=100, description="passes of a password hash")]
Threads = Annotated[
    int, Meta(ge=0, le=256, description="password hashes at a time; 0 means one per core")
]
Queue = Annotated[
    int, Meta(ge=0, le=10_000, description="password hashes that may wait, per thread")
]
MEMORY_KIB: Final = 19_456
PASSES: Final = 2
THREADS: Final = 0
QUEUE: Final = 64


class HashSettings(Protocol):
    """What a service that hashes passwords can be told."""

    @property
    def argon2_memory_kib(self) -> int: ...
    @property
    def argon2_passes(self) -> int: ...
    @property
    def hash_threads(self) -> int: ...
    @property
    def hash_queue(self) -> int: ...


R = TypeVar("R")

_NICE: Final = 15
"""Under load, loop latency at p99 is a third of what it is at the same priority."""


class Hasher:
    """Makes and checks password hashes, in PHC form."""

    def __init__(self, *, memory_kib: int, passes: int, threads: int, queue: int) -> None:
        """Run `threads` at a time, 0 for one per core; let `queue` more wait for each."""
        count = threads or _cores()
        self._argon2 = PasswordHasher(
            time_cost=passes, memory_cost=memory_kib, parallelism=1, type=Type.ID
        )
        self._pool = ThreadPoolExecutor(count, "argon2", initializer=_give_way)
        self._room = count * (1 + queue)
        self._waiting = 0
        # Of nothing that anybody could type; made with the very parameters of all others, so that
        # checking it takes as long.
        self._nobodys = self._argon2.hash(os.urandom(32))

    async def hash(self, password: Secret) -> str:
        """Hash `password`; raise `Unavailable` where too many wait."""
        return await self._run(self._argon2.hash, _bytes(password))

    async def verify(self, phc: str | None, password: Secret) -> bool:
        """Say if `phc` is of `password`; None is of no password, and takes as long."""
        right = await self._run(self._check, self._nobodys if phc is None else phc, password)
        return right and phc is not None

    def is_dated(self, phc: str) -> bool:
        """Whether `phc`, which is a hash, would be made otherwise now."""
        return self._argon2.check_needs_rehash(phc)

    def close(self) -> None:
        """Stop the threads once what they hash is hashed."""
        self._pool.shutdown()

    def _check(self, phc: str, password: Secret) -> bool:
        try:
            return self._argon2.verify(phc, _bytes(password))
        except VerifyMismatchError:
            return False
        except (VerificationError, InvalidHashError):
            # What is no hash costs what a wrong password does, or its time would tell.
            with contextlib.suppress(VerifyMismatchError):
                self._argon2.verify(self._nobodys, _bytes(password))
            return False

    async def _run(self, work: Callable[..., R], *args: object) -> R:
        if self._waiting >= self._room:
            raise Unavailable("password hashing")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)
        finally:
            self._waiting -= 1


def make_hasher(settings: HashSettings) -> Hasher:
    """Make a hasher as `settings` say."""
    return Hasher(
        memory_kib=settings.argon2_memory_kib,
        passes=settings.argon2_passes,
        threads=settings.hash_threads,
        queue=settings.hash_queue,
    )


def _bytes(password: Secret) -> bytes:
    # NFC, as RFC 8265 (4.2) prepares passwords: keyboards differ in how they compose a letter.
    return unicodedata.normalize("NFC", password.reveal()).encode("utf-8", "surrogatepass")


def _cores() -> int:
    # What this process may use, which in a container is fewer than there are.
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _give_way() -> None:
    # Only Linux has a priority for each thread; elsewhere it would be the whole process's.
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
