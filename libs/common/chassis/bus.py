"""NATS: one connection that heals by itself, requests, and JetStream publishing.

Opening does not wait for the server: a service starts, and saves, while NATS is down. Whatever
needs the server meanwhile raises `Unavailable` at once rather than waiting in a buffer.

It never logs a server's address, which may hold a password, nor a payload.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final
from urllib.parse import urlsplit

import msgspec
import structlog
from nats.aio.client import DEFAULT_FLUSH_TIMEOUT, Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError
from nats.js.api import RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NoStreamResponseError, NotFoundError
from structlog.typing import FilteringBoundLogger

from libs.common.chassis.config import variable
from libs.common.chassis.startup import StartupFailure
from libs.common.chassis.tasks import unless
from libs.common.errors import Unavailable
from libs.common.secret import Secret

MESSAGE_ID: Final = "Nats-Msg-Id"
FAILED: Final = "Gatehouse-Failed"
"""A reply with this header has no answer in it: the responder's handler raised."""

_RECONNECT_SECONDS = 1
_FINISH_SECONDS = 5.0
"""How long closing waits for the answers in hand, and for a server that hangs to take them."""
_DISCONNECT_SECONDS = 2.0
_ANSWERS_AT_ONCE = 64

# nats-py does not mix the two in one list.
_SCHEMES = (("nats://", "tls://"), ("ws://", "wss://"))

Answer = Callable[[bytes], Awaitable[bytes]]

log: FilteringBoundLogger = structlog.get_logger()


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """What a JetStream stream has to be; kept in files."""

    name: str
    subjects: tuple[str, ...]
    max_age_seconds: float = 7 * 24 * 3600.0
    max_bytes: int = 256 * 1024**2
    """The oldest go first when it is full."""
    duplicate_window_seconds: float = 120.0
    """A message id that comes again within this is dropped."""
    work_queue: bool = False
    """Whether a message is gone once one consumer has acknowledged it."""


class _Responder(msgspec.Struct, frozen=True):
    subject: str
    queue: str
    answer: Answer


class _Client(Client):
    """nats-py's, whose ping overtakes what has yet to be written."""

    async def flush(self, timeout: int = DEFAULT_FLUSH_TIMEOUT) -> None:  # noqa: ASYNC109 - nats-py's
        """Return once the server has seen all that was sent before.

        Otherwise it could still send what a subscription that has ended is for, and nobody would
        answer it.
        """
        await super().flush(timeout)
        # What the first ping has overtaken is written by now.
        await super().flush(timeout)


