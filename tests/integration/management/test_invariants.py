"""What a tenant demands of its flows: kept, told, and held against what is to run."""

import asyncpg
import msgspec
import nats
import pytest

from libs.common.flow.model import Json
from libs.common.wire.events import EVENTS, PUBLISH, TENANT_CHANGED, TenantChanged, decode
from tests.integration.management.conftest import Api, CompilerStandIn, refused
from tests.integration.management.graphs import EDITED, FLOWS, active, edit
from tests.integration.management.page import MFA_LOGIN_GRAPH
from tests.integration.management.test_activation import candidates, generation
from tests.integration.management.test_outbox import emptied
from tests.patience import until

PATH = "/api/admin/tenants/default/invariants"
TWO: Json = {"name": "two-factors", "type": "login", "require": "size(factors) >= 2"}
PASSWORD: Json = {"name": "password", "type": "login", "require": "'pwd' in amr"}


async def test_invariants_are_given_back_as_they_were_sent(api: Api) -> None:
    assert await api.done("GET", PATH) == {"invariants": [], "violations": []}
    wanted = [PASSWORD, {**TWO, "when": "user.role === 'admin'", "type": "logout"}]
    body = await api.done("PUT", PATH, wanted)
    assert body == {"invariants": wanted, "violations": []}
    assert await api.done("GET", PATH) == body
    other = await api.done("GET", "/api/admin/tenants/acme/invariants")
    assert other["invariants"] == []


async def test_active_flows_that_break_one_are_told_and_run_on(
    api: Api, rows: asyncpg.Connection
) -> None:
    id = await active(api, "a")
    await active(api, "out", type="registration")
    body = await api.done("PUT", PATH, [PASSWORD, TWO])
    [violation] = body["violations"]
    [problem] = violation["problems"]
    assert violation == {"flow": id, "name": "a", "version": 1, "problems": [problem]}
    assert (problem["code"], problem["invariant"]) == ("policy_violation", "two-factors")
    assert problem["counter_example"] == ["start", "identifier", "password", "success"]
    assert await api.done("GET", PATH) == body
    assert await candidates(rows) == [(id, 1)]


async def test_what_breaks_one_is_not_let_run_any_more(api: Api) -> None:
    id = await active(api, "a")
    await edit(api, id, EDITED)
    await api.done("PUT", PATH, [TWO])
    report = await api.done("POST", f"{FLOWS}/{id}/validate")
    assert [error["invariant"] for error in report["errors"]] == ["two-factors"]
    shares = {"versions": [{"version": 1, "weight": 1}, {"version": 2, "weight": 1}]}
    for method, path, body in (
        ("POST", "activate", None),
        ("POST", "rollback", {"version": 1}),
        ("PUT", "rollout", shares),
    ):
        reply = await api.call(method, f"{FLOWS}/{id}/{path}", body)
        refused(reply, 400, "invalid")
        assert [problem["code"] for problem in reply.body["problems"]] == ["policy_violation"]
    await api.done("PUT", PATH, [])
    await api.done("POST", f"{FLOWS}/{id}/activate")


async def test_a_branch_past_the_second_factor_is_the_counter_example(api: Api) -> None:
    await active(api, "mfa", graph=MFA_LOGIN_GRAPH)
    body = await api.done("PUT", PATH, [TWO])
    [problem] = body["violations"][0]["problems"]
    path = ["start", "identifier", "password", "mfa_check", "success"]
    assert problem["counter_example"] == path


async def test_the_types_before_and_after_are_published_where_they_have_active_flows(
    api: Api, compiler: CompilerStandIn, rows: asyncpg.Connection, nats_url: str
) -> None:
    await active(api, "a")
    await active(api, "out", type="logout")
    await active(api, "reset", type="password_reset")
    compiler.asked.clear()
    await api.done("PUT", PATH, [PASSWORD, {**TWO, "type": "unenrollment"}])
    assert [asked for _, asked in compiler.asked] == [{"tenant": "default", "type": "login"}]
    await api.done("PUT", PATH, [{**PASSWORD, "type": "logout"}])
    published = [asked["type"] for subject, asked in compiler.asked if subject == PUBLISH]
    assert sorted(published[1:]) == ["login", "logout"]
    assert await generation(rows) == 3
    await until(emptied(rows))
    client = await nats.connect(nats_url)
    message = await client.jetstream().get_last_msg(EVENTS, TENANT_CHANGED)
    await client.close()
    event = decode(message.data or b"", TenantChanged)
    assert (event.tenant, event.types) == ("default", ("login", "logout"))


async def test_the_same_again_changes_nothing(
    api: Api, compiler: CompilerStandIn, rows: asyncpg.Connection
) -> None:
    await active(api, "a")
    await api.done("PUT", PATH, [PASSWORD])
    compiler.asked.clear()
    await api.done("PUT", PATH, [PASSWORD])
    assert compiler.asked == []
    written = await rows.fetch("SELECT before, after FROM audit_log WHERE action = 'invariants'")
    assert [tuple(map(msgspec.json.decode, row)) for row in written] == [([], [PASSWORD])]


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ([{**TWO, "require": "size(factors >="}], "[0].require"),
        ([PASSWORD, {**TWO, "require": "user.role"}], "[1].require"),
        ([{**TWO, "require": "1"}], "[0].require"),
        ([{**TWO, "when": "user.role ==="}], "[0].when"),
        ([TWO, PASSWORD, TWO], "[2].name"),
        ([{**TWO, "type": "Login"}], "[0].type"),
        ([{**TWO, "unless": "true"}], "[0].unless"),
        ([{"name": "a", "type": "login"}], "[0].require"),
        ([{**TWO, "name": ""}], "[0].name"),
        ([{**TWO, "name": str(number)} for number in range(51)], None),
        ({"invariants": []}, None),
    ],
)
async def test_invariants_that_make_no_sense_are_refused_with_their_path(
    api: Api, wanted: Json, path: str | None
) -> None:
    reply = await api.call("PUT", PATH, wanted)
    refused(reply, 400, "invalid")
    assert path in {problem.get("path") for problem in reply.body["problems"]}
    assert (await api.done("GET", PATH))["invariants"] == []


async def test_fifty_invariants_can_be_kept(api: Api) -> None:
    wanted = [{**TWO, "name": str(number)} for number in range(50)]
    assert len((await api.done("PUT", PATH, wanted))["invariants"]) == 50
