"""A real SMTP server, and what has come in."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from libs.common.secret import Secret
from tests.patience import PATIENCE_SECONDS

HOST = "localhost"
USER, PASSWORD = b"gatehouse", b"p@ss/word"


class Mailbox:
    """What an SMTP server took, and how it behaves."""

    def __init__(self) -> None:
        self.port = 0
        self.letters: list[EmailMessage] = []
        self.envelopes: list[Envelope] = []
        self.peers: list[object] = []
        """Of each letter, who brought it."""
        self.answers: list[str] = []
        """What it says to the next letters, in place of taking them."""
        self.recipients: list[str] = []
        """What it says to the next recipients."""
        self.takes_and_falls_silent = False
        """It takes letters, and does not live to say so."""
        self.open = asyncio.Event()
        """While this is not set, it takes its time."""
        self.open.set()
        self.busy = asyncio.Event()
        """It has been given a letter."""
        self._came = asyncio.Condition()
        self._read = 0
        self._open: list[SMTP] = []

    @property
    def url(self) -> Secret:
        return Secret(f"smtp+plain://{HOST}:{self.port}")

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: object
    ) -> str:
        if self.recipients:
            return self.recipients.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.busy.set()
        await self.open.wait()
        if self.answers:
            return self.answers.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        letter = message_from_bytes(content, policy=default)
        assert isinstance(letter, EmailMessage)
        async with self._came:
            self.letters.append(letter)
            self.envelopes.append(envelope)
            self.peers.append(session.peer)
            self._came.notify_all()
        if self.takes_and_falls_silent:
            self.hang_up()
        return "250 taken"

    async def handle_QUIT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, _envelope: Envelope
    ) -> str:
        await self.open.wait()
        return "221 Bye"

    def serves(self, connection: SMTP) -> SMTP:
        """Keep a connection in mind."""
        self._open.append(connection)
        return connection

    def hang_up(self) -> None:
        """Close every connection, without a word."""
        for connection in self._open:
            if isinstance(connection.transport, asyncio.Transport):
                connection.transport.abort()
        self._open.clear()

    async def has(self, count: int) -> list[EmailMessage]:
        """Return the letters once there are so many."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._came:
            await self._came.wait_for(lambda: len(self.letters) >= count)
        return self.letters

    async def next(self) -> EmailMessage:
        """Return the first letter that nobody has read, once there is one."""
        self._read += 1
        return (await self.has(self._read))[self._read - 1]


def text_of(letter: EmailMessage, kind: str = "plain") -> str:
    """What a letter says, in plain text or in HTML."""
    body = letter.get_body((kind,))
    assert body is not None
    content: str = body.get_content()
    return content.replace("\r\n", "\n")


@asynccontextmanager
async def mailbox(
    *,
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
    login: bool = False,
    into: Mailbox | None = None,
) -> AsyncIterator[Mailbox]:
    """Serve SMTP: under TLS, with STARTTLS, or neither; with `login`, to who has the password."""
    box = into or Mailbox()

    def authenticate(
        _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object
    ) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER, PASSWORD)
        return AuthResult(success=right, handled=False)

    def serve() -> SMTP:
        with warnings.catch_warnings():
            # It does not know of TLS that it did not begin itself.
            warnings.filterwarnings("ignore", "Requiring AUTH while not requiring TLS")
            connection = SMTP(
                box,
                hostname=HOST,
                tls_context=starttls,
                require_starttls=starttls is not None,
                auth_required=login,
                auth_require_tls=starttls is not None,
                authenticator=authenticate if login else None,
                enable_SMTPUTF8=True,
            )
        return box.serves(connection)

    server = await asyncio.get_running_loop().create_server(serve, "127.0.0.1", port, ssl=tls)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()
        box.hang_up()
