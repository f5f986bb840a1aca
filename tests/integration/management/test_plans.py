"""The compiler's events are noted at the version that they are about."""

import asyncpg
import nats

from libs.common.wire.events import PLAN_COMPILED, PlanCompiled, encode
from tests.integration.management.conftest import Api
from tests.integration.management.test_outbox import emptied
from tests.patience import until

FLOWS = "/api/admin/flows"


async def note(nats_url: str, *events: PlanCompiled) -> None:
    client = await nats.connect(nats_url)
    for event in events:
        await client.jetstream().publish(PLAN_COMPILED, encode(event))
    await client.close()


async def test_a_compiled_version_is_known_as_compiled(
    api: Api, nats_url: str, rows: asyncpg.Connection
) -> None:
    id = await api.create()
    await until(emptied(rows))
    await note(nats_url, PlanCompiled("default", id, 1, "a" * 64, 1_800_000_000))

    async def known() -> bool:
        body = (await api.call("GET", f"{FLOWS}/{id}")).body
        return bool(body["compiled"] and body["compiled_at"] == 1_800_000_000)

    await until(known)


async def test_an_older_note_or_one_of_a_flow_that_is_gone_changes_nothing(
    api: Api, nats_url: str, rows: asyncpg.Connection
) -> None:
    id = await api.create()
    await until(emptied(rows))
    await note(
        nats_url,
        PlanCompiled("default", id, 1, "b" * 64, 1_800_000_002),
        PlanCompiled("default", id, 1, "a" * 64, 1_800_000_001),
        PlanCompiled("default", "flow_gone", 1, "a" * 64, 1_800_000_003),
        PlanCompiled("acme", id, 1, "a" * 64, 1_800_000_003),
    )

    async def all_are_handled() -> bool:
        return (
            api.metrics.registry.get_sample_value(
                "gatehouse_consumer_deliveries_total",
                {"consumer": "management", "outcome": "done"},
            )
            == 4.0
        )

    await until(all_are_handled)
    [row] = await rows.fetch("SELECT plan_hash FROM flow_versions")
    assert row["plan_hash"] == "b" * 64
