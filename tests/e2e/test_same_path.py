"""A flow goes one way, whether it is run, simulated, replayed or carried elsewhere."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Final

import aiohttp
import asyncpg
import msgspec
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings

from deploy.local.exchange import inputs
from deploy.local.stack import Stack
from libs.common.flow.model import ALONE, Flow
from services.management.settings import shown
from tests.e2e.people import Person, enrol
from tests.e2e.walker import EXECUTE, Admin, Json, Reply, Walker, answer_to, said, with_flow
from tests.flows.cases import Case, plain_flows
from tests.flows.visitor import ACCOUNT, EMAIL, Visitor
from tests.walks import asks, checks, flow, node
from tests.worlds import CODE, PASSWORD


def some_flows(most: int) -> settings:
    """Take few examples: for each, a tenant and all its flows are made, and somebody's account."""
    # Fixtures are shared by all examples, each of which has a tenant of its own.
    unchecked = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    # A smaller example would take minutes to find.
    phases = [each for each in Phase if each is not Phase.shrink and each is not Phase.explain]
    return settings(max_examples=most, suppress_health_check=unchecked, phases=phases)


WORDS: Final[dict[object, str]] = {
    True: "success",
    False: "failure",
    "RIGHT": "success",
    "WRONG": "failure",
    "BLOCKED": "blocked",
    "written": "success",
    "taken:email": "taken",
}
"""How a script says what is told of an answer."""
SCRIPTED: Final = {"FindAccount", "CheckPassword", "CheckTotp", "WriteUser", "MayLeadTo"}
RESULTS: Final = {"COMPLETE": "success", "ERROR": "failure", "INCOMPLETE": "waiting"}


NEW_ACCOUNT: Final = (
    "user.logins_count === 0 && user.last_login === null && user.created_at === user.updated_at"
    " && user.phone === null && user.username === null && !user.email_verified"
    " && !user.mfa_enabled && size(user.mfa_methods) === 0"
)
SIGNS_UP: Final = Case(
    flow(
        "main",
        "start > ask > write > new",
        "new:true > colour > done",
        "new:false > done",
        ask=asks("email", "password"),
        write=node("user_write"),
        new=checks(NEW_ACCOUNT),
        colour=asks("colour"),
    ),
    ALONE,
    Visitor(known=False, role="member", enrolled=False, luck=(True, True)),
)
"""Reads all that is known of an account which has just been made."""
NOBODY: Final = Case(
    flow("main", "start > done", done=node("success", auto_login=True)),
    ALONE,
    SIGNS_UP.visitor,
)
"""Would sign in somebody who has proved nothing, and therefore fails."""


class Place(msgspec.Struct, frozen=True):
    """A tenant of its own in which all of a case runs."""

    tenant: str
    admin: Admin
    flows: dict[str, str]
    """The ids of the case's flows by name, in the order in which they were activated."""


class Walked(msgspec.Struct, frozen=True):
    """A session, from outside."""

    id: str
    result: str
    sent: list[Json]


