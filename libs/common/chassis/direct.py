"""Requests for the few paths that nearly all are for, read and answered without aiohttp.

aiohttp is right for all that HTTP allows, and costs more than everything else of a step together
(docs/performance.md). Here only what is plain is read: a POST in HTTP/1.1 that is all there, with a
body of a length it names, and with nothing that changes where it ends or how it is answered. All
else, however harmless, is left to aiohttp. What is read here must be read as aiohttp would read it,
or a proxy and we could see different requests in the same bytes.
"""

from __future__ import annotations

import enum
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from math import floor
from typing import Any, ClassVar, Final, NamedTuple, TypeAlias, TypeVar

import msgspec
from aiohttp import hdrs, web
from multidict import CIMultiDict, CIMultiDictProxy


# Of bytes and plain values, which make no cycle.
class Answer(msgspec.Struct, gc=False):
    """What a handler answers, lighter than a `web.Response`; it may be changed until it is sent."""

    body: bytes
    lines: str = ""
    """Its headers as `header_lines` writes them, none of them twice; but for what frames `body`,
    and for who serves it."""
    status: int = 200
    keep_alive: bool = True

    def say(self, name: str, value: str) -> None:
        """Add a header that is not there."""
        self.lines += _header_line(name, value)

    def force_close(self) -> None:
        """Close the connection after it."""
        self.keep_alive = False

    def for_aiohttp(self) -> web.Response:
        """Return the same for a request that came through aiohttp."""
        answer = web.Response(body=self.body, status=self.status, headers=read_lines(self.lines))
        if not self.keep_alive:
            answer.force_close()
        return answer


def header_lines(headers: Mapping[str, str]) -> str:
    """Write `headers`; raise `ValueError` where one would be more than one line."""
    return "".join(_header_line(name, value) for name, value in headers.items())


def read_lines(lines: str) -> dict[str, str]:
    """Return what `header_lines` has written."""
    return dict(line.split(": ", 1) for line in lines.split("\r\n")[:-1])


def _header_line(name: str, value: str) -> str:
    # A value with the end of a line in it would be another header, or another answer.
    if "\n" in value or "\r" in value:
        raise ValueError("a header has the end of a line in it")
    return f"{name}: {value}\r\n"


Handler: TypeAlias = Callable[[Any], Awaitable[web.StreamResponse | Answer]]
"""Takes a `web.Request`, and returns its answer or raises; a redirect is returned. Where its path
is direct, it takes a `Whole` as well, and always returns an `Answer`."""


class Route(NamedTuple):
    """A route whose handler answers with an `Answer`, which aiohttp's own cannot hold."""

    method: str
    path: str
    handler: Handler
    kwargs: Mapping[str, Any] = {}
    """As a `web.RouteDef` has them."""


class Direct(msgspec.Struct, frozen=True):
    """What of an application may be served directly; it has it as routes as well."""

    handlers: Mapping[str, Handler]
    """Of POST, by path."""
    body_limit: int


DIRECT: Final = web.AppKey("direct", Direct)

T = TypeVar("T")

SERVER: Final = "gatehouse"
"""What says that it serves, so that nothing says what it is built with."""

HEAD_MOST: Final = 8190
"""Bytes of a head: aiohttp takes as many in each of its lines."""

_HEADERS_MOST: Final = 100
_HEAD: Final = re.compile(
    rb"POST (/[!-~]*) HTTP/1\.1((?:\r\n[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~]*)+)"
)
_HEADERS: Final = re.compile(r"\r\n([^:]+):[ \t]*([!-~]*(?:[ \t]+[!-~]+)*)")
"""A name and its value, of what is a head."""
_BEGINS: Final = b"POST /"
_KEEPS: Final = ("keep-alive", "Keep-Alive")
_LENGTH: Final = re.compile("[0-9]{1,9}")
_UNUSUAL: Final = frozenset(
    name.lower()
    for name in (
        *(hdrs.TRANSFER_ENCODING, hdrs.CONTENT_ENCODING, hdrs.TRAILER),
        *(hdrs.EXPECT, hdrs.UPGRADE, "HTTP2-Settings"),
    )
)
_BEGINNINGS: Final = {
    each.value: f"HTTP/1.1 {each} {each.phrase}\r\n{hdrs.SERVER}: {SERVER}\r\n"
    for each in HTTPStatus
}
"""Of answers, by their status."""
_ENDS: Final = "\r\n"
_CLOSES: Final = f"Connection: close\r\n{_ENDS}"


class Head(msgspec.Struct, frozen=True):
    """All of a request but its body."""

    path: str
    headers: CIMultiDictProxy[str]
    length: int
    """Bytes of the body."""
    known: dict[Callable[[CIMultiDictProxy[str]], Any], Any]
    """What has been made of the headers, and by whom."""


