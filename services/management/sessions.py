"""What sessions did, and where they would go: told by an executor, since only executors can open
what is kept of them.
"""

from __future__ import annotations

from libs.common.errors import NotFound, Unavailable
from libs.common.flow.replay import Replay
from libs.common.wire import inspect
from libs.common.wire.events import CompileWanted, Done, Failed, Missing, Refused
from libs.common.wire.inspect import (
    Answer,
    Inspected,
    InspectWanted,
    Record,
    Replayed,
    ReplayWanted,
    Wanted,
)
from services.management.ports import Compiler, Executors
from services.management.running import invalid
from services.management.versions import NO_VERSION

NO_SESSION = "nothing is kept of such a session, or not any more"


class Sessions:
    """The sessions of all tenants."""

    def __init__(self, executors: Executors, compiler: Compiler) -> None:
        self._executors = executors
        self._compiler = compiler

    async def inspect(self, tenant: str, session: str) -> Record:
        """Tell what a session did; raise `NotFound` where nothing is kept of it."""
        match await self._ask(InspectWanted(tenant, session)):
            case Inspected(record=record):
                return record
            case _:
                raise Unavailable("executor")

    async def replay(self, tenant: str, session: str, version: int | None) -> Replay:
        """Replay a session on a version of its flow, as that compiles now; or on its own plan.

        Raises `NotFound` where nothing is kept of it or where there is no such version, and
        `Invalid` with all problems of a version that cannot run.
        """
        plan = None
        if version is not None:
            record = await self.inspect(tenant, session)
            plan = await self._compile(tenant, record.flow, version)
        match await self._ask(ReplayWanted(tenant, session, plan)):
            case Replayed(replay=replay):
                return replay
            case _:
                raise Unavailable("executor")

    async def _ask(self, wanted: Wanted) -> Answer:
        answer = await self._executors.ask(wanted)
        if isinstance(answer, inspect.Missing):
            raise NotFound(NO_SESSION)
        if isinstance(answer, inspect.Failed):
            raise Unavailable(answer.what)
        return answer

    async def _compile(self, tenant: str, flow: str, version: int) -> str:
        """See to it that the plan of a version is kept, and return its hash."""
        match await self._compiler.compile(CompileWanted(tenant, flow, version)):
            case Done(plan=str(plan)):
                return plan
            case Refused(problems=problems):
                raise invalid(problems)
            case Missing():
                raise NotFound(NO_VERSION)
            case Failed(what=what):
                raise Unavailable(what)
            case Done():
                raise Unavailable("compiler")
