"""Calls over HTTP to addresses that a tenant chose.

The check is of the very address that a socket is opened for, so that no name can resolve to
another between check and connection; what is verified in TLS, and sent as `Host`, is the name as
ever. Redirects are not followed, since each would be another address of somebody's choice. Nothing
is kept between calls but connections: no cookies.

A caller must not tell a tenant more than that there was no answer: which address is refused, and
which is merely silent, would be a map of our own network.
"""

from __future__ import annotations

import asyncio
import enum
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Literal, Protocol, Self

import aiohttp
import structlog
from aiohttp import hdrs
from aiohttp.abc import AbstractResolver
from aiohttp.connector import AddrInfoType
from structlog.typing import FilteringBoundLogger
from yarl import URL

from libs.common.chassis.networks import Networks, is_public

_CONNECTIONS: Final = 200
_CONNECTIONS_EACH: Final = 20
"""To one host and port, so that a slow one leaves room for the rest."""
_IDLE_SECONDS: Final = 1.5
"""A connection that nobody used for so long is used no more. Servers close theirs after two seconds
or five, and a call on one that is just being closed would have no answer, though it were made once.
"""

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

log: FilteringBoundLogger = structlog.get_logger()


class Lack(enum.StrEnum):
    """Why there was no answer."""

    REFUSED = "refused"
    """The address is none that may be called."""
    AWAY = "away"
    """Nobody answers there in HTTP, or with a certificate that can be believed."""
    SLOW = "slow"
    LONG = "long"
    """The answer has more bytes than were to be read."""


class NoAnswer(Exception):
    """A call had no answer that can be used; whether it was received is not known."""

    def __init__(self, lack: Lack) -> None:
        super().__init__(lack.value)
        self.lack = lack


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, of whatever status; a redirection too is just an answer."""

    status: int
    headers: Mapping[str, str]
    """Found in any case of letters."""
    body: bytes


class Line(Protocol):
    """What a call goes out through: see `Outgoing.call`."""

    async def call(
        self,
        method: Method,
        url: str,
        *,
        seconds: float,
        most_bytes: int,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Call once, or raise `NoAnswer`."""


class Outgoing:
    """Calls whoever may be called."""

    def __init__(
        self,
        allowed: Networks,
        *,
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Call the public internet over HTTPS, and `allowed` over plain HTTP as well."""
        self._tls = _session(lambda to: is_public(to) or allowed.has(to), resolver, tls)
        self._plain = _session(allowed.has, resolver, tls)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def call(
        self,
        method: Method,
        url: str,
        *,
        seconds: float,
        most_bytes: int,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Call `url` once, or raise `NoAnswer`.

        `seconds` are for everything, from the look-up of the name to the last byte of the answer,
        of whose body at most `most_bytes` are read.
        """
        try:
            target = URL(url)
        except ValueError:
            raise NoAnswer(Lack.REFUSED) from None
        sessions = {"https": self._tls, "http": self._plain}
        session = sessions.get(target.scheme)
        if session is None or not target.host or target.user is not None:
            raise NoAnswer(Lack.REFUSED)
        try:
            async with (
                asyncio.timeout(seconds),
                session.request(
                    method, target, headers=headers, data=body, allow_redirects=False
                ) as answer,
            ):
                read = await _read(answer.content, most_bytes)
                return Answer(answer.status, answer.headers, read)
        except TimeoutError:
            raise NoAnswer(Lack.SLOW) from None
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, _Refused):
                log.warning("call_refused", reason="address")
                raise NoAnswer(Lack.REFUSED) from None
            raise NoAnswer(Lack.AWAY) from error
        except aiohttp.ClientError as error:
            raise NoAnswer(Lack.AWAY) from error

    async def close(self) -> None:
        """Close every connection."""
        await self._tls.close()
        await self._plain.close()


class _Refused(OSError):
    """A socket was wanted for an address that may not be called."""

    def __init__(self) -> None:
        # Always the same words: where all addresses of a name are refused, it is told as one.
        super().__init__("the address may not be called")


def _session(
    may_call: Callable[[str], bool],
    resolver: AbstractResolver | None,
    tls: ssl.SSLContext | None,
) -> aiohttp.ClientSession:
    def open_socket(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        if not may_call(str(address[0])):
            raise _Refused
        return socket.socket(family, kind, protocol)

    connector = aiohttp.TCPConnector(
        limit=_CONNECTIONS,
        limit_per_host=_CONNECTIONS_EACH,
        keepalive_timeout=_IDLE_SECONDS,
        resolver=resolver,
        socket_factory=open_socket,
        ssl=True if tls is None else tls,
    )
    return aiohttp.ClientSession(
        connector=connector,
        # What is not compressed is as large as it says.
        headers={hdrs.ACCEPT_ENCODING: "identity", hdrs.USER_AGENT: "gatehouse"},
        auto_decompress=False,
        # Or what one tenant's server sets would be sent with another tenant's call to it.
        cookie_jar=aiohttp.DummyCookieJar(),
        # A proxy would resolve the name for itself, unchecked.
        trust_env=False,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
    )


async def _read(content: aiohttp.StreamReader, most_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in content.iter_any():
        body += chunk
        if len(body) > most_bytes:
            raise NoAnswer(Lack.LONG)
    return bytes(body)
