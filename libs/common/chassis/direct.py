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
from multidict import CIMultiDict, CIMultiDictProxy


class Answer:
    """What a handler answers, lighter than a `web.Response`; it may be changed until it is sent."""

    __slots__ = ("body", "headers", "keep_alive", "status")

    def __init__(self, body: bytes, headers: Mapping[str, str], status: int = 200) -> None:
        """Send `body` whole; what frames it is not among the `headers`, whose names are ours."""
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
_STATUS_LINES: Final = {each.value: f"HTTP/1.1 {each} {each.phrase}" for each in HTTPStatus}
_ENDS: Final = ("", "")
_CLOSES: Final = ("Connection: close", *_ENDS)


class Whole:
    """A request that arrived whole: what handlers use of a `web.Request`, under the same names."""

    __slots__ = ("_kept", "body", "headers", "raw_path", "remote")

    method: Final = hdrs.METH_POST
    match_info: Final[Mapping[str, str]] = {}

    def __init__(self, path: str, headers: CIMultiDictProxy[str], body: bytes, remote: str) -> None:
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


class _Head(NamedTuple):
    path: str
    headers: CIMultiDictProxy[str]
    length: int
    """Bytes of the body."""


_heads: Final[dict[bytes, _Head]] = {}
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
    end = data.find(b"\r\n\r\n", 0, HEAD_MOST)
    if end < 0:
        plain = len(data) < HEAD_MOST and data.startswith(_BEGINS[: len(data)])
        return Unread.SHORT if plain else Unread.UNUSUAL
    head = _heads.get(data[:end]) or _read_head(data[:end])
    if head is None or head.path not in direct.handlers or head.length > direct.body_limit:
        return Unread.UNUSUAL
    begin = end + 4
    missing = begin + head.length - len(data)
    if missing:
        # More than one request at once is as unusual as any.
        return Unread.SHORT if missing > 0 else Unread.UNUSUAL
    return Whole(head.path, head.headers, data[begin:], remote)


def _read_head(data: bytes) -> _Head | None:
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
    head = _Head(found[1].decode(), CIMultiDictProxy(headers), int(length))
    if names <= _COME_AGAIN and len(data) <= _HEAD_KEPT:
        if len(_heads) >= _HEADS_MOST:
            _heads.clear()
        _heads[data] = head
    return head


def write(answer: Answer, *, last: bool) -> bytes:
    """Write `answer`; `last` tells the client that the connection closes."""
    body = answer.body
    headers = answer.headers
    said = "".join(headers.values())
    # A value with the end of a line in it would be another header, or another answer.
    if "\n" in said or "\r" in said:
        raise ValueError("a header has the end of a line in it")
    lines = [
        _STATUS_LINES[answer.status],
        *map(": ".join, headers.items()),
        f"Content-Length: {len(body)}",
        _date(int(time.time())),
        *(_CLOSES if last else _ENDS),
    ]
    return "\r\n".join(lines).encode() + body


@lru_cache(1)
def _date(now: int) -> str:
    """Write the header of a time; it is the same for all answers of a second."""
    return f"Date: {formatdate(now, usegmt=True)}"
