"""Events reach JetStream once each and in order, whatever is down and however many relay."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import asyncpg
import msgspec
import nats
import pytest
from nats.js.errors import NotFoundError
from prometheus_client import CollectorRegistry

from deploy.local.server import Server
from libs.common.chassis.postgres import asking_postgres
from libs.common.errors import Unavailable
from libs.common.secret import Secret
from libs.common.wire.events import EVENTS, FLOW_CHANGED, FlowChanged, decode
from services.management import outbox
from services.management.outbox import OutboxMetrics, Relay
from tests.integration.management.conftest import GRAPH, Api, Start
from tests.patience import until

FLOWS = "/api/admin/flows"


async def told(nats_url: str) -> list[FlowChanged]:
    """Return the flows' events in the stream, in its order, each told under its own id."""
    client = await nats.connect(nats_url)
    try:
        jetstream = client.jetstream()
        try:
            state = (await jetstream.stream_info(EVENTS)).state
        except NotFoundError:
            return []
        events = []
        for sequence in range(state.first_seq, state.last_seq + 1):
            message = await jetstream.get_msg(EVENTS, sequence)
            if message.subject != FLOW_CHANGED:
                continue
            event = decode(message.data or b"", FlowChanged)
            assert (message.headers or {})["Nats-Msg-Id"] == str(event.id)
            events.append(event)
        return events
    finally:
        await client.close()


async def waiting(rows: asyncpg.Connection) -> int:
    count: int = await rows.fetchval("SELECT count(*) FROM outbox")
    return count


def emptied(rows: asyncpg.Connection) -> Callable[[], Awaitable[bool]]:
    async def is_empty() -> bool:
        return not await waiting(rows)

    return is_empty


async def test_each_change_of_a_flow_is_told_in_order(
    api: Api, nats_url: str, rows: asyncpg.Connection
) -> None:
    before = await rows.fetchval("SELECT extract(epoch FROM now())::float8")
    id = await api.create()
    edited = {**GRAPH, "nodes": [*GRAPH["nodes"], {"id": "failure", "type": "failure"}]}
    await api.call("PUT", f"{FLOWS}/{id}", {"graph": edited})
    await api.call("POST", f"{FLOWS}/{id}/activate")
    await api.call("POST", f"{FLOWS}/{id}/deactivate")
    await api.call("DELETE", f"{FLOWS}/{id}")
    await until(emptied(rows))
    events = await told(nats_url)
    assert [(event.action, event.version) for event in events] == [
        ("created", 1),
        ("updated", 2),
        ("activated", 2),
        ("deactivated", 2),
        ("deleted", 2),
    ]
    assert {(event.tenant, event.flow, event.type.value) for event in events} == {
        ("default", id, "login")
    }
    assert [event.id for event in events] == sorted({event.id for event in events})
    assert before <= events[0].at <= events[-1].at


async def test_while_nats_is_down_saving_works_and_events_wait_in_order(
    api: Api, nats_url: str, nats_server: Server, rows: asyncpg.Connection
) -> None:
    first = await api.create(name="before")
    await until(emptied(rows))
    await nats_server.process.stop()
    ids = [await api.create(name=f"flow-{number}") for number in range(3)]
    assert (await api.call("POST", f"{FLOWS}/{ids[0]}/activate")).status == 200
    assert await waiting(rows) == 4
    ready = await api.call("GET", "/readyz")
    assert (ready.status, ready.body) == (
        200,
        {"status": "ready", "checks": {"postgres": "ok", "nats": "failed"}},
    )

    async def measured() -> bool:
        return api.metrics.registry.get_sample_value("gatehouse_outbox_depth") == 4.0

    await until(measured)
    age = api.metrics.registry.get_sample_value("gatehouse_outbox_oldest_age_seconds")
    assert age is not None
    assert age > 0
    await nats_server.process.start()
    await until(emptied(rows))
    events = await told(nats_url)
    assert [(event.flow, event.action) for event in events] == [
        (first, "created"),
        *((id, "created") for id in ids),
        (ids[0], "activated"),
    ]


async def test_management_starts_and_saves_before_nats_is_there(
    start: Start, nats_url: str, nats_server: Server, rows: asyncpg.Connection
) -> None:
    await nats_server.process.stop()
    api = await start(nats_is_there=False)
    id = await api.create()
    assert await waiting(rows) == 1
    await nats_server.process.start()
    await until(emptied(rows))
    assert [event.flow for event in await told(nats_url)] == [id]


