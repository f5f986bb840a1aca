"""Plays the table of answers: every node type, in every situation, against two executors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import pytest
import pytest_asyncio

from deploy.local.server import Server
from libs.common.flow.turn import Session
from libs.common.nodes.catalogue import NODE_TYPES
from tests.conftest import (
    emptied_nats,
    emptied_redis,
    expose_nats,
    expose_redis,
    new_database,
)
from tests.integration.executor.answers import passing, setting_up, waiting
from tests.integration.executor.answers.stage import OTHER, Outside, Stage, stage
from tests.integration.executor.answers.way import Way
from tests.integration.executor.conftest import Reply
from tests.patience import PATIENCE_SECONDS
from tests.typed import TYPED
from tools.answers import ANSWERS, EVERY, SITUATIONS, Answer, Row, rows_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

WAYS: Mapping[str, type[Way]] = {**passing.WAYS, **waiting.WAYS, **setting_up.WAYS}
ROWS = [row for name in NODE_TYPES for row in rows_of(name)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def set_up(
    postgres_server: Server,
    redis_server: Server,
    nats_server: Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Stage]:
    folder = tmp_path_factory.mktemp("provider")
    redis_url, nats_url = await emptied_redis(redis_server), await emptied_nats(nats_server)
    async with (
        new_database(postgres_server) as database,
        stage(database, redis_url, nats_url, folder) as made,
    ):
        mark = TYPED.mark()
        yield made
        await expose_redis(mark, redis_server)
        await expose_nats(mark, nats_server)


@pytest.fixture
def playing(set_up: Stage) -> Stage:
    """The stage, as if nobody had played on it."""
    set_up.clock.ahead = 0
    fresh, outside = Outside(), set_up.outside
    outside.answers, outside.captchas = fresh.answers, fresh.captchas
    outside.open.set()
    return set_up


async def right(way: Way) -> Reply:
    answered = await way.send(await way.right())
    assert await way.happened()
    return answered


async def over(way: Way) -> Reply:
    sent = await way.right()
    await way.stage.expire(way.step.body["flowId"])
    return await way.send(sent)


async def repeated(way: Way) -> Reply:
    sent = await way.right()
    first = await way.send(sent)
    caused = await way.stage.caused()
    again = await way.send(sent, way.stage.there)
    assert await way.stage.caused() == caused
    if way.step.body["flowId"] == first.body["flowId"]:
        assert again.body == first.body
    else:
        assert again.body["flowId"] != first.body["flowId"]
    return again


async def out_of_order(way: Way) -> Reply:
    before = way.steps[-2].body["stepId"] if way.steps[1:] else ""
    refused = await way.send(await way.right(), stepId=before)
    if refused.status == 409:
        assert refused.body["step"] == way.step.body
    return refused


async def elsewhere(way: Way) -> Reply:
    return await way.send(await way.right(), way.stage.there)


async def other_tenant(way: Way) -> Reply:
    return await way.send(await way.right(), tenant=OTHER)


PLAYS: Mapping[str, Callable[[Way], Awaitable[Reply]]] = {
    play.__name__: play for play in (right, over, repeated, out_of_order, elsewhere, other_tenant)
}
"""What is done in a situation, where it is more than sending what the way says."""


async def play(row: Row, way: Way) -> Reply:
    if row.situation in PLAYS:
        return await PLAYS[row.situation](way)
    return await way.send(await getattr(way, row.situation)())


def said(reply: Reply) -> Answer:
    """Read an answer as the table has it."""
    if reply.status != 200:
        return Answer(status=reply.status, says=reply.body["code"])
    data = reply.data
    keys = [each["i18nKey"] for each in (*data.get("fieldErrors", ()), *data.get("messages", ()))]
    return Answer(
        status=200,
        flow=reply.body["flowStatus"],
        type=reply.body["type"],
        says=keys[0] if keys else None,
    )


async def left(way: Way, before: Session, reply: Reply) -> str:
    """Say what is left of the session that there was before, in words of `SESSION`."""
    flow = before.id
    if reply.body.get("flowId", flow) != flow:
        assert await way.stage.session(flow) == before
        assert reply.body["flowStatus"] == "INCOMPLETE"
        return "begun"
    after = await way.stage.session(flow)
    if await way.stage.is_expired(flow):
        assert after == before
        return "expired"
    if after.revision == before.revision:
        assert after == before
        return "as it was"
    assert after.revision == before.revision + 1
    if after.over:
        return "ended"
    if after.node != before.node:
        return "at the next step"
    tried = sum(after.tries.values()) - sum(before.tries.values())
    assert tried in (0, 1)
    return "a try fewer" if tried else "at this step"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.node}-{row.situation}")
async def test_each_answer_is_as_the_table_says(row: Row, playing: Stage) -> None:
    way = WAYS[row.node](playing, row.situation)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await way.walk()
        before = await playing.session(way.step.body["flowId"])
        reply = await play(row, way)
    assert said(reply) == row.answer, reply.body
    assert await left(way, before, reply) == row.session


async def test_each_node_type_has_its_rows_and_its_way() -> None:
    files = {path.stem for path in ANSWERS.glob("*.yaml")} - {EVERY}
    assert files == WAYS.keys() == NODE_TYPES.keys()
    for name in NODE_TYPES:
        assert {row.situation for row in rows_of(name)} >= SITUATIONS.keys()
