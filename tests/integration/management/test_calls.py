"""Flows that run others inside: checked against them, published with them, and not left without."""

import asyncio

import asyncpg
import pytest

from libs.common.flow.model import Json
from libs.common.wire.events import PUBLISH
from tests.integration.management.conftest import GRAPH, Api, CompilerStandIn, Start, refused
from tests.integration.management.graphs import ASIDE, EDITED, FLOWS, active, calling, edit
from tests.integration.management.test_outbox import emptied, told
from tests.patience import until

INNER: Json = {"type": "registration", "graph": GRAPH}


def published(compiler: CompilerStandIn) -> list[str]:
    """Return the types that were asked to be published since this was asked last."""
    types = sorted(asked["type"] for subject, asked in compiler.asked if subject == PUBLISH)
    compiler.asked.clear()
    return types


async def generations(rows: asyncpg.Connection) -> dict[str, int]:
    found = await rows.fetch("SELECT type, generation FROM active_pointers")
    return {row["type"]: row["generation"] for row in found}


async def test_a_flow_is_checked_with_the_active_flows_that_it_calls(api: Api) -> None:
    outer = await api.create(name="outer", graph=calling("inner"))
    report = await api.done("POST", f"{FLOWS}/{outer}/validate")
    assert [error["code"] for error in report["errors"]] == ["unknown_subflow"]
    refused(await api.call("POST", f"{FLOWS}/{outer}/activate"), 400, "invalid")
    await active(api, "inner", **INNER)
    assert (await api.done("POST", f"{FLOWS}/{outer}/validate"))["valid"] is True
    await api.done("POST", f"{FLOWS}/{outer}/activate")


async def test_a_flow_that_would_run_inside_itself_is_refused_at_whichever_end(api: Api) -> None:
    inner = await active(api, "inner", **INNER)
    await active(api, "outer", graph=calling("inner"))
    await edit(api, inner, calling("outer"))
    reply = await api.call("POST", f"{FLOWS}/{inner}/activate")
    refused(reply, 400, "invalid")
    assert "recursive_subflow" in {problem["code"] for problem in reply.body["problems"]}


async def test_what_changes_in_a_flow_is_published_for_every_flow_that_runs_it_inside(
    api: Api, compiler: CompilerStandIn, rows: asyncpg.Connection, nats_url: str
) -> None:
    inner = await active(api, "inner", **INNER)
    await active(api, "middle", type="password_reset", graph=calling("inner"))
    await active(api, "outer", graph=calling("middle"))
    await active(api, "beside", type="logout")
    before = await generations(rows)
    published(compiler)
    types = ["login", "password_reset", "registration"]
    await edit(api, inner, EDITED)
    assert published(compiler) == []
    await api.done("POST", f"{FLOWS}/{inner}/activate")
    assert published(compiler) == types
    await api.done("POST", f"{FLOWS}/{inner}/rollback")
    assert published(compiler) == types
    shares = [{"version": 2, "weight": 1}, {"version": 3, "weight": 1}]
    await api.done("PUT", f"{FLOWS}/{inner}/rollout", {"versions": shares})
    assert published(compiler) == types
    grown = await generations(rows)
    assert {type for type in grown if grown[type] == before[type] + 3} == set(types)
    assert grown["logout"] == before["logout"]
    await until(emptied(rows))
    event = (await told(nats_url))[-1]
    assert (event.action, sorted(event.types)) == ("activated", types)


async def test_a_flow_that_others_run_inside_is_not_taken_from_them(
    api: Api, rows: asyncpg.Connection
) -> None:
    inner = await active(api, "inner", **INNER)
    await active(api, "outer", graph=calling("inner"))
    await active(api, "other", type="logout", graph=calling("inner"))
    before = await generations(rows)
    for method, path, body in (
        ("POST", f"/{inner}/deactivate", None),
        ("DELETE", f"/{inner}", None),
        ("PUT", f"/{inner}", {"name": "renamed"}),
    ):
        reply = await api.call(method, FLOWS + path, body)
        refused(reply, 409, "conflict")
        assert reply.body["message"].endswith("other, outer")
    assert await generations(rows) == before
    assert (await api.done("GET", f"{FLOWS}/{inner}"))["name"] == "inner"


async def test_a_flow_that_only_drafts_call_may_go(api: Api) -> None:
    inner = await active(api, "inner", **INNER)
    await api.create(name="outer", graph=calling("inner"))
    await api.done("PUT", f"{FLOWS}/{inner}", {"name": "renamed"})
    await api.done("POST", f"{FLOWS}/{inner}/deactivate")
    await api.done("DELETE", f"{FLOWS}/{inner}")


async def test_a_version_that_would_make_an_active_flow_invalid_does_not_run(api: Api) -> None:
    inner = await active(api, "inner", **INNER)
    outer = await active(api, "outer", graph=_earning("inner"))
    await edit(api, inner, ASIDE)
    reply = await api.call("POST", f"{FLOWS}/{inner}/activate")
    refused(reply, 400, "invalid")
    assert "outer" in reply.body["message"]
    codes = {problem["code"] for problem in reply.body["problems"]}
    assert codes == {"unauthenticated_success"}
    await api.done("POST", f"{FLOWS}/{outer}/deactivate")
    await api.done("POST", f"{FLOWS}/{inner}/activate")


def _earning(slug: str) -> Json:
    """Sign in by nothing but what the flow `slug` proves."""
    return {
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "inside", "type": "subflow", "config": {"flow": slug}},
            {"id": "success", "type": "success"},
        ],
        "edges": [
            {"source": "start", "target": "inside"},
            {"source": "inside", "target": "success"},
        ],
    }


@pytest.mark.parametrize("round_", range(3))
async def test_of_an_end_and_a_use_at_once_one_is_refused(
    start: Start, rows: asyncpg.Connection, round_: int
) -> None:
    one, other = await start(), await start()
    inner = await active(one, "inner", **INNER)
    outer = await one.create(name="outer", graph=calling("inner"))
    replies = await asyncio.gather(
        one.call("POST", f"{FLOWS}/{inner}/deactivate"),
        other.call("POST", f"{FLOWS}/{outer}/activate"),
    )
    assert sorted(reply.status for reply in replies) in ([200, 400], [200, 409])
    found = await rows.fetch("SELECT name FROM flows WHERE status = 'active'")
    assert {row["name"] for row in found} in (set(), {"inner", "outer"})


async def test_a_trigger_is_published_for_every_type_that_has_active_flows(
    api: Api, compiler: CompilerStandIn
) -> None:
    await active(api, "in")
    await active(api, "out", type="logout")
    published(compiler)
    hook = await api.create(name="hook", type="trigger", trigger={"id": "post-login"}, graph=ASIDE)
    for verb in ("activate", "deactivate"):
        await api.done("POST", f"{FLOWS}/{hook}/{verb}")
        assert published(compiler) == ["login", "logout", "trigger"]
    await api.done("DELETE", f"{FLOWS}/{hook}")
    assert published(compiler) == []