class Bus:
    """The connection of a process."""

    def __init__(self, servers: Secret, *, name: str, replicas: int = 1) -> None:
        """`servers` are URLs with commas between; `name` is what the server's monitoring shows.

        Each stream that this process makes has `replicas` copies. Raises `StartupFailure` for
        `servers` that cannot be understood.
        """
        self._servers = _split(servers)
        self._replicas = replicas
        self._name = name
        self._client: Client | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._responders: list[_Responder] = []
        self._answering: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(_ANSWERS_AT_ONCE)
        self._subscriptions: list[Subscription] = []
        self._reported_away = False

    def open(self) -> None:
        """Begin to connect, and to keep connected."""
        self._keeper = asyncio.create_task(self._keep_connected())

    async def close(self) -> None:
        """Finish the answers in hand and what is unsent, and disconnect, in a few seconds."""
        self._closing.set()
        if self._keeper is not None:
            await self._keeper
        client, self._client = self._client, None
        if client is None:
            return
        self._reported_away = True
        # A server that is away has no requests to give back, and gets no answers.
        with suppress(NatsError, TimeoutError, OSError):
            await unless(asyncio.sleep(_FINISH_SECONDS), self._finish(client))
        await _disconnect(client)

    async def _finish(self, client: Client) -> None:
        for subscription in self._subscriptions:
            await subscription.drain()  # type: ignore[no-untyped-call]  # nats-py's omission
        await asyncio.gather(*self._answering)
        await client.flush()

    @property
    def connected(self) -> bool:
        """Whether the server is there at this moment."""
        return self._client is not None and self._client.is_connected

    async def check(self) -> None:
        """Raise `Unavailable` unless JetStream answers: for `/readyz`."""
        # Not `flush`: given up on, it leaves its future behind in the client, and the late answer
        # to it would end the client's reading for good, unnoticed.
        async with self.asking() as client:
            await client.jetstream().account_info()

    async def request(
        self, subject: str, payload: bytes, *, within: float, what: str, retry_after: float = 1.0
    ) -> bytes:
        """Return the answer that somebody gives `within` seconds.

        Raises `Unavailable(what)` if nobody is there or none comes, or if the handler failed.
        """
        async with self.asking(what, retry_after) as client:
            reply = await client.request(subject, payload, timeout=within)
        if reply.headers and FAILED in reply.headers:
            raise Unavailable(what, retry_after)
        return reply.data

    async def respond(self, subject: str, queue: str, answer: Answer) -> None:
        """Answer requests to `subject`, each once among those that share `queue`, until closed."""
        responder = _Responder(subject, queue, answer)
        self._responders.append(responder)
        if self._client is not None:
            await self._subscribe(self._client, responder)

    async def ensure(self, stream: Stream) -> None:
        """Make `stream` be as it says; anybody may, any number of times."""
        async with self.asking() as client:
            jetstream = client.jetstream()
            try:
                current = (await jetstream.stream_info(stream.name)).config
            except NotFoundError:
                await jetstream.add_stream(
                    _configured(StreamConfig(num_replicas=self._replicas), stream)
                )
                log.info("stream_added", stream=stream.name)
            else:
                if _configured(current, stream) != current:
                    await jetstream.update_stream(_configured(current, stream))
                    log.info("stream_updated", stream=stream.name)

    async def publish(
        self,
        stream: Stream,
        subject: str,
        payload: bytes,
        *,
        message_id: str,
        headers: Mapping[str, str] | None = None,
        within: float = 2.0,
    ) -> bool:
        """Store a message, and return False if `message_id` was stored before, within the window.

        A stream that is missing is made. Raises `Unavailable` unless the server confirms `within`
        seconds that it has the message.
        """
        sent = {**(headers or {}), MESSAGE_ID: message_id}
        try:
            return await self._publish(stream, subject, payload, sent, within)
        except NoStreamResponseError:
            await self.ensure(stream)
        # A stream that somebody deletes at this very moment is as good as a server that is away.
        async with self.asking():
            return await self._publish(stream, subject, payload, sent, within)

    async def _publish(
        self, stream: Stream, subject: str, payload: bytes, headers: dict[str, str], within: float
    ) -> bool:
        async with self.asking(passing=(NoStreamResponseError,)) as client:
            stored = await client.jetstream().publish(
                subject, payload, timeout=within, stream=stream.name, headers=headers
            )
        return not stored.duplicate

    @asynccontextmanager
    async def asking(
        self,
        what: str = "nats",
        retry_after: float = 1.0,
        *,
        passing: tuple[type[NatsError], ...] = (),
    ) -> AsyncIterator[Client]:
        """Give the connection for one exchange; its failures, but for `passing`, are `what`'s."""
        client = self._client
        if client is None or not client.is_connected:
            raise Unavailable("nats", retry_after)
        try:
            yield client
        except passing:
            raise
        except (NatsError, TimeoutError, OSError) as error:
            raise Unavailable(what, retry_after) from error

    async def _keep_connected(self) -> None:
        # Ended by the event, never by cancelling, which nats-py may lose (see `tasks`).
        while not self._closing.is_set():
            client, closed = _Client(), asyncio.Event()
            try:
                await unless(self._closing.wait(), self._connect(client, closed))
                # The client gives up for good when a reconnect is refused, as when a password
                # changes; a new one then begins with what the server says now.
                await unless(self._closing.wait(), closed.wait())
            except Exception as error:  # noqa: BLE001 - without this task nothing would connect again
                log.error("nats_connection_failed", kind=type(error).__name__)  # noqa: TRY400 - a trace may name the server
            if self._closing.is_set() and self._client is not None:
                # Whoever closes has something to finish over it.
                return
            self._client = None
            self._subscriptions.clear()
            await _disconnect(client)
            await unless(self._closing.wait(), asyncio.sleep(_RECONNECT_SECONDS))

    async def _connect(self, client: Client, closed: asyncio.Event) -> None:
        """Connect, however long that takes, and answer; set `closed` when `client` gives up."""

        async def on_closed() -> None:
            closed.set()

        await client.connect(
            [server.reveal() for server in self._servers],
            name=self._name,
            max_reconnect_attempts=-1,
            reconnect_time_wait=_RECONNECT_SECONDS,
            error_cb=self._on_error,
            disconnected_cb=self._on_disconnected,
            reconnected_cb=self._on_connected,
            closed_cb=on_closed,
        )
        self._client = client
        for responder in self._responders:
            await self._subscribe(client, responder)
        await self._on_connected()

    async def _subscribe(self, client: Client, responder: _Responder) -> None:
        async def on_request(message: Msg) -> None:
            await self._slots.acquire()
            task = asyncio.create_task(self._answer(client, responder, message))
            self._answering.add(task)
            task.add_done_callback(self._answered)

        subscription = await client.subscribe(
            responder.subject, queue=responder.queue, cb=on_request
        )
        self._subscriptions.append(subscription)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._answering.discard(task)
        self._slots.release()

    async def _answer(self, client: Client, responder: _Responder, message: Msg) -> None:
        headers = None
        try:
            reply = await responder.answer(message.data)
        except Exception:
            # Whatever it is, whoever asked must not wait for it until their time is over.
            log.exception("responder_failed", subject=responder.subject)
            reply, headers = b"", {FAILED: "internal"}
        # Gone meanwhile: whoever asked asks again.
        with suppress(NatsError, OSError):
            await client.publish(message.reply, reply, headers=headers)

    async def _on_error(self, error: Exception) -> None:
        if self.connected:
            log.warning("nats_error", exc_info=error)
        elif not self._reported_away:
            self._reported_away = True
            log.warning("nats_away", kind=type(error).__name__)

    async def _on_disconnected(self) -> None:
        if not self._reported_away:
            self._reported_away = True
            log.warning("nats_away", kind="disconnected")

    async def _on_connected(self) -> None:
        self._reported_away = False
        log.info("nats_connected")


