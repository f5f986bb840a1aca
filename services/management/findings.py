"""What was found out about definitions, which takes long and is never done while a tenant is held.

    a change is tried ──▶ all that it has to know is known: it is committed
            ▲         └─▶ something is not, `Unfound`: it is taken back, and lets go of what it held
            └─ it is found out, and noted ◀─┘

Whatever is found follows from a definition and the library that it was looked at with, and each try
compares both with what is stored by then: what runs in the end is what was looked at, whatever
changed between two tries. Nothing here reads what is stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final, Protocol, TypeVar

from libs.common.errors import Conflict
from libs.common.flow.model import Library

S = TypeVar("S")
T = TypeVar("T")

MOST_LIBRARIES: Final = 5
"""What runs beside a flow may change one time less than this while it is looked at."""
KEEPS_CHANGING: Final = "what runs beside this flow keeps changing; try again"


class Find(Protocol):
    """Finds something out about each of several definitions. What does so is pure."""

    async def __call__(
        self, pure: Callable[[S, Library], T], about: Sequence[S], library: Library, /
    ) -> list[T]:
        """Return what `pure` finds about each, in order."""


async def find_now(
    pure: Callable[[S, Library], T], about: Sequence[S], library: Library, /
) -> list[T]:
    """Find out now, in a thread: a large flow takes a second, in which others want answers."""
    return [await asyncio.to_thread(pure, each, library) for each in about]


class Unfound(Exception):
    """Something has to be found out before; nobody outside of a change meets this."""

    def __init__(self, learn: Callable[[], Awaitable[None]]) -> None:
        """Ask for `learn`, with nothing held."""
        super().__init__("something has to be found out before")
        self.learn = learn


class Findings:
    """A `Find` of what is known in all tries at one change; it raises `Unfound` for all else.

    Raises `Conflict` where each try meets another library.
    """

    def __init__(self) -> None:
        self._library: Library | None = None
        self._libraries = 0
        self._known: list[tuple[object, object, Any]] = []
        """What found it, about what, and what it is. A list, since definitions have no hash."""

    async def __call__(
        self, pure: Callable[[S, Library], T], about: Sequence[S], library: Library, /
    ) -> list[T]:
        """See `Find`."""
        self._compare(library)
        found = [self._recall(pure, each) for each in about]
        unknown = [each for each, known in zip(about, found, strict=True) if not known]
        if unknown:
            raise Unfound(partial(self._learn, pure, unknown, library))
        return [known for (known, *_) in found]

    def _compare(self, library: Library) -> None:
        # By identity first: within one try it is the same one each time, and it may be large.
        if library is not self._library and library != self._library:
            self._known.clear()
            self._libraries += 1
            if self._libraries > MOST_LIBRARIES:
                raise Conflict(KEEPS_CHANGING, retry_after=1.0)
        self._library = library

    def _recall(self, pure: Callable[[S, Library], T], about: S) -> tuple[T, ...]:
        known = (found for by, of, found in self._known if by == pure and of == about)
        return tuple(known)

    async def _learn(
        self, pure: Callable[[S, Library], T], about: Sequence[S], library: Library
    ) -> None:
        found = await find_now(pure, about, library)
        self._known += ((pure, of, each) for of, each in zip(about, found, strict=True))
