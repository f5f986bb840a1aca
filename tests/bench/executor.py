"""The cases of the real executor, with everything on: metrics, log lines, buckets, sealed sessions.

Its flow is two prompts in a ring, with a way out that nobody takes. So each step is a valid one,
on a session of the connection's own, and costs neither a password hash nor a look into PostgreSQL.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from deploy.local.keys import load_keys
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.services import Surroundings, environment, service_process
from libs.common.chassis.redis_line.open import open_line
from libs.common.flow.compile import compile_flow
from libs.common.flow.model import Flow, FlowType, Graph
from libs.common.flow.plan import encode, name_of
from libs.common.nodes.catalogue import NODE_TYPES
from libs.common.wire.plans import FORMAT, Candidate, Pointer, Weighted
from services.compiler.publish import Shelf
from tests.bench.case import Bench, Case, Target
from tests.bench.load import request

PATH = "/flow/execute"
KIND = FlowType.REGISTRATION
PLENTY = "1000000"
"""A bucket that is asked like any other, and never empty."""


def _prompt(id: str, *fields: dict[str, Any]) -> dict[str, Any]:
    return {"id": id, "type": "prompt", "config": {"fields": list(fields)}}


RING = {
    "nodes": [
        {"id": "start", "type": "start"},
        _prompt(
            "address",
            {"name": "email", "type": "email", "label": "Email"},
            {"name": "finished", "type": "checkbox", "label": "That is all", "required": False},
        ),
        {
            "id": "enough",
            "type": "condition",
            "config": {"condition": "inputs.finished ?? false"},
        },
        _prompt(
            "name",
            {"name": "given_name", "type": "text", "label": "Given name"},
            {"name": "family_name", "type": "text", "label": "Family name"},
        ),
        {"id": "success", "type": "success"},
    ],
    "edges": [
        {"source": "start", "target": "address"},
        {"source": "address", "target": "enough"},
        {"source": "enough", "target": "success", "condition": "true"},
        {"source": "enough", "target": "name", "condition": "false"},
        {"source": "name", "target": "address"},
    ],
}
INPUTS = {
    "email": {"email": "sasha@example.com"},
    "given_name": {"given_name": "Sasha", "family_name": "Example"},
}
"""What is sent to a step, by the first input that it requires."""


class _Start(msgspec.Struct, rename="camel"):
    flow_type: str


class _Continue(msgspec.Struct, rename="camel"):
    flow_id: str
    step_id: str
    action_id: str
    inputs: dict[str, str]


class _Shown(msgspec.Struct, rename="camel"):
    required_params: tuple[str, ...]
    messages: tuple[Any, ...] = ()


class _Step(msgspec.Struct, rename="camel"):
    flow_id: str
    flow_status: str
    step_id: str
    data: _Shown


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(_Step)


class Starts:
    """A session begun each time, and left."""

    _start = request(PATH, _ENCODER.encode(_Start(KIND.name)))

    def request(self) -> bytes:
        """See `Traffic.request`."""
        return self._start

    def answered(self, status: int, body: bytes) -> None:
        """See `Traffic.answered`."""
        self.read(status, body)

    def read(self, status: int, body: bytes) -> _Step:
        """Return the step, or raise if it is none."""
        if status != HTTPStatus.OK:
            raise ValueError(f"answered {status}: {body[:500]!r}")
        step = _DECODER.decode(body)
        if step.flow_status != "INCOMPLETE" or step.data.messages:
            raise ValueError(f"refused: {body[:500]!r}")
        return step


TURNS = 60
"""Of a session, before the next one: fewer than its step log keeps, so that each step pays for its
entry. What its start costs more than a step is spread over them."""


class Continues(Starts):
    """A session begun, step upon step for so many turns, and then the next."""

    def __init__(self) -> None:
        """Begin with the start."""
        self._next = self._start
        self._last = ""
        self._turns = 0

    def request(self) -> bytes:
        """See `Traffic.request`."""
        return self._next

    def answered(self, status: int, body: bytes) -> None:
        """See `Traffic.answered`."""
        step = self.read(status, body)
        asked = step.data.required_params[0]
        if asked == self._last:
            raise ValueError("the same step twice")
        self._turns += 1
        if self._turns % TURNS == 0:
            self._next, self._last = self._start, ""
            return
        self._last = asked
        said = _Continue(step.flow_id, step.step_id, "submit", INPUTS[asked])
        self._next = request(PATH, _ENCODER.encode(said))


@asynccontextmanager
async def started(
    bench: Bench, more: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[Target]:
    """Run an executor on the server's core, with `more` settings, and publish the ring for it."""
    await publish(bench.redis.url)
    port = free_port()
    around = Surroundings(
        bench.postgres_dsn,
        bench.redis.url,
        bench.nats.url,
        "smtp+plain://127.0.0.1:1",  # the ring sends nothing
        f"http://{LOOPBACK}:{port}",
        load_keys(bench.folder / "secrets"),
    )
    buckets = ("TENANT_BURST", "TENANT_RATE", "ADDRESS_BURST", "ADDRESS_RATE")
    settings = environment("executor", port, around) | {
        f"GATEHOUSE_{bucket}": PLENTY for bucket in buckets
    }
    settings |= more
    process = service_process(f"executor-{port}", "executor", port, settings, logs=bench.folder)
    await process.start()
    try:
        for thread in Path(f"/proc/{process.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {bench.server_core})
        yield Target(port, process.pid)
    finally:
        await process.stop()


async def publish(redis_url: str) -> None:
    """Publish the ring, as the compiler does."""
    graph = msgspec.convert(RING, Graph)
    data = encode(compile_flow(Flow("flow_ring", 1, KIND, graph), NODE_TYPES))
    plan = name_of(data)
    candidate = Candidate("flow_ring", "ring", (Weighted(plan, 1, 1),))
    line = open_line(redis_url)
    try:
        shelf = Shelf(line, keep=3600)
        await shelf.publish("default", KIND, Pointer(FORMAT, 1, (candidate,)), {plan: data})
    finally:
        await line.aclose()


@asynccontextmanager
async def started_without_log(bench: Bench) -> AsyncIterator[Target]:
    """Run an executor that keeps no step log."""
    async with started(bench, {"GATEHOUSE_STEP_LOG": "off"}) as target:
        yield target


STEP = Case("step: a continue, everything on", started, Continues)
UNLOGGED = Case("step: all but the step log", started_without_log, Continues)
START = Case("start: everything on", started, Starts)
