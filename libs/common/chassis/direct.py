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
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from aiohttp import hdrs, web
from multidict import CIMultiDict


class Answer:
    """What a handler answers, lighter than a `web.Response`; it may be changed until it is sent."""

    __slots__ = ("body", "headers", "keep_alive", "status")

    def __init__(self, body: bytes, headers: Mapping[str, str], status: int = 200) -> None:
        """Send `body` whole; what frames it is not among the `headers`."""
        self.body = body
        self.headers = dict(headers)
        self.status = status
        self.keep_alive = True

    def force_close(self) -> None:
        """Close the connection after it."""
        self.keep_alive = False

    def for_aiohttp(self) -> web.Response:
        """Return the same for a request that came through aiohttp."""
        answer = web.Response(body=self.body, status=self.status, headers=self.headers)
        if not self.keep_alive:
            answer.force_close()
        return answer


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


class Direct(NamedTuple):
    """What of an application may be served directly; it has it as routes as well."""

    handlers: Mapping[str, Handler]
    """Of POST, by path."""
    body_limit: int


DIRECT: Final = web.AppKey("direct", Direct)

T = TypeVar("T")

HEAD_MOST: Final = 8190
"""Bytes of a head: aiohttp takes as many in each of its lines."""

_HEADERS_MOST: Final = 100
_HEAD: Final = re.compile(
    rb"POST (/[!-~]*) HTTP/1\.1((?:\r\n[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~]*)+)"
)
_BEGINS: Final = b"POST /"
_LENGTH: Final = re.compile("[0-9]{1,9}")
_UNUSUAL: Final = frozenset(
    name.lower()
    for name in (
        *(hdrs.TRANSFER_ENCODING, hdrs.CONTENT_ENCODING, hdrs.TRAILER),
        *(hdrs.EXPECT, hdrs.UPGRADE, "HTTP2-Settings"),
    )
)
_STATUS_LINES: Final = {each.value: f"HTTP/1.1 {each} {each.phrase}\r\n" for each in HTTPStatus}


class Whole:
    """A request that arrived whole: what handlers use of a `web.Request`, under the same names."""

    __slots__ = ("_kept", "body", "headers", "raw_path", "remote")

    method: Final = hdrs.METH_POST
    match_info: Final[Mapping[str, str]] = {}

    def __init__(self, path: str, headers: CIMultiDict[str], body: bytes, remote: str) -> None:
        """Come from the address `remote`."""
        self.raw_path = path
        self.headers = headers
        self.body = body
        self.remote = remote
        self._kept: dict[web.RequestKey[Any], Any] = {}

    @property
    def host(self) -> str:
        """The header of that name."""
        return self.headers[hdrs.HOST]

    def __setitem__(self, key: web.RequestKey[T], value: T) -> None:
        self._kept[key] = value

    def get(self, key: web.RequestKey[T]) -> T | None:
        """Return what was kept under `key`, or None."""
        return self._kept.get(key)


Request: TypeAlias = web.Request | Whole


class Unread(enum.Enum):
    """Why something is no `Whole`."""

    SHORT = enum.auto()
    """It may become one, once more has come."""
    UNUSUAL = enum.auto()


def read(data: bytes, direct: Direct, remote: str) -> Whole | Unread:
    """Read `data`, all of it, as one plain request for a path in `direct`."""
    end = data.find(b"\r\n\r\n", 0, HEAD_MOST)
    if end < 0:
        plain = len(data) < HEAD_MOST and data.startswith(_BEGINS[: len(data)])
        return Unread.SHORT if plain else Unread.UNUSUAL
    head = _HEAD.fullmatch(data, 0, end)
    if head is None:
        return Unread.UNUSUAL
    path = head[1].decode()
    lines = head[2].decode().split("\r\n")
    told: dict[str, str] = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        told[name.lower()] = value.strip(" \t")
    # Of a header that is there twice, aiohttp knows whether it may be.
    if len(told) != len(lines) - 1 or not _UNUSUAL.isdisjoint(told) or "host" not in told:
        return Unread.UNUSUAL
    length = told.get("content-length", "")
    keeps = told.get("connection", "keep-alive") in ("keep-alive", "Keep-Alive")
    if not (keeps and _LENGTH.fullmatch(length) and path in direct.handlers):
        return Unread.UNUSUAL
    if int(length) > direct.body_limit or len(told) > _HEADERS_MOST:
        return Unread.UNUSUAL
    begin = end + 4
    missing = begin + int(length) - len(data)
    if missing:
        # More than one request at once is as unusual as any.
        return Unread.SHORT if missing > 0 else Unread.UNUSUAL
    return Whole(path, CIMultiDict(told), data[begin:], remote)


def write(answer: Answer, *, last: bool) -> bytes:
    """Write `answer`; `last` tells the client that the connection closes."""
    headers, body = answer.headers, answer.body
    told = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    # A value with the end of a line in it would be another header, or another answer.
    if told.count("\n") != len(headers) or told.count("\r") != len(headers):
        raise ValueError("a header has the end of a line in it")
    closing = "Connection: close\r\n" if last else ""
    head = (
        f"{_STATUS_LINES[answer.status]}{told}{closing}"
        f"Content-Length: {len(body)}\r\nDate: {_date(int(time.time()))}\r\n\r\n"
    )
    return head.encode() + body


@lru_cache(1)
def _date(now: int) -> str:
    """Write a time as headers have it; it is the same for all answers of a second."""
    return formatdate(now, usegmt=True)
