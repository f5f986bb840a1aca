"""What a tenant demands holds: of a flow before it may run, and of each session that runs it."""

from __future__ import annotations

import copy

import aiohttp
import asyncpg
import pytest_asyncio

from deploy.local.stack import Stack
from tests.e2e.conftest import PASSWORD
from tests.e2e.graphs import graph
from tests.e2e.people import Person, enrol
from tests.e2e.walker import Admin, Json, Reply, Walker, claims_of
from tests.walks import node

ADMINS_MFA: Json = {
    "name": "admins-mfa",
    "type": "login",
    "when": "user.role === 'admin'",
    "require": "size(factors) >= 2",
}
CASES = [
    {"outcome": "admin", "when": "user.role === 'admin'"},
    {"outcome": "office", "when": "user.role === 'clerk'"},
]
FORGETFUL: Json = graph(
    "start > who > password > role",
    # An admin at the console goes by the one that asks for no code.
    "role:admin > place",
    "place:true > done",
    "place:false > code > done",
    "code:not_enrolled > failed",
    "role:office > done",
    "role > code",
    who=node("identifier_input"),
    password=node("password_input"),
    role=node("switch", cases=CASES),
    place=node("condition", condition="request.user_agent === 'console'"),
    code=node("mfa_verification"),
)
"""A case of its switch reaches success without a second factor."""
WAY_ROUND = ["start", "who", "password", "role", "place", "done"]

MENDED: Json = copy.deepcopy(FORGETFUL)
(_shortcut,) = (
    edge for edge in MENDED["edges"] if edge["source"] == "place" and edge["target"] == "done"
)
_shortcut["target"] = "code"


class People:
    """Who signs in: two with an authenticator, of whom one is an admin, and one without."""

    def __init__(self, admin: Person, clerk: Person) -> None:
        self.admin = admin
        self.clerk = clerk


@pytest_asyncio.fixture
async def people(stack: Stack, database: asyncpg.Connection) -> People:
    await database.execute("DELETE FROM users")
    people = People(
        await enrol(stack, "root@example.com", PASSWORD, totp=True),
        await enrol(stack, "clerk@example.com", PASSWORD),
    )
    for person, role in ((people.admin, "admin"), (people.clerk, "clerk")):
        attributes = f'{{"role": "{role}"}}'
        await database.execute(
            "UPDATE users SET attributes = $1 WHERE id = $2", attributes, person.id
        )
    return people


async def past_password(walker: Walker, person: Person, agent: str = "app") -> Reply:
    headers = {"User-Agent": agent}
    step = await walker.post({"flowType": "LOGIN"}, headers=headers)
    for inputs in ({"email": person.email}, {"password": PASSWORD}):
        body = {"flowId": step.flow, "stepId": step.body["stepId"], "inputs": inputs}
        step = await walker.post(body, headers=headers)
    return step


async def test_a_case_that_goes_round_the_second_factor_is_refused_with_the_very_way_round(
    http: aiohttp.ClientSession, stack: Stack, admin: Admin, walker: Walker, people: People
) -> None:
    assert await admin.demand(ADMINS_MFA) == []
    id = await admin.create("forgetful", FORGETFUL)
    report = await admin.done("POST", f"/{id}/validate")
    (error,) = report["errors"]
    assert (error["code"], error["invariant"]) == ("policy_violation", "admins-mfa")
    assert error["counter_example"] == WAY_ROUND
    for method, path, body in (
        ("POST", "activate", None),
        ("PUT", "rollout", {"versions": [{"version": 1, "weight": 1}]}),
    ):
        refused = await admin.ask(method, f"/{id}/{path}", body)
        assert refused.status == 400
        assert [each["counter_example"] for each in refused.body["problems"]] == [WAY_ROUND]
    assert (await walker.start()).status == 404
    await admin.republish(id, MENDED)
    assert people.admin.authenticator is not None
    step = await past_password(walker, people.admin, "console")
    assert step.asks == ["code"]
    done = await walker.submit(step, code=people.admin.authenticator.now())
    assert (await claims_of(http, stack.facts, done))["amr"] == ["pwd", "otp"]
    clerk = await past_password(walker, people.clerk)
    assert (await claims_of(http, stack.facts, clerk))["amr"] == ["pwd"]


async def test_a_flow_that_runs_goes_on_under_a_new_demand_and_each_session_is_held_to_it(
    http: aiohttp.ClientSession, stack: Stack, admin: Admin, walker: Walker, people: People
) -> None:
    id = await admin.publish("forgetful", FORGETFUL)
    before = await past_password(walker, people.admin, "console")
    assert (await claims_of(http, stack.facts, before))["amr"] == ["pwd"]
    (violation,) = await admin.demand(ADMINS_MFA)
    assert (violation["flow"], violation["version"]) == (id, 1)
    (problem,) = violation["problems"]
    assert (problem["code"], problem["invariant"]) == ("policy_violation", "admins-mfa")
    assert problem["counter_example"] == WAY_ROUND

    broken = await past_password(walker, people.admin, "console")
    assert (broken.status, broken.body["flowStatus"]) == (200, "ERROR")
    assert b"eyJ" not in broken.content
    assert b"admins-mfa" not in broken.content, "what is demanded is not for a caller to know"
    clerk = await past_password(walker, people.clerk)
    assert (await claims_of(http, stack.facts, clerk))["sub"] == people.clerk.id
    assert people.admin.authenticator is not None
    step = await past_password(walker, people.admin)
    done = await walker.submit(step, code=people.admin.authenticator.now())
    assert (await claims_of(http, stack.facts, done))["amr"] == ["pwd", "otp"]
    # What has run may run on, but nothing that breaks it is let run anew.
    refused = await admin.ask("POST", f"/{id}/rollback", {"version": 1})
    assert refused.status == 400

    assert await admin.demand() == []
    after = await past_password(walker, people.admin, "console")
    assert (await claims_of(http, stack.facts, after))["amr"] == ["pwd"]
