"""The order of the active flows of a type, said by name."""

import asyncpg
import msgspec
import pytest

from libs.common.flow.model import Json
from libs.common.wire.events import PUBLISH
from services.management.routes.rollouts import MOST_CANDIDATES
from tests.integration.management.conftest import Api, CompilerStandIn, refused
from tests.integration.management.graphs import ASIDE, FLOWS, active
from tests.integration.management.test_activation import candidates, generation

LOGIN = "/api/admin/candidates/login"


async def three(api: Api) -> list[str]:
    """Return the ids of three active flows, the one activated first being the first."""
    return [await active(api, name) for name in ("a", "b", "c")]


async def test_active_flows_are_listed_in_order(api: Api) -> None:
    assert await api.done("GET", LOGIN) == {"type": "login", "flows": []}
    one, two, three_ = await three(api)
    body = await api.done("GET", LOGIN)
    assert [each["id"] for each in body["flows"]] == [three_, two, one]
    assert body["flows"][0] == {"id": three_, "name": "c", "display_name": "Sign in", "version": 1}


async def test_they_have_the_order_that_they_are_given(
    api: Api, compiler: CompilerStandIn, rows: asyncpg.Connection
) -> None:
    one, two, last = await three(api)
    compiler.asked.clear()
    for order in ([two, last, one], [last, one, two], [one, two, last]):
        body = await api.done("PUT", LOGIN, {"flows": order})
        assert [each["id"] for each in body["flows"]] == order
        assert [id for id, _ in await candidates(rows)] == order
    assert await generation(rows) == 6
    assert compiler.asked == [(PUBLISH, {"tenant": "default", "type": "login"})] * 3
    four = await active(api, "d")
    assert [id for id, _ in await candidates(rows)] == [four, one, two, last]


async def test_thousands_can_be_ordered(api: Api, rows: asyncpg.Connection) -> None:
    first = await active(api, "a")
    # As if each had been activated: through the interface that takes minutes.
    async with rows.transaction():
        await rows.execute(
            "INSERT INTO flow_ids (tenant, id) SELECT 'default', 'flow_' || lpad(n::text, 64, '0')"
            " FROM generate_series(1, $1) AS numbers (n)",
            MOST_CANDIDATES - 1,
        )
        await rows.execute(
            "INSERT INTO flows (tenant, id, name, display_name, type, status, position,"
            " version, active_version, activated_at)"
            " SELECT tenant, id, 'n' || row_number() OVER (), 'N', 'login', 'active',"
            " row_number() OVER (), 1, 1, now() FROM flow_ids WHERE id <> $1",
            first,
        )
        await rows.execute(
            "INSERT INTO flow_versions (tenant, flow_id, number, graph)"
            " SELECT tenant, id, 1, '{}' FROM flow_ids WHERE id <> $1",
            first,
        )
    order = [each["id"] for each in (await api.done("GET", LOGIN))["flows"]][::-1]
    assert (len(order), order[-1]) == (MOST_CANDIDATES, first)
    body = await api.done("PUT", LOGIN, {"flows": order})
    assert [each["id"] for each in body["flows"]] == order
    one_more = await api.call("PUT", LOGIN, {"flows": [*order, first]})
    refused(one_more, 400, "invalid")


async def test_the_same_order_again_changes_nothing(api: Api, rows: asyncpg.Connection) -> None:
    one, two, last = await three(api)
    await api.done("PUT", LOGIN, {"flows": [last, two, one]})
    assert await generation(rows) == 3
    assert await rows.fetchval("SELECT count(*) FROM audit_log WHERE action = 'candidates'") == 0


async def test_all_active_flows_have_to_be_named_once_and_no_other(api: Api) -> None:
    one, two, last = await three(api)
    draft = await api.create(name="draft")
    other = await active(api, "out", type="registration")
    for order in ([one, two], [one, two, last, one], [one, two, draft], [one, two, last, other]):
        refused(await api.call("PUT", LOGIN, {"flows": order}), 409, "conflict")
    refused(await api.call("PUT", LOGIN, {"flows": [one, two, "flow_nobody"]}), 409, "conflict")


@pytest.mark.parametrize("body", [{}, {"flows": "a"}, {"flows": [1]}, {"flows": [], "x": 1}])
async def test_an_order_that_makes_no_sense_is_refused(api: Api, body: Json) -> None:
    refused(await api.call("PUT", LOGIN, body), 400, "invalid")


async def test_a_type_that_is_none_has_no_candidates(api: Api) -> None:
    for method in ("GET", "PUT"):
        reply = await api.call(method, "/api/admin/candidates/Login", {"flows": []})
        refused(reply, 404, "not_found")


async def test_the_order_of_triggers_changes_every_type_that_has_active_flows(
    api: Api, compiler: CompilerStandIn, rows: asyncpg.Connection
) -> None:
    trigger: Json = {"type": "trigger", "trigger": {"id": "post-login"}, "graph": ASIDE}
    hooks = [await active(api, name, **trigger) for name in ("one", "two")]
    await active(api, "in")
    compiler.asked.clear()
    await api.done("PUT", "/api/admin/candidates/trigger", {"flows": hooks})
    published = [asked["type"] for _, asked in compiler.asked]
    assert sorted(published) == ["login", "trigger"]
    after = await rows.fetchval("SELECT after::text FROM audit_log WHERE action = 'candidates'")
    assert msgspec.json.decode(after) == hooks


async def test_a_tenant_orders_only_its_own(api: Api) -> None:
    one = await active(api, "a")
    body = await api.done("GET", "/t/acme/api/admin/candidates/login")
    assert body["flows"] == []
    reply = await api.call("PUT", "/t/acme/api/admin/candidates/login", {"flows": [one]})
    refused(reply, 409, "conflict")
    assert (await api.call("GET", f"{FLOWS}/{one}")).status == 200
