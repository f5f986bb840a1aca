"""JSON lines on standard output: one object a line, ours and the libraries' alike.

Lines wait up to 50 ms and are written together, because a write for each request costs more than
the line itself; an error, a thread without a loop and the end of the process write at once.

A line never holds a secret, an address or a user's identifier: fields with telling names are
masked, what libraries log loses its arguments, and the quoted parts of an exception's message,
which is where values are, are left out. Session ids are shortened.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import re
import sys
import threading
from collections import deque
from collections.abc import Mapping
from contextvars import ContextVar, Token
from datetime import UTC, datetime
from functools import lru_cache
from math import floor
from pathlib import Path
from traceback import extract_tb
from types import TracebackType
from typing import Final, Protocol

import msgspec
import structlog
from msgspec import UNSET, UnsetType
from structlog.typing import EventDict, WrappedLogger

from libs.common.secret import MASK

FLUSH_SECONDS: Final = 0.05
SESSION_CHARACTERS: Final = 8
"""How much of a session id a line shows: enough to follow one, too little to use it."""

_MESSAGE_CHARACTERS = 300
_STACK_FRAMES = 12
_PENDING_LINES = 1_000
_TELLING = re.compile(
    r"passw|secret|token|credential|authorization|cookie|assertion|dsn|"
    r"(^|_)(t?otp|key|email|phone|address|ip|username|identifier|body)($|_)"
)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|\([^()]*\)=\([^()]*\)|\S+@\S+|\S+://\S+")
# What their messages quote are names in the code, which no user chose.
_NAMES_CODE = (AttributeError, ImportError, NameError, TypeError)

_context: ContextVar[dict[str, str] | None] = ContextVar("log_context", default=None)


class RequestLine(msgspec.Struct, gc=False):
    """The line of an answered request, as it is written: of fixed fields, none of them the user's.

    The ids are ours or checked, and `route` is a template.
    """

    time: datetime
    level: str
    service: str
    event: str
    request: str | UnsetType
    tenant: str | UnsetType
    flow: str | UnsetType
    session: str | UnsetType
    method: str
    route: str
    status: int
    ms: float
    refused: str | UnsetType


class Out(Protocol):
    """Where lines go: a binary stream."""

    def write(self, data: bytes, /) -> object: ...
    def flush(self) -> object: ...


class LineWriter:
    """Collects lines and writes them together; safe to use from any thread."""

    def __init__(self, out: Out) -> None:
        self._out = out
        self._lock = threading.Lock()
        self._lines: deque[bytes | RequestLine] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def line(self, line: bytes | RequestLine) -> None:
        """Write `line` within `FLUSH_SECONDS`."""
        # First into the queue, then a look at the timer: `flush` does it the other way round, so
        # that no line is left behind between the two.
        self._lines.append(line)
        if len(self._lines) >= _PENDING_LINES:
            self.flush()
        elif self._timer is None:
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                self.flush()
            else:
                self._timer = loop.call_later(FLUSH_SECONDS, self.flush)

    def urgent(self, line: bytes) -> None:
        """Write `line` now, after those that wait."""
        self._lines.append(line)
        self.flush()

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            self._timer = None
            lines = [self._lines.popleft() for _ in range(len(self._lines))]
            if not lines:
                return
            try:
                # Encoded here, one after the other, which takes half as long as each in its turn.
                self._out.write(
                    b"".join(
                        [
                            _encode(line) + b"\n" if isinstance(line, RequestLine) else line
                            for line in lines
                        ]
                    )
                )
                self._out.flush()
            except (OSError, ValueError):
                # Whoever read the log has gone and the stream with them; a sign-in goes on.
                return


def carry(ids: dict[str, str]) -> None:
    """Have every line of the current task carry `ids` from now on, and what is remembered."""
    _context.set(ids)


class Context:
    """Ids that every line within the `with` carries; one message is one context."""

    __slots__ = ("_ids", "_token")

    def __init__(self, **ids: str) -> None:
        self._ids = ids

    def __enter__(self) -> None:
        self._token: Token[dict[str, str] | None] = _context.set(self._ids)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        _context.reset(self._token)


def carried(name: str) -> str | None:
    """Return one of the ids of the request that is served here; its own is `request`."""
    return (_context.get() or {}).get(name)


def remember(name: str, id: str) -> None:
    """Add an id to the context that the caller runs in.

    The line of the request itself shows those that are called `tenant`, `flow` and `session`.
    """
    current = _context.get()
    if current is not None:
        current[name] = id


class Log:
    """Makes every line of a process; `install` sends structlog's and `logging`'s lines here."""

    def __init__(self, service: str, level: str = "info", out: Out | None = None) -> None:
        """Log what is at least `level` to `out`, which is standard output unless given."""
        self.writer = LineWriter(sys.stdout.buffer if out is None else out)
        self._service = service
        self._level: int = logging.getLevelNamesMapping()[level.upper()]
        self._encoder = msgspec.json.Encoder(enc_hook=_plain)

    def install(self) -> None:
        """Take over what this process logs."""
        structlog.configure(
            processors=[self._processed],
            wrapper_class=structlog.make_filtering_bound_logger(self._level),
            logger_factory=lambda *_: self,
            cache_logger_on_first_use=True,
        )
        logging.captureWarnings(capture=True)
        logging.basicConfig(handlers=[_Handler(self)], level=self._level, force=True)
        atexit.register(self.writer.flush)

    def line(self, level: str, event: str, fields: EventDict) -> None:
        """Write a line without structlog's share of its cost: for the line of each request."""
        if _LEVELS[level] >= self._level:
            self._emit(level, self._encode(level, event, fields))

    def request(
        self,
        level: str,
        ids: Mapping[str, str],
        method: str,
        route: str,
        status: int,
        seconds: float,
        refused: str | None,
    ) -> None:
        """Write the line of a request that was answered after `seconds`."""
        if _LEVELS[level] >= self._level:
            known = ids.get
            session = known("session")
            self.writer.line(
                RequestLine(
                    datetime.now(UTC),
                    level,
                    self._service,
                    "request",
                    known("request", UNSET),
                    known("tenant", UNSET),
                    known("flow", UNSET),
                    UNSET if session is None else session[:SESSION_CHARACTERS],
                    method,
                    route,
                    status,
                    floor(seconds * 1_000_000) / 1000,
                    UNSET if refused is None else refused,
                )
            )

    def debug(self, line: bytes) -> None:
        """Take the encoded line that structlog hands to the logger of this level."""
        self.writer.line(line)

    info = warning = debug

    def error(self, line: bytes) -> None:
        """As `debug`, and at once: the process may be about to end."""
        self.writer.urgent(line)

    critical = error

    def _emit(self, level: str, line: bytes) -> None:
        if level in {"error", "critical"}:
            self.error(line)
        else:
            self.info(line)

    def _processed(self, _logger: WrappedLogger, method: str, fields: EventDict) -> bytes:
        level = "error" if method == "exception" else method
        return self._encode(level, str(fields.pop("event", "")), fields)

    def _encode(self, level: str, event: str, fields: EventDict) -> bytes:
        line: EventDict = {
            "time": datetime.now(UTC),
            "level": level,
            "service": self._service,
            "event": event,
            **(_context.get() or {}),
            **fields,
        }
        for name in _telling(tuple(line)):
            line[name] = MASK
        if "exc_info" in line:
            error = _exception(line.pop("exc_info"))
            if error is not None:
                line["error"] = describe_exception(error)
        if "session" in line:
            line["session"] = str(line["session"])[:SESSION_CHARACTERS]
        return self._encoder.encode(line) + b"\n"