class House:
    """The stack, and tenants in it."""

    def __init__(
        self, stack: Stack, http: aiohttp.ClientSession, database: asyncpg.Connection
    ) -> None:
        self._stack = stack
        self._http = http
        self._database = database
        self._walker = Walker(http, stack.facts.executor_urls)

    async def place(self) -> Place:
        """Make a tenant that has nothing yet."""
        tenant = f"same-{uuid.uuid4().hex}"
        await self._database.execute("INSERT INTO tenants (name) VALUES ($1)", tenant)
        return Place(tenant, Admin(self._http, self._stack.facts, tenant), {})

    async def settle(self, case: Case) -> Place:
        """Create and activate all that a case has."""
        place = await self.place()
        for each in in_order(case):
            graph = msgspec.to_builtins(each.graph)
            more = msgspec.to_builtins(shown(each.settings))
            id = await place.admin.publish(each.name, graph, each.type, **more)
            place.flows[each.name] = id
        return place

    async def carry(self, place: Place) -> Place:
        """Export all that runs in a place, and import and activate it in another."""
        other = await self.place()
        for name, id in place.flows.items():
            document = await place.admin.done("GET", f"/{id}/export?format=json")
            made = await other.admin.done("POST", "/import", document)
            other.flows[name] = made["id"]
            await other.admin.done("POST", f"/{made['id']}/activate")
        return other

    async def enrol(self, place: Place, visitor: Visitor) -> Person | None:
        """Give a visitor the account that they have."""
        if not visitor.known:
            return None
        person = await enrol(
            self._stack, EMAIL, PASSWORD, totp=visitor.enrolled, tenant=place.tenant
        )
        role = json.dumps({"role": visitor.role})
        await self._database.execute(
            "UPDATE users SET attributes = $1 WHERE id = $2", role, person.id
        )
        return person

    async def walk(self, place: Place, case: Case) -> Walked:
        """Walk the flow over both executors until it ends, or the visitor leaves."""
        person = await self.enrol(place, case.visitor)
        authenticator = None if person is None else person.authenticator
        step = await self.start(place, case)
        sent: list[Json] = []
        while step.body["flowStatus"] == "INCOMPLETE" and len(sent) < len(case.visitor.luck):
            typed = case.visitor.sends(len(sent), inputs(step.body))
            sent.append(dict(typed))
            if authenticator is not None and typed.get("code") == CODE:
                typed["code"] = authenticator.now()
            step = await self._post(place, answer_to(step, **typed))
        return Walked(step.flow, RESULTS[step.body["flowStatus"]], sent)

    async def start(self, place: Place, case: Case) -> Reply:
        kind = case.flow.type.wire
        assert kind is not None, "a client can start it"
        return await self._post(place, with_flow(case.flow.name, kind))

    async def _post(self, place: Place, body: Json) -> Reply:
        return await self._walker.post(body, path=f"/t/{place.tenant}{EXECUTE}")


@pytest.fixture
def house(stack: Stack, http: aiohttp.ClientSession, database: asyncpg.Connection) -> House:
    return House(stack, http, database)


def in_order(case: Case) -> tuple[Flow, ...]:
    """Return all flows of a case, so that each comes after what it needs.

    A trigger that is activated comes before those that are.
    """
    return (*case.library.flows.values(), *reversed(case.library.triggers), case.flow)


def persona(visitor: Visitor) -> Json:
    return {"user": visitor.users().get(ACCOUNT)}


async def told(place: Place, path: str) -> Json:
    """Ask for what is told of a session."""
    return said(await place.admin.call("GET", f"/sessions/{path}"))


def passed(record: Json) -> list[Json]:
    return [node for turn in record["turns"] for node in turn["nodes"]]


def answers(record: Json) -> Json:
    """Say in a script what the world answered in a session."""
    found: dict[str, list[str]] = {}
    for each in passed(record):
        asked = [asked for asked in each.get("answers", ()) if asked["question"] in SCRIPTED]
        if asked:
            found.setdefault(each["node"], []).append(WORDS[asked[0]["answer"]])
    return found


def way(trace: Sequence[Json]) -> list[tuple[str, str | None]]:
    """Return the nodes that were run, or left by their policies, and by which outcomes."""
    return [(each["node"], each["outcome"]) for each in trace]


def simulated(played: Json) -> list[Json]:
    """Return the trace of a simulation, which also tells when a flow that ran inside is over."""
    return [
        each
        for each in played["trace"]
        if each["type"] != "subflow" or each["outcome"] not in {"success", "failure"}
    ]


@some_flows(40)
@given(case=plain_flows())
@example(case=SIGNS_UP)
@example(case=NOBODY)
async def test_simulation_and_replay_go_the_way_that_a_session_went(
    house: House, case: Case
) -> None:
    place = await house.settle(case)
    walked = await house.walk(place, case)
    record = await told(place, walked.id)
    went = way(passed(record))
    played = await place.admin.done(
        "POST",
        f"/{place.flows[case.flow.name]}/simulate",
        {"persona": persona(case.visitor), "inputs": walked.sent, "answers": answers(record)},
    )
    assert way(simulated(played)) == went
    again = await told(place, f"{walked.id}/replay")
    assert way(again["trace"]) == went
    assert again["same"] is True
    results = (record["result"], played["result"], again["result"])
    assert results == (walked.result,) * 3


@some_flows(20)
@given(case=plain_flows())
async def test_a_flow_that_is_carried_elsewhere_has_the_same_plan(house: House, case: Case) -> None:
    place = await house.settle(case)
    places = (place, await house.carry(place))
    started = [(each, await house.start(each, case)) for each in places]
    one, other = [await told(each, step.flow) for each, step in started]
    assert one["plan"] == other["plan"]
