"""A service's life: settings, parts, port, signals, and the way back.

starting   settings are read, `build` connects and wires; a failure is one line each, exit 1
serving    until SIGTERM or SIGINT, which also ends the start
stopping   `/readyz` says so, and answers close their connections
           until the grace is over, or a second signal comes
closing    the port closes
           requests in flight, and on their way over open connections, finish within the drain limit
           closers run, the last added first; exit 0
           another signal ends the process at once, whatever it waits for
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, suppress
from typing import Any, Final, TypeVar

import msgspec
import structlog
import uvloop
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from structlog.typing import FilteringBoundLogger

from libs.common.chassis.app import HEALTH
from libs.common.chassis.config import ServiceSettings, load, strangers, variable
from libs.common.chassis.lane import Lane
from libs.common.chassis.logging import Log
from libs.common.chassis.metrics import Metrics
from libs.common.chassis.startup import StartupFailure
from libs.common.chassis.tasks import unless

VERSION: Final = "0.1.0"

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_BACKLOG = 1024
_LINGER_SECONDS = 1.0
"""Longer than a request is on its way over a connection that is open."""
_LOOK_SECONDS = 0.01
_GARBAGE = 10_000
"""Objects that may be made beyond those let go before Python looks for cycles."""

log: FilteringBoundLogger = structlog.get_logger()


class Ground(msgspec.Struct, frozen=True):
    """What the chassis gives a service to build on."""

    out: Log
    metrics: Metrics
    closers: AsyncExitStack
    """Run after the last answer, the last added first."""


S = TypeVar("S", bound=ServiceSettings)
Build = Callable[[S, Ground], Coroutine[Any, Any, web.Application]]
"""Connects and wires, and raises `StartupFailure` for what an operator can change."""


def run(
    service: str, kind: type[S], build: Build[S], environ: Mapping[str, str] = os.environ
) -> int:
    """Serve what `build` makes until a signal, and return the process's exit code."""
    try:
        settings = load(kind, environ)
    except StartupFailure as failure:
        return _explain(service, failure)
    out = Log(service, settings.log_level)
    out.install()
    for sentence in strangers(kind, environ):
        log.warning("unknown_setting", hint=sentence)
    try:
        uvloop.run(
            _serve(settings, build, Ground(out, Metrics(service, VERSION), AsyncExitStack()))
        )
    except StartupFailure as failure:
        return _explain(service, failure)
    except Exception:
        # The last line of a process says why it ends; a traceback would not be a log line.
        log.exception("crashed")
        return 1
    finally:
        out.writer.flush()
    return 0


async def _serve(settings: S, build: Build[S], ground: Ground) -> None:
    signals = _signals()
    async with ground.closers:
        try:
            app = await unless(_told_to_end(signals), build(settings, ground))
            if app is not None:
                await _answer(app, settings, ground.closers, signals)
        finally:
            _end_at_signals()
    log.info("stopped")


async def _answer(
    app: web.Application,
    settings: ServiceSettings,
    closers: AsyncExitStack,
    signals: asyncio.Queue[signal.Signals],
) -> None:
    """Serve `app` until a signal, and a while longer; what ends it is left to `closers`."""
    # What is loaded by now stays, so no collection need walk through it again, and requests
    # leave hardly a cycle behind: collecting as eagerly as Python does by itself is a tenth of
    # what a step costs (docs/performance.md).
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GARBAGE)
    runner = web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        logger=_server_logger(),
        shutdown_timeout=settings.drain_seconds,
    )
    await runner.setup()
    lane = Lane(runner)
    # Added last, so run first: nothing that a request needs is closed before its answer.
    closers.push_async_callback(_close, runner, lane, settings.drain_seconds)
    server = await _open(lane, settings)
    linger = min(_LINGER_SECONDS, settings.drain_seconds)
    closers.push_async_callback(_linger, server, runner, lane, linger)
    await signals.get()
    app[HEALTH].stopping = True
    log.info("stopping")
    with suppress(TimeoutError):
        async with asyncio.timeout(settings.grace_seconds):
            await signals.get()
    log.info("draining")


async def _linger(
    server: asyncio.Server, runner: web.AppRunner, lane: Lane, seconds: float
) -> None:
    """Close the port, and serve whoever is connected until they have gone, for `seconds` at most.

    A connection closed at once may take a request with it that is on its way, which no client may
    send again by itself (RFC 9110, 9.2.2). As it is, the answer to that request closes it.
    """
    server.close()
    assert runner.server is not None  # noqa: S101 - it is set up
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            # Nobody is told when aiohttp's go.
            while lane.connections or runner.server.connections:  # noqa: ASYNC110 - see above
                await asyncio.sleep(_LOOK_SECONDS)


async def _close(runner: web.AppRunner, lane: Lane, seconds: float) -> None:
    """Close every connection; what is being served has `seconds` to end, as `runner` knows."""
    await asyncio.gather(lane.close(seconds), runner.cleanup())


async def _open(lane: Lane, settings: ServiceSettings) -> asyncio.Server:
    try:
        server = await asyncio.get_running_loop().create_server(
            lane, settings.host, settings.port, backlog=_BACKLOG
        )
    except OSError as error:
        raise StartupFailure(
            f"{variable('host')}, {variable('port')}: cannot serve on "
            f"{settings.host}:{settings.port} ({error.strerror}); "
            "choose another, or stop what serves there"
        ) from error
    for address in server.sockets:
        host, port, *_ = address.getsockname()
        log.info("listening", host=host, port=port, version=VERSION)
    return server


def _server_logger() -> logging.Logger:
    """Return the logger for what aiohttp answers by itself, without what clients send broken.

    It calls that an error and logs a stack, so anybody could fill the log.
    """
    logger = logging.getLogger("gatehouse.http")
    logger.addFilter(_is_no_clients_fault)
    return logger


def _is_no_clients_fault(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, (HttpProcessingError, web.RequestPayloadError))


def _signals() -> asyncio.Queue[signal.Signals]:
    arrived: asyncio.Queue[signal.Signals] = asyncio.Queue()
    for number in _SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, arrived.put_nowait, number)
    return arrived


async def _told_to_end(signals: asyncio.Queue[signal.Signals]) -> None:
    """Return at the first signal; the next one ends the process."""
    await signals.get()
    _end_at_signals()
    log.info("stopping")


def _end_at_signals() -> None:
    """Have signals end the process from now on, by the system's hand.

    So they do even when the loop is blocked, or something will not be cancelled.
    """
    for number in _SIGNALS:
        asyncio.get_running_loop().remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)


def _explain(service: str, failure: StartupFailure) -> int:
    for reason in failure.reasons:
        sys.stderr.write(f"{service} cannot start: {reason}\n")
    return 1