class _Handler(logging.Handler):
    """Turns what libraries log into lines of ours."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        # The template without its arguments: aiohttp's and asyncpg's are addresses and values.
        # A warning has only an argument, which is a place in the code.
        whole = record.getMessage() if record.name == "py.warnings" else str(record.msg)
        self._log.line(
            record.levelname.lower(),
            _safe(whole),
            {"logger": record.name, "exc_info": record.exc_info},
        )


_encode: Final = msgspec.json.Encoder().encode
_LEVELS = {name.lower(): number for name, number in logging.getLevelNamesMapping().items()}


def describe_exception(error: BaseException) -> dict[str, object]:
    """Return what a line may tell of `error`: its type, masked message, stack and cause."""
    message = str(error)
    described: dict[str, object] = {
        "type": type(error).__qualname__,
        "message": message[:_MESSAGE_CHARACTERS]
        if isinstance(error, _NAMES_CODE)
        else _safe(message),
        "stack": [
            f"{'/'.join(Path(frame.filename).parts[-3:])}:{frame.lineno} {frame.name}"
            for frame in extract_tb(error.__traceback__)[-_STACK_FRAMES:]
        ],
    }
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        described["cause"] = describe_exception(cause)
    return described


def _safe(message: str) -> str:
    """Return the first line without what is quoted: PostgreSQL gives a row's values below it."""
    first = message.split("\n", 1)[0]
    return _QUOTED.sub(MASK, first)[:_MESSAGE_CHARACTERS]


def _exception(given: object) -> BaseException | None:
    match given:
        case BaseException():
            return given
        case (_, BaseException() as error, _):
            return error
        case True:
            return sys.exc_info()[1]
        case _:
            return None


@lru_cache(1_000)
def _telling(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of the names of a line's fields whose values are not to be seen.

    Kept by line, since lines of one place in the code have the same fields.
    """
    return tuple(filter(_TELLING.search, names))


def _plain(value: object) -> str:
    """Name the type of what JSON has no word for; a `Secret` among others."""
    return f"<{type(value).__qualname__}>"
