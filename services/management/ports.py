"""What the use cases ask of others than the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from libs.common.errors import Problem
from libs.common.flow.model import Flow, Library
from libs.common.wire import inspect
from libs.common.wire.events import Answer, CompileWanted, PublishWanted
from services.management.records import GoldenTest


class Compiler(Protocol):
    """The compiler, as far as management asks it."""

    async def compile(self, wanted: CompileWanted, /) -> Answer:
        """Compile now; raise `Unavailable` if nobody answers in time."""

    async def publish(self, wanted: PublishWanted, /) -> None:
        """Publish what is active, within about two seconds, or let the event do it."""


class Executors(Protocol):
    """The executors, as far as management asks them."""

    async def ask(self, wanted: inspect.Wanted, /) -> inspect.Answer:
        """Return the answer of one of them; raise `Unavailable` if none answers in time."""


class Golden(Protocol):
    """Runs the golden tests of a flow. Pure."""

    def __call__(
        self, flow: Flow, library: Library, tests: Sequence[GoldenTest], /
    ) -> tuple[Problem, ...]:
        """Return a problem for each test that `flow`, which is valid, does not pass."""