class Whole(msgspec.Struct):
    """A request that arrived whole: what handlers use of a `web.Request`, under the same names."""

    method: ClassVar[str] = hdrs.METH_POST
    match_info: ClassVar[Mapping[str, str]] = {}

    raw_path: str
    headers: CIMultiDictProxy[str]
    body: bytes
    remote: str
    """The address that it came from."""
    known: dict[Callable[[CIMultiDictProxy[str]], Any], Any]
    """See `Head`."""
    _kept: dict[web.RequestKey[Any], Any] | None = None

    @property
    def host(self) -> str:
        """The header of that name."""
        return self.headers[hdrs.HOST]

    def told(self, read: Callable[[CIMultiDictProxy[str]], T]) -> T:
        """Return what `read` makes of the headers; of a head that comes again it is kept."""
        made: T | None = self.known.get(read)
        if made is None:
            made = self.known[read] = read(self.headers)
        return made

    def __setitem__(self, key: web.RequestKey[T], value: T) -> None:
        if self._kept is None:
            self._kept = {}
        self._kept[key] = value

    def get(self, key: web.RequestKey[T]) -> T | None:
        """Return what was kept under `key`, or None."""
        return None if self._kept is None else self._kept.get(key)


Request: TypeAlias = web.Request | Whole


class Unread(enum.Enum):
    """Why something is no `Whole`."""

    SHORT = enum.auto()
    """It may become one, once more has come."""
    UNUSUAL = enum.auto()


_heads: Final[dict[bytes, Head]] = {}
"""Those that come again, letter for letter, as from one client over one connection they do."""
_HEADS_MOST: Final = 500
_HEAD_KEPT: Final = 1_000
"""Bytes of the largest that is kept."""
_COME_AGAIN: Final = frozenset(
    name.lower()
    for name in (
        *(hdrs.HOST, hdrs.CONNECTION, hdrs.CONTENT_TYPE, hdrs.CONTENT_LENGTH),
        *(hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.ACCEPT_LANGUAGE, hdrs.USER_AGENT),
        *(hdrs.ORIGIN, hdrs.CACHE_CONTROL, hdrs.PRAGMA),
    )
)
"""What a head may have to be kept. Nothing that is of one request, or that proves who calls."""


def read(data: bytes, direct: Direct, remote: str) -> Whole | Unread:
    """Read `data`, all of it, as one plain request for a path in `direct`."""
    told, end, body = data.partition(b"\r\n\r\n")
    if not end and len(data) < HEAD_MOST and data.startswith(_BEGINS[: len(data)]):
        return Unread.SHORT
    if not end or len(told) + len(end) > HEAD_MOST:
        return Unread.UNUSUAL
    head = _heads.get(told) or _read_head(told)
    if head is None or head.path not in direct.handlers or head.length > direct.body_limit:
        return Unread.UNUSUAL
    if len(body) != head.length:
        # More than one request at once is as unusual as any.
        return Unread.SHORT if len(body) < head.length else Unread.UNUSUAL
    return Whole(head.path, head.headers, body, remote, head.known)


def _read_head(data: bytes) -> Head | None:
    found = _HEAD.fullmatch(data)
    if found is None:
        return None
    told = _HEADERS.findall(found[2].decode())
    headers = CIMultiDict(told)
    names = {*map(str.lower, headers)}
    # Of a header that is there twice, aiohttp knows whether it may be.
    if len(names) != len(told) or len(told) > _HEADERS_MOST:
        return None
    if "host" not in names or not _UNUSUAL.isdisjoint(names):
        return None
    length = headers.get(hdrs.CONTENT_LENGTH, "")
    keeps = "connection" not in names or headers[hdrs.CONNECTION] in _KEEPS
    if not (keeps and _LENGTH.fullmatch(length)):
        return None
    head = Head(found[1].decode(), CIMultiDictProxy(headers), int(length), {})
    if names <= _COME_AGAIN and len(data) <= _HEAD_KEPT:
        if len(_heads) >= _HEADS_MOST:
            _heads.clear()
        _heads[data] = head
    return head


def write(answer: Answer, *, last: bool) -> bytes:
    """Write `answer`; `last` tells the client that the connection closes."""
    body = answer.body
    head = (
        f"{_BEGINNINGS[answer.status]}{answer.lines}Content-Length: {len(body)}\r\n"
        f"{_date(floor(time.time()))}{_CLOSES if last else _ENDS}"
    )
    return head.encode() + body


@lru_cache(1)
def _date(now: int) -> str:
    """Write the header of a time; it is the same for all answers of a second."""
    return f"Date: {formatdate(now, usegmt=True)}\r\n"
