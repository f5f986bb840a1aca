"""Hands mail to the deployment's SMTP server (RFC 5321), over connections that are kept.

    the server cannot be reached, or does not let us in   `Unavailable`: it is so for every mail
    it puts this mail off (4yz), or falls silent in it    `PutOff`: later, some times
    it refuses this mail for good (5yz)                   `Hopeless`

SMTP cannot promise more than this: a server that took a mail and died before it said so is given
the mail again, under the same Message-ID. No address of a user's, and nothing that a server says,
since it may quote one, is in any error here.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from contextlib import suppress
from email.message import EmailMessage
from typing import Final
from urllib.parse import unquote, urlsplit

import msgspec
import structlog
from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
)
from structlog.typing import FilteringBoundLogger

from libs.common.chassis.consume import Hopeless
from libs.common.errors import Unavailable
from libs.common.secret import Secret
from services.executor.messages.trouble import PutOff

log: Final[FilteringBoundLogger] = structlog.get_logger()

_WHAT: Final = "the mail server"
_AGAIN_SECONDS: Final = 2.0
_REFUSED_SECONDS: Final = 60.0
_IDLE_SECONDS: Final = 30.0
"""A connection that nobody used for so long is not trusted to be one."""
_GOODBYE_SECONDS: Final = 1.0
"""How long a server has for the goodbye of all connections together."""
_PORTS: Final = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
_PERMANENT: Final = 500


class Server(msgspec.Struct, frozen=True):
    """Where mail is handed over."""

    host: str
    port: int
    tls: bool
    """From the first byte."""
    starttls: bool
    user: str | None
    password: Secret | None

    @classmethod
    def parse(cls, url: Secret) -> Server:
        """Read `smtp://user:password@host:port`; raise `ValueError`, which quotes nothing of it."""
        try:
            parts = urlsplit(url.reveal())
            port = parts.port
        except ValueError:
            raise ValueError("is no URL") from None
        if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/"):
            raise ValueError(
                "is smtp://host:port for STARTTLS, smtps://host:port for TLS from the first byte, "
                "or smtp+plain://host:port for neither; user:password@ stands before the host"
            )
        if parts.scheme == "smtp+plain" and parts.username:
            raise ValueError("has a password, which must not travel without TLS")
        if (parts.username is None) != (parts.password is None):
            raise ValueError("has a user or a password without the other")
        return cls(
            parts.hostname,
            port or _PORTS[parts.scheme],
            tls=parts.scheme == "smtps",
            starttls=parts.scheme == "smtp",
            user=None if parts.username is None else unquote(parts.username),
            password=None if parts.password is None else Secret(unquote(parts.password)),
        )


def longest(seconds: float) -> float:
    """Say how long one letter may take, with a server that has `seconds` for each answer."""
    return 4 * seconds


class Mailer:
    """Sends mail; as many at a time as ask for it."""

    def __init__(self, server: Server, *, seconds: float) -> None:
        """Wait `seconds` for each answer of the server."""
        self._server = server
        self._seconds = seconds
        self._idle: list[tuple[float, SMTP]] = []
        self._context = ssl.create_default_context()

    async def send(self, letter: EmailMessage, *, sender: str, to: str) -> None:
        """Return once the server has taken `letter`; raise as this module's docstring says."""
        try:
            async with asyncio.timeout(longest(self._seconds)):
                await self._send(letter, sender, to)
        except TimeoutError:
            raise PutOff("the mail server took too long") from None

    async def _send(self, letter: EmailMessage, sender: str, to: str) -> None:
        client = await self._connected()
        try:
            await client.send_message(letter, sender=sender, recipients=[to])
        except SMTPRecipientsRefused as error:
            await _part_from(client)
            raise _refused(error.recipients[0].code) from None
        except SMTPResponseException as error:
            await _part_from(client)
            raise _refused(error.code) from None
        except SMTPNotSupported:
            await _part_from(client)
            raise Hopeless("the mail server takes no address like this one") from None
        except (SMTPException, OSError, TimeoutError) as error:
            client.close()
            raise PutOff(f"the mail server fell silent ({type(error).__name__})") from None
        except asyncio.CancelledError:
            client.close()
            raise
        self._idle.append((time.monotonic(), client))

    async def close(self) -> None:
        """Say goodbye to the server, and wait for an answer no longer than a moment."""
        idle, self._idle = [client for _, client in self._idle], []
        with suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await asyncio.gather(*map(_part_from, idle))
        for client in idle:
            client.close()

    async def _connected(self) -> SMTP:
        while self._idle:
            since, client = self._idle.pop()
            if time.monotonic() - since < _IDLE_SECONDS:
                with suppress(SMTPException, OSError, TimeoutError):
                    await client.rset()
                    return client
            client.close()
        server = self._server
        client = SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.tls,
            start_tls=server.starttls,
            timeout=self._seconds,
            tls_context=self._context if server.tls or server.starttls else None,
        )
        try:
            await client.connect()
            if server.user is not None and server.password is not None:
                await client.login(server.user, server.password.reveal())
        except SMTPAuthenticationError as error:
            client.close()
            log.error("mail_server_refuses_password", code=error.code)  # noqa: TRY400 - a trace may quote it
            raise Unavailable(_WHAT, _REFUSED_SECONDS) from None
        except (SMTPException, OSError, TimeoutError) as error:
            client.close()
            log.warning("mail_server_away", kind=type(error).__name__)
            raise Unavailable(_WHAT, _AGAIN_SECONDS) from None
        return client


async def _part_from(client: SMTP) -> None:
    with suppress(SMTPException, OSError, TimeoutError):
        await client.quit()
    client.close()


def _refused(code: int) -> Exception:
    if code >= _PERMANENT:
        return Hopeless(f"the mail server refused it for good ({code})")
    return PutOff(f"the mail server put it off ({code})")
