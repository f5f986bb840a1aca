"""Several active flows of a type, each at one version or more, and what tells them apart."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from libs.common.flow.compile import compile_flow
from libs.common.flow.model import ALONE, Flow, FlowType, Graph, Json, Library, Settings
from libs.common.flow.plan import encode, name_of
from libs.common.nodes.catalogue import NODE_TYPES
from libs.common.wire.plans import (
    FORMAT,
    Candidate,
    Pointer,
    Rollout,
    Weighted,
    encode_pointer,
    plan_key,
    pointer_key,
)
from tests.integration.executor.conftest import House, Reply
from tests.integration.executor.graphs import START, SUCCESS, graph


def asking(field: str, *, checked: str | None = None) -> Graph:
    """Draw a flow that asks for `field`; with `checked`, it fails unless that is true then."""
    ask = {
        "id": "ask",
        "type": "prompt",
        "config": {"fields": [{"name": field, "type": "text", "label": field}]},
    }
    if checked is None:
        return graph([START, ask, SUCCESS], [("start", "ask"), ("ask", "success")])
    check = {"id": "check", "type": "condition", "config": {"condition": checked}}
    fail = {"id": "failure", "type": "failure"}
    edges = [("start", "ask"), ("ask", "check"), ("check", "success", "true")]
    return graph([START, ask, check, SUCCESS, fail], [*edges, ("check", "failure", "false")])


def shown(step: Reply) -> str:
    """Say which flow a step is of: the field that it asks for."""
    (field,) = step.data["requiredParams"]
    return str(field)


async def candidate(
    house: House,
    name: str,
    *versions: tuple[Graph, int],
    kind: FlowType = FlowType.MFA_SETUP,
    rollout: Rollout | None = None,
    library: Library = ALONE,
    **settings: Json,
) -> Candidate:
    """Compile the versions of a flow, each with its weight, as the compiler does."""
    weighted = []
    for number, (drawn, weight) in enumerate(versions, 1):
        said = msgspec.convert(settings, Settings)
        flow = Flow(f"flow_{name}", number, kind, drawn, said, name)
        data = encode(compile_flow(flow, NODE_TYPES, library, running=True))
        plan = name_of(data)
        await house.line.execute(b"SET", plan_key("default", plan), data)
        weighted.append(Weighted(plan, number, weight))
    return Candidate(f"flow_{name}", name, tuple(weighted), rollout)


async def lead(
    house: House, *candidates: Candidate, kind: FlowType = FlowType.MFA_SETUP, generation: int = 1
) -> None:
    """Have starts of `kind` find `candidates`."""
    pointer = encode_pointer(Pointer(FORMAT, generation, candidates))
    await house.line.execute(b"SET", pointer_key("default", kind), pointer)


async def lead_to(house: House, name: str, **settings: Json) -> None:
    """Have starts find one flow only, which asks for a field of its own name."""
    await lead(house, await candidate(house, name, (asking(name), 1), **settings))


def policies(*expressions: str) -> Sequence[dict[str, str]]:
    return [{"expression": expression} for expression in expressions]