def _split(servers: Secret) -> tuple[Secret, ...]:
    """Return each URL, or raise a `StartupFailure` that quotes none of them.

    nats-py would take what has no scheme for a host, and try for ever.
    """
    urls = [url.strip() for url in servers.reveal().split(",")]
    try:
        parts = [urlsplit(url) for url in urls]
        fine = all(part.hostname and part.port != 0 for part in parts)
    except ValueError:
        fine = False
    if not fine or not any(all(url.startswith(kind) for url in urls) for kind in _SCHEMES):
        raise StartupFailure(
            f"{variable('nats_url')} is a list of nats://host:port or tls://host:port, "
            "or of ws://host:port or wss://host:port, with commas between"
        )
    return tuple(map(Secret, urls))


async def _disconnect(client: Client) -> None:
    """Close `client`, whatever state it is in; a server that hangs is left alone."""
    with suppress(NatsError, TimeoutError, OSError):
        await unless(asyncio.sleep(_DISCONNECT_SECONDS), client.close())


def _configured(config: StreamConfig, stream: Stream) -> StreamConfig:
    """Return `config` with what `stream` says; the rest, as its copies, is its operator's."""
    return config.evolve(
        name=stream.name,
        subjects=list(stream.subjects),
        storage=StorageType.FILE,
        retention=RetentionPolicy.WORK_QUEUE if stream.work_queue else RetentionPolicy.LIMITS,
        max_age=stream.max_age_seconds,
        max_bytes=stream.max_bytes,
        duplicate_window=stream.duplicate_window_seconds,
    )
