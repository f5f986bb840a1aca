"""npm's client of seed 002's API, unmodified: both versions of it register somebody."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from libs.common.flow.model import FlowType
from tests.clients.npm import node
from tests.integration.executor.conftest import PASSWORD, Build, Executor, House
from tests.integration.executor.graphs import REGISTRATION

SCRIPTS = Path(__file__).parents[2] / "clients" / "apps"


@pytest.fixture
async def house(build_house: Build, redis_url: str) -> House:
    return await build_house(redis_url)


async def test_both_versions_of_the_sdk_walk_a_registration_to_its_end(
    house: House, executor: Executor, tmp_path: Path
) -> None:
    await house.publish(REGISTRATION, FlowType.REGISTRATION)
    clients = await node(SCRIPTS)
    ran = await clients.run(
        SCRIPTS / "asgardeo.mjs", folder=tmp_path, BASE_URL=executor.url, PASSWORD=PASSWORD
    )
    assert ran.code == 0, ran.complained
    told = msgspec.json.decode(ran.said)
    for version in ("first", "second"):
        shown, wrong, done = told[version]
        assert [step["flowStatus"] for step in (shown, wrong, done)] == [
            "INCOMPLETE",
            "INCOMPLETE",
            "COMPLETE",
        ]
        assert {step["flowId"] for step in (shown, wrong, done)} == {shown["flowId"]}
        assert wrong["data"]["fieldErrors"][0]["identifier"] == "email"
    *_, taken = told["taken"]
    assert (taken["flowStatus"], taken["failureReason"]) == (
        "ERROR",
        "This could not be completed.",
    )
    assert told["refused"] == [{"name": "AsgardeoAPIError", "status": 404}] * 2
