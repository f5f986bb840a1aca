"""A flow goes one way, whether it is run, simulated, replayed or carried elsewhere."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Final

import aiohttp
import asyncpg
import msgspec
import pytest_asyncio
import redis.asyncio
from hypothesis import HealthCheck, example, given, settings

from deploy.local.exchange import inputs
from deploy.local.stack import Stack
from libs.common.flow.model import ALONE, Flow
from libs.common.flow.plan import Program, load
from libs.common.flow.record import Entry
from libs.common.flow.replay import replay
from libs.common.flow.tape import make_tape
from libs.common.nodes.catalogue import NODE_TYPES
from libs.common.secret import Secret
from libs.common.wire.plans import decode_pointer, plan_key, pointer_key
from services.executor.seal import Keys
from services.executor.steplog import read
from services.management.settings import shown
from tests.e2e.people import Person, enrol
from tests.e2e.walker import EXECUTE, Admin, Json, Walker, answer_to, with_flow
from tests.flows import ACCOUNT, EMAIL, Case, Visitor, flows
from tests.walks import CODE, PASSWORD, asks, checks, flow, node


def some_flows(most: int) -> settings:
    """Take few examples: for each, a tenant and all its flows are made, and somebody's account."""
    # Fixtures are shared by all examples, each of which has a tenant of its own.
    slow = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    return settings(max_examples=most, deadline=None, suppress_health_check=slow)


WORDS: Final[dict[object, str]] = {
    True: "success",
    False: "failure",
    "RIGHT": "success",
    "WRONG": "failure",
    "BLOCKED": "blocked",
    "written": "success",
    "taken:email": "taken",
}
"""How a script says what a step log says of an answer."""
SCRIPTED: Final = {"FindAccount", "CheckPassword", "CheckTotp", "WriteUser"}
RESULTS: Final = {"COMPLETE": "success", "ERROR": "failure", "INCOMPLETE": "waiting"}

Way = list[tuple[str, str | None]]
"""The nodes that were run, or left by their policies, and the outcomes that they were left by."""


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
    """The stack, and what a test looks up in its stores."""

    def __init__(
        self,
        stack: Stack,
        http: aiohttp.ClientSession,
        database: asyncpg.Connection,
        kept: redis.asyncio.Redis,
    ) -> None:
        self._stack = stack
        self._http = http
        self._database = database
        self._kept = kept

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
            said = msgspec.to_builtins(shown(each.settings))
            id = await place.admin.publish(each.name, graph, each.type, **said)
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

    async def plan(self, place: Place, case: Case) -> str:
        """Read which plan new sessions of the case's flow are pinned to."""
        pointer = decode_pointer(await self._get(pointer_key(place.tenant, case.flow.type)))
        (plan,) = (
            version.plan
            for candidate in pointer.candidates
            if candidate.name == case.flow.name
            for version in candidate.versions
        )
        return plan

    async def program(self, place: Place, plan: str) -> Program:
        data = await self._get(plan_key(place.tenant, plan))
        return load(data, NODE_TYPES, expecting=plan)

    async def log(self, place: Place, session: str) -> list[Entry]:
        """Read what executors kept of a session."""
        keys = Keys.parse(Secret(self._stack.settings["executor"]["GATEHOUSE_SESSION_KEYS"]))
        box = keys.box(place.tenant, session)
        entries = await self._kept.lrange(f"gh:steps:{{{place.tenant}:{session}}}", 0, -1)
        return [read(box.open(b"steps", as_bytes(entry))) for entry in entries]

    async def _get(self, key: str) -> bytes:
        return as_bytes(await self._kept.get(key))

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
        walker = Walker(self._http, self._stack.facts.executor_urls)
        path = f"/t/{place.tenant}{EXECUTE}"
        kind = case.flow.type.wire
        assert kind is not None, "a client can start it"
        step = await walker.post(with_flow(case.flow.name, kind), path=path)
        sent: list[Json] = []
        while step.body["flowStatus"] == "INCOMPLETE" and len(sent) < len(case.visitor.luck):
            typed = case.visitor.sends(len(sent), inputs(step.body))
            sent.append(dict(typed))
            if authenticator is not None and typed.get("code") == CODE:
                typed["code"] = authenticator.now()
            step = await walker.post(answer_to(step, **typed), path=path)
        return Walked(step.flow, RESULTS[step.body["flowStatus"]], sent)


@pytest_asyncio.fixture
async def house(
    stack: Stack, http: aiohttp.ClientSession, database: asyncpg.Connection
) -> AsyncIterator[House]:
    kept = redis.asyncio.Redis.from_url(stack.facts.redis_url)
    yield House(stack, http, database, kept)
    await kept.aclose()


def as_bytes(found: object) -> bytes:
    """Return what Redis has, where redis-py may say `str`, or that there is nothing."""
    assert isinstance(found, bytes)
    return found


def in_order(case: Case) -> tuple[Flow, ...]:
    """Return all flows of a case, so that each comes after what it needs.

    A trigger that is activated comes before those that are.
    """
    return (*case.library.flows.values(), *reversed(case.library.triggers), case.flow)


def persona(visitor: Visitor) -> Json:
    return {"user": visitor.users().get(ACCOUNT)}


def answers(log: Sequence[Entry]) -> Json:
    """Say in a script what the world answered in a session."""
    said: dict[str, list[str]] = {}
    for passage in (passage for entry in log for passage in entry.passages):
        scripted = [each for each in passage.answers if each.question in SCRIPTED]
        if scripted:
            said.setdefault(passage.node, []).append(WORDS[scripted[0].answer])
    return said


def logged(log: Sequence[Entry]) -> Way:
    return [(passage.node, passage.outcome) for entry in log for passage in entry.passages]


def simulated(played: Json) -> Way:
    """Return the way of a simulation, which also tells when a flow that ran inside is over."""
    return [
        (each["node"], each["outcome"])
        for each in played["trace"]
        if each["type"] != "subflow" or each["outcome"] not in {"success", "failure"}
    ]


@some_flows(40)
@given(case=flows())
@example(case=SIGNS_UP)
async def test_simulation_and_replay_go_the_way_that_a_session_went(
    house: House, case: Case
) -> None:
    place = await house.settle(case)
    walked = await house.walk(place, case)
    log = await house.log(place, walked.id)
    played = await place.admin.done(
        "POST",
        f"/{place.flows[case.flow.name]}/simulate",
        {"persona": persona(case.visitor), "inputs": walked.sent, "answers": answers(log)},
    )
    assert simulated(played) == logged(log)
    assert played["result"] == walked.result

    tape = make_tape(log)
    assert tape is not None
    program = await house.program(place, tape.head.plan)
    again = replay(tape, program)
    assert [(each.node, each.outcome) for each in again.trace] == logged(log)
    assert (again.same, again.result) == (True, walked.result)


@some_flows(20)
@given(case=flows())
async def test_a_flow_that_is_carried_elsewhere_has_the_same_plan(house: House, case: Case) -> None:
    place = await house.settle(case)
    other = await house.carry(place)
    assert await house.plan(other, case) == await house.plan(place, case)