async def test_an_event_that_was_told_but_not_deleted_is_told_once(
    api: Api, nats_url: str, rows: asyncpg.Connection
) -> None:
    await api.create(name="first")
    await until(emptied(rows))
    [event] = await told(nats_url)
    # As after a crash between JetStream's acknowledgement and the delete.
    await rows.execute(
        "INSERT INTO outbox (id, subject, payload) VALUES ($1, $2, $3)",
        event.id,
        FLOW_CHANGED,
        msgspec.json.encode(event),
    )
    await until(emptied(rows))
    await api.create(name="second")
    await until(emptied(rows))
    assert [event.action for event in await told(nats_url)] == ["created", "created"]


async def test_the_events_of_many_changes_at_two_replicas_are_told_once_each_and_in_order(
    start: Start, nats_url: str, rows: asyncpg.Connection
) -> None:
    replicas = [await start(), await start()]
    ids = [await replicas[0].create(name=f"flow-{number}") for number in range(4)]

    async def edit(id: str, at: int) -> None:
        for number in range(10):
            graph = {"nodes": [{"id": f"n{number}", "type": "start"}], "edges": []}
            reply = await replicas[(at + number) % 2].call("PUT", f"{FLOWS}/{id}", {"graph": graph})
            assert reply.status == 200

    await asyncio.gather(*(edit(id, at) for at, id in enumerate(ids)))
    await until(emptied(rows))
    events = await told(nats_url)
    assert len(events) == 44
    for id in ids:
        assert [event.version for event in events if event.flow == id] == list(range(1, 12))


async def fill(rows: asyncpg.Connection, events: int) -> None:
    await rows.executemany(
        "INSERT INTO outbox (subject, payload) VALUES ('s', $1)",
        [(b"%d" % number,) for number in range(events)],
    )


def relay(dsn: str, publish: object) -> Relay:
    metrics = OutboxMetrics(CollectorRegistry())
    return Relay(Secret(dsn), publish, metrics, seconds=60)  # type: ignore[arg-type]  # a test's own


async def test_two_relays_at_once_tell_each_event_once_and_in_order(
    database: str, rows: asyncpg.Connection
) -> None:
    heard: list[tuple[bytes, str]] = []

    async def publish(subject: str, payload: bytes, *, message_id: str) -> None:
        await asyncio.sleep(0)
        heard.append((payload, message_id))

    await fill(rows, 250)
    relays = [relay(database, publish), relay(database, publish)]
    for each in relays:
        each.start()
    await until(emptied(rows))
    await fill(rows, 50)
    await until(emptied(rows))
    for each in relays:
        await each.stop()
    numbers = [*range(250), *range(50)]
    assert heard == [(b"%d" % number, str(at)) for at, number in enumerate(numbers, 1)]


async def test_an_event_that_is_refused_holds_back_all_later_ones_and_no_earlier_one(
    database: str, rows: asyncpg.Connection
) -> None:
    heard: list[bytes] = []
    refusing = True

    async def publish(subject: str, payload: bytes, *, message_id: str) -> None:
        if refusing and payload == b"2":
            raise Unavailable("nats")
        heard.append(payload)

    await fill(rows, 5)
    teller = relay(database, publish)
    teller.start()

    async def only_the_first_are_told() -> bool:
        return await waiting(rows) == 3

    await until(only_the_first_are_told)
    assert heard == [b"0", b"1"]
    refusing = False
    await until(emptied(rows))
    await teller.stop()
    assert heard == [b"0", b"1", b"2", b"3", b"4"]


async def test_a_relay_outlives_its_connection_and_an_error_that_nobody_expected(
    database: str, rows: asyncpg.Connection
) -> None:
    heard: list[bytes] = []
    broken = True

    async def publish(subject: str, payload: bytes, *, message_id: str) -> None:
        nonlocal broken
        if broken:
            broken = False
            raise ZeroDivisionError
        heard.append(payload)

    teller = relay(database, publish)
    teller.start()
    await fill(rows, 1)
    await until(emptied(rows))
    await rows.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await fill(rows, 1)
    await until(emptied(rows))
    await teller.stop()
    assert heard == [b"0", b"0"]


async def test_a_relay_goes_on_for_longer_than_a_question_may_take(
    database: str, rows: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[bytes] = []
    monkeypatch.setattr(outbox, "asking_postgres", partial(asking_postgres, seconds=0.2))

    async def publish(subject: str, payload: bytes, *, message_id: str) -> None:
        heard.append(payload)
        await asyncio.sleep(0.02)

    await fill(rows, 30)
    teller = relay(database, publish)
    teller.start()
    await until(emptied(rows))
    await teller.stop()
    # What is cut short in the middle of a batch is told again.
    assert heard == [b"%d" % number for number in range(30)]
