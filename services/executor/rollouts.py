"""Counts how the sessions of a rollout end, and tells when a version does worse than it may.

    begin   the session is listed as under way
    end     one script counts it, and whatever has expired, and compares the versions
    tell    where one does worse, management hears of it, and takes the rollout back

The counters are shared by all executors, so a decision never hangs on what one process saw. It is
told again for as long as sessions of the rollout end. Nobody's turn waits for any of this, and none
fails by it.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol, cast

import structlog
from structlog.typing import FilteringBoundLogger

from libs.common.chassis.redis_line.port import RedisLine, Script
from libs.common.errors import Unavailable
from libs.common.flow.turn import Session, Trial
from libs.common.wire.events import RolloutFailed
from libs.common.wire.inspect import Count, Counted, CountWanted
from services.executor.metrics import ExecutorMetrics

log: Final[FilteringBoundLogger] = structlog.get_logger()

_UNDER_WAY_MOST: Final = 50_000
"""Sessions of one rollout that are listed at a time. Beyond it a share of them is counted, which
says as much of a version."""
_EXPIRED_MOST: Final = 100
"""Sessions that one end counts as expired. Each of them takes Redis's time from everybody."""
_KEEP_MS: Final = 7 * 24 * 3600 * 1000
"""After so long without a session, a rollout's figures are forgotten."""
_SAID_MS: Final = 5_000
"""For so long no executor tells again what one of them has told."""


_ENDED, _SUCCEEDED = "ended:", "succeeded:"
"""Before the number of a version: the names of the figures."""


def _script(name: str) -> Script:
    return Script((Path(__file__).parent / "lua" / f"{name}.lua").read_text("utf-8"))


_BEGIN, _END, _FIGURES = map(_script, ("rollout_begin", "rollout_end", "rollout_figures"))


class Ending(enum.StrEnum):
    """How a session came to its end."""

    SUCCESS = "success"
    FAILURE = "failure"
    FAULT = "fault"
    """Its flow cannot be run: a fault of its version's, or of ours that this version meets."""
    EXPIRED = "expired"


class Board(Protocol):
    """Where management hears of it."""

    async def post(self, failed: RolloutFailed) -> None:
        """Tell of `failed`; raise `Unavailable` where nobody can be told."""


class Rollouts:
    """The rollouts of all tenants, as far as their sessions end here."""

    def __init__(
        self, line: RedisLine, board: Board, metrics: ExecutorMetrics, clock: Callable[[], float]
    ) -> None:
        """`clock` gives Unix seconds."""
        self._line = line
        self._board = board
        self._metrics = metrics
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, session: Session) -> None:
        """List `session`, if a rollout counts it."""
        trial = session.trial
        if trial is None:
            return
        lasts = 1000 * (session.expires_at - session.started_at)
        _, under_way = _keys(session.tenant, trial.flow, trial.rollout)
        args = (_member(session, trial), lasts, _UNDER_WAY_MOST, _KEEP_MS)
        self._line.run(_BEGIN, (under_way,), args)

    def end(self, session: Session, ending: Ending) -> None:
        """Count the end of `session`, if a rollout does; a second one is not counted."""
        if session.trial is None:
            return
        task = asyncio.create_task(self._end(session, session.trial, ending))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def count(self, wanted: CountWanted) -> Counted:
        """Tell how the sessions of a rollout have ended; raise `Unavailable` without Redis."""
        keys = _keys(wanted.tenant, wanted.flow, wanted.rollout)
        reply = await self._line.run(_FIGURES, keys, ())
        under_way, stored = cast("tuple[int, list[bytes]]", reply)
        found = {
            name.decode(): int(count) for name, count in zip(stored[::2], stored[1::2], strict=True)
        }
        versions = sorted(
            int(name.removeprefix(_ENDED)) for name in found if name.startswith(_ENDED)
        )
        counts = (
            Count(each, found[f"{_ENDED}{each}"], found.get(f"{_SUCCEEDED}{each}", 0))
            for each in versions
        )
        return Counted(under_way, tuple(counts))

    async def stop(self) -> None:
        """Finish what is being counted and told. Stop before the bus and Redis close."""
        await asyncio.gather(*self._tasks)

    async def _end(self, session: Session, trial: Trial, ending: Ending) -> None:
        try:
            failed = await self._count(session, trial, ending)
            if failed is not None:
                log.warning(
                    "rollout_fails",
                    flow=trial.flow,
                    rollout=trial.rollout,
                    version=failed.version,
                    ended=failed.ended,
                    succeeded=failed.succeeded,
                )
                await self._board.post(failed)
                self._metrics.rollout_failures.add()
        except Unavailable as error:
            log.warning("rollout_not_told", what=error.what)
        except Exception:
            # Whatever it is, nobody waits for this task to be told of it.
            log.exception("rollout_not_told")

    async def _count(self, session: Session, trial: Trial, ending: Ending) -> RolloutFailed | None:
        success = ending is Ending.SUCCESS
        rule = (str(trial.baseline), trial.margin, trial.sessions)
        args = (_member(session, trial), success, *rule, _EXPIRED_MOST, _KEEP_MS, _SAID_MS)
        reply = await self._line.run(_END, _keys(session.tenant, trial.flow, trial.rollout), args)
        counted, expired, verdict = cast("tuple[int, list[int], list[int]]", reply)
        endings = [(version, Ending.EXPIRED) for version in expired]
        if counted:
            endings.append((trial.version, ending))
        for version, each in endings:
            arm = "baseline" if version == trial.baseline else "candidate"
            self._metrics.rollout_sessions.add(session.tenant, session.type.value, each, arm)
        if not verdict:
            return None
        version, succeeded, ended, baseline_succeeded, baseline_ended = verdict
        return RolloutFailed(
            tenant=session.tenant,
            flow=trial.flow,
            rollout=trial.rollout,
            version=version,
            succeeded=succeeded,
            ended=ended,
            baseline_succeeded=baseline_succeeded,
            baseline_ended=baseline_ended,
            at=self._clock(),
        )


def _keys(tenant: str, flow: str, rollout: int) -> tuple[bytes, bytes]:
    figures = f"gh:rollout:{{{tenant}:{flow}:{rollout}}}".encode()
    return figures, figures + b":under-way"


def _member(session: Session, trial: Trial) -> str:
    return f"{trial.version}:{trial.session or session.id}"
