"""What a session did can be asked, and where it would have gone on another version."""

from __future__ import annotations

import aiohttp
import asyncpg
import pytest_asyncio

from deploy.local.services import DEMO
from deploy.local.stack import Stack
from tests.e2e.conftest import PASSWORD
from tests.e2e.graphs import graph
from tests.e2e.people import enrol
from tests.e2e.walker import Admin, Json, Reply, Walker, said
from tests.walks import node

EMAIL = "sasha@example.com"
ALONE: Json = {"nodes": [{"id": "password", "type": "password_input"}], "edges": []}
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def asking(condition: str) -> Json:
    """Draw a sign-in that asks for a code where `condition` says so."""
    return graph(
        "start > who > password > risky",
        "risky:true > code > done",
        "risky:false > done",
        "code:not_enrolled > failed",
        who=node("identifier_input", identifier_types=["email", "username"]),
        password=node("password_input"),
        risky=node("condition", condition=condition),
        code=node("mfa_verification"),
    )


@pytest_asyncio.fixture
async def flow(admin: Admin, stack: Stack, database: asyncpg.Connection) -> str:
    await database.execute("DELETE FROM users")
    await enrol(stack, EMAIL, PASSWORD)
    return await admin.publish("login", asking("user.mfa_enabled"))


async def signed_in(walker: Walker) -> Reply:
    done = await walker.sign_in("login", EMAIL, PASSWORD)
    assert done.body["flowStatus"] == "COMPLETE", done.body
    return done


async def test_a_session_is_told_step_by_step_with_why_it_went_there(
    admin: Admin, flow: str, walker: Walker
) -> None:
    done = await signed_in(walker)
    reply = await admin.call("GET", f"/sessions/{done.flow}")
    told = said(reply)
    assert (told["id"], told["flow"], told["version"]) == (done.flow, flow, 1)
    assert (told["type"], told["result"], told["cut"]) == ("login", "success", False)
    nodes = [[each["node"] for each in turn["nodes"]] for turn in told["turns"]]
    assert nodes == [["start", "who"], ["who", "password"], ["password", "risky", "done"]]
    assert [turn["inputs"] for turn in told["turns"]] == [[], ["identifier"], ["password"]]
    (why,) = told["turns"][-1]["nodes"][1]["expressions"]
    assert (why["text"], why["value"]) == ("user.mfa_enabled", False)
    for secret in (EMAIL, "sasha", PASSWORD, done.data["userAssertion"]):
        assert secret.encode() not in reply.content


async def test_a_session_is_told_while_it_waits(admin: Admin, flow: str, walker: Walker) -> None:
    step = await walker.at_password("login", EMAIL)
    told = said(await admin.call("GET", f"/sessions/{step.flow.upper()}"))
    assert (told["result"], told["turns"][-1]["nodes"][-1]["how"]) == ("waiting", "stay")


async def test_a_session_goes_the_same_way_again_whatever_runs_by_now(
    admin: Admin, flow: str, walker: Walker
) -> None:
    done = await signed_in(walker)
    await admin.republish(flow, asking("!user.mfa_enabled"))
    replay = said(await admin.call("GET", f"/sessions/{done.flow}/replay"))
    assert (replay["version"], replay["same"], replay["result"]) == (1, True, "success")
    assert [each["node"] for each in replay["trace"]][-2:] == ["risky", "done"]


async def test_a_replay_on_another_version_tells_where_it_parts(
    admin: Admin, flow: str, walker: Walker
) -> None:
    done = await signed_in(walker)
    # Neither of them ever runs.
    stricter = await admin.edit(flow, asking("!user.mfa_enabled"))
    alike = await admin.edit(flow, asking("user.mfa_enabled && true"))
    path = f"/sessions/{done.flow}/replay?version="
    replay = said(await admin.call("GET", f"{path}{stricter}"))
    assert (replay["version"], replay["same"]) == (stricter, False)
    # Nobody would have been let in who has no authenticator.
    assert (replay["diverged_at"], replay["result"]) == ("risky", "failure")
    assert [each["node"] for each in replay["trace"]][-2:] == ["code", "failed"]
    replay = said(await admin.call("GET", f"{path}{alike}"))
    assert (replay["version"], replay["same"], replay["diverged_at"]) == (alike, True, None)


async def test_a_replay_on_no_version_or_on_one_that_cannot_run_is_refused(
    admin: Admin, flow: str, walker: Walker
) -> None:
    done = await signed_in(walker)
    broken = await admin.edit(flow, ALONE)
    path = f"/sessions/{done.flow}/replay?version="
    none = await admin.call("GET", f"{path}99")
    assert (none.status, none.body["message"]) == (404, "the flow has no such version")
    invalid = await admin.call("GET", f"{path}{broken}")
    assert invalid.status == 400
    assert "missing_start_node" in {each["code"] for each in invalid.body["problems"]}
    assert (await admin.call("GET", f"{path}newest")).status == 400


async def test_a_session_of_another_tenant_is_as_unknown_as_one_that_never_was(
    admin: Admin, flow: str, walker: Walker, http: aiohttp.ClientSession, stack: Stack
) -> None:
    step = await walker.start("login")
    other = Admin(http, stack.facts, DEMO)
    for replay in ("", "/replay", "/replay?version=1"):
        mine = await admin.call("GET", f"/sessions/{step.flow}{replay}")
        assert mine.status == 200
        theirs = await other.call("GET", f"/sessions/{step.flow}{replay}")
        never = await other.call("GET", f"/sessions/{UNKNOWN}{replay}")
        assert (theirs.status, theirs.content) == (never.status, never.content)
        assert theirs.status == 404
