"""The issuers beside this deployment whose tokens are taken, and the keys they are asked for.

Keys are kept for a while, and longer while their issuer does not answer. An id that is not among
them may be of a new key, so it is asked for at once; but who makes ids up must not make us flood
the issuer, so no issuer is asked twice within `LEAST_WAIT_SECONDS`.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol
from urllib.parse import urlsplit

import aiohttp
import msgspec
import structlog
from aiohttp import hdrs
from structlog.typing import FilteringBoundLogger

from libs.common.errors import Unavailable
from services.management.keysets import Key, read_keys

LEAST_WAIT_SECONDS: Final = 30.0
FETCH_SECONDS: Final = 5.0
"""For everything that is asked of an issuer at once."""
MOST_BYTES: Final = 256 * 1024
"""Of a document of an issuer's."""
NAME: Final = "issuer"

_DISCOVERY: Final = "/.well-known/openid-configuration"
_KEYS: Final = "/.well-known/jwks.json"
_OK: Final = 200
_NOT_FOUND: Final = 404

log: FilteringBoundLogger = structlog.get_logger()


class Lifetimes(msgspec.Struct, frozen=True):
    """How long keys are good for, in seconds."""

    fresh: float
    """After that their issuer is asked again."""
    stale: float
    """While it does not answer, they are good for this long, and not longer."""


class Site(Protocol):
    """Where issuers publish."""

    async def get(self, url: str) -> bytes | None:
        """Return what is there, or None if nothing is; raise `OSError` or `ValueError`."""


class Issuer:
    """The keys of one issuer."""

    def __init__(
        self,
        url: str,
        site: Site,
        lifetimes: Lifetimes,
        clock: Callable[[], float],
    ) -> None:
        """`clock` counts seconds, and never back."""
        self.url: Final = url
        self._site = site
        self._lifetimes = lifetimes
        self._clock = clock
        self._keys: Mapping[str, Key] = {}
        self._fetched_at = float("-inf")
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()

    async def key(self, id: str) -> Key | None:
        """Return the key of this id; None where the issuer publishes none.

        Raises `Unavailable` where nothing is known that still counts.
        """
        # While one asks, the others go on with what is known.
        if id not in self._keys or (self._is_old() and not self._asking.locked()):
            async with self._asking:
                if (id not in self._keys or self._is_old()) and self._may_ask():
                    await self._ask()
        if self._clock() > self._fetched_at + max(self._lifetimes.fresh, self._lifetimes.stale):
            self._keys = {}
            raise Unavailable(NAME, LEAST_WAIT_SECONDS)
        return self._keys.get(id)

    def _is_old(self) -> bool:
        return self._clock() >= self._fetched_at + self._lifetimes.fresh

    def _may_ask(self) -> bool:
        return self._clock() >= self._asked_at + LEAST_WAIT_SECONDS

    async def _ask(self) -> None:
        self._asked_at = self._clock()
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                self._keys = await _published(self.url, self._site)
        except (OSError, ValueError, RecursionError) as error:  # the last is of nested JSON
            log.warning("issuer_away", issuer=self.url, reason=f"{type(error).__name__}: {error}")
        else:
            self._fetched_at = self._clock()


class Issuers:
    """Every issuer that is configured, by its URL."""

    def __init__(
        self,
        urls: Sequence[str],
        site: Site,
        lifetimes: Lifetimes,
        clock: Callable[[], float],
    ) -> None:
        self._issuers = {url: Issuer(url, site, lifetimes, clock) for url in urls}

    def get(self, url: object) -> Issuer | None:
        """Return the issuer that a token names; None where it names no such."""
        return self._issuers.get(url) if isinstance(url, str) else None


class Web:
    """The web, as far as issuers are asked over it: by HTTPS, in little time, for small answers."""

    def __init__(self, session: aiohttp.ClientSession, *, loopback: bool) -> None:
        """With `loopback`, this machine may be asked over plain HTTP."""
        self._session = session
        self._loopback = loopback

    async def get(self, url: str) -> bytes | None:
        """See `Site.get`."""
        check_url(url, loopback=self._loopback)
        try:
            return await self._fetch(url)
        except aiohttp.ClientError as error:
            raise OSError(type(error).__name__) from error

    async def _fetch(self, url: str) -> bytes | None:
        # No redirect: it could lead to where `check_url` would not.
        async with self._session.get(
            url,
            allow_redirects=False,
            # What is not compressed is as large as it says.
            headers={hdrs.ACCEPT_ENCODING: "identity"},
        ) as answer:
            if answer.status == _NOT_FOUND:
                return None
            if answer.status != _OK:
                raise ValueError(f"it answers {answer.status}")
            body = bytearray()
            async for chunk in answer.content.iter_any():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise ValueError("its answer is too long")
            return bytes(body)


def web_session() -> aiohttp.ClientSession:
    """Open what `Web` asks through; to be closed."""
    return aiohttp.ClientSession(
        auto_decompress=False, timeout=aiohttp.ClientTimeout(total=FETCH_SECONDS)
    )


def parse_issuers(urls: Sequence[str], *, loopback: bool) -> tuple[str, ...]:
    """Return the URLs of issuers; raise `ValueError` for what is none."""
    for url in urls:
        check_url(url, loopback=loopback)
        # OpenID Connect Discovery 1.0, 3.
        if "?" in url or "#" in url:
            raise ValueError(f"names {url!r}, which has a query or a fragment")
    return tuple(urls)


def check_url(url: str, *, loopback: bool) -> None:
    """Raise `ValueError` unless an issuer may be asked at `url`."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    plain = loopback and parts.scheme == "http" and _is_loopback(host)
    if "@" in parts.netloc:
        raise ValueError("names a URL with a user in it")
    if not host or not (plain or parts.scheme == "https"):
        raise ValueError(f"names {url!r}, which is no https URL")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Discovered(msgspec.Struct, frozen=True):
    """What is read of OpenID Connect Discovery 1.0, 4.2."""

    issuer: str
    jwks_uri: str


async def _published(url: str, site: Site) -> Mapping[str, Key]:
    """Find out where an issuer publishes its keys, and read them."""
    base = url.rstrip("/")
    document = await site.get(base + _DISCOVERY)
    where = base + _KEYS
    if document is not None:
        discovered = msgspec.json.decode(document, type=_Discovered)
        # OpenID Connect Discovery 1.0, 4.3: or one issuer could speak for another.
        if discovered.issuer != url:
            raise ValueError("it says that it is another issuer")
        where = discovered.jwks_uri
    keys = await site.get(where)
    if keys is None:
        raise ValueError("it publishes no keys")
    return read_keys(keys)
