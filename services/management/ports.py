"""What the use cases ask of others than the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from libs.common.flow.plan import Program
from libs.common.wire import inspect
from libs.common.wire.events import Answer, CompileWanted, PublishWanted
from services.management.records import GoldenTest
from services.management.verdicts import Judgement


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


class Judge(Protocol):
    """Runs the golden tests of a flow."""

    async def __call__(
        self, program: Program, tests: Sequence[GoldenTest], spent: float, /
    ) -> Judgement:
        """Say what `program` does not pass; the request has `spent` so many seconds on tests."""
