"""Rolling versions out, and hearing that one fails."""

import asyncpg
import msgspec
import nats
from nats.js.errors import NoStreamResponseError

from libs.common.flow.model import Json
from libs.common.wire.events import ROLLOUT_FAILED, RolloutFailed, encode
from tests.integration.management.conftest import Api
from tests.integration.management.graphs import EDITED, FLOWS, active, edit
from tests.patience import until


def shares(**weights: int) -> Json:
    """`v1=90, v2=10`, as they are sent."""
    return [{"version": int(name[1:]), "weight": weight} for name, weight in weights.items()]


async def roll_out(api: Api, id: str, **weights: int) -> Json:
    return await api.done("PUT", f"{FLOWS}/{id}/rollout", {"versions": shares(**weights)})


async def two_versions(api: Api) -> str:
    """Return a flow whose version 1 runs, and which has another."""
    id = await active(api, "a")
    await edit(api, id, EDITED)
    return id


async def stored(rows: asyncpg.Connection) -> Json:
    written = await rows.fetchval("SELECT rollout FROM flows")
    return None if written is None else msgspec.json.decode(written)


async def entries(rows: asyncpg.Connection, action: str) -> list[tuple[int, str, Json]]:
    found = await rows.fetch(
        "SELECT id, actor, details FROM audit_log WHERE action = $1 ORDER BY id", action
    )
    return [(row["id"], row["actor"], msgspec.json.decode(row["details"])) for row in found]


async def fail(nats_url: str, flow: str, rollout: int, times: int = 1) -> None:
    event = RolloutFailed("default", flow, rollout, 2, 10, 100, 95, 100, 1_800_000_000.0)
    client = await nats.connect(nats_url)

    async def is_told() -> bool:
        try:
            await client.jetstream().publish(ROLLOUT_FAILED, encode(event))
        except NoStreamResponseError:
            # Management makes the stream when it first tells of something, or hears.
            return False
        return True

    for _ in range(times):
        await until(is_told)
    await client.close()


async def handled(*apis: Api, times: int) -> None:
    """Wait until so many failures have been heard of and dealt with."""

    async def are_done() -> bool:
        counts = (
            each.metrics.registry.get_sample_value(
                "gatehouse_consumer_deliveries_total",
                {"consumer": "management_rollouts", "outcome": "done"},
            )
            for each in apis
        )
        return sum(count or 0 for count in counts) == times

    await until(are_done)
