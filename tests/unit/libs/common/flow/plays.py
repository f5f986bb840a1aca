"""Simulations in a line: a flow, what is sent to it, and the script of who answers what."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from libs.common.errors import Invalid, Problem
from libs.common.flow.model import ALONE, Flow, FlowType, Graph, Json, Library, Node, Settings
from libs.common.flow.plan import Program
from libs.common.flow.script import Script
from libs.common.flow.simulate import make_program, simulate
from libs.common.flow.simulation import Passage, Simulation
from libs.common.nodes.catalogue import NODE_TYPES
from tests.walks import flow

SEED = Path(__file__).parents[5] / "deploy" / "local" / "flows" / "mfa-login.graph.json"

NAMED = {"name": "Ada"}
SECRETS = ("hunter22-secret", "918273")


def seed_login() -> Program:
    graph = msgspec.convert(json.loads(SEED.read_text()), Graph)
    written = Flow("flow_login_mfa", 1, FlowType.LOGIN, graph, name="mfa-login")
    return make_program(written, NODE_TYPES)


def play(program: Program, *inputs: Json, **script: Json) -> Simulation:
    """Simulate `program` with these inputs and the rest of its script."""
    return simulate(program, msgspec.convert({"inputs": list(inputs), **script}, Script))


def made(
    *paths: str,
    beside: Library = ALONE,
    kind: FlowType = FlowType.REGISTRATION,
    settings: Settings = Settings(),  # noqa: B008 - it is immutable
    **nodes: Node,
) -> Program:
    """Write a flow by its paths, and compile it in a tenant that has what is `beside` it."""
    written = flow("outer", *paths, kind=kind, settings=settings, **nodes)
    return make_program(written, NODE_TYPES, beside)


def refusal(program: Program, *inputs: Json, **script: Json) -> tuple[Problem, ...]:
    """Say why this cannot be simulated."""
    with pytest.raises(Invalid) as refused:
        play(program, *inputs, **script)
    return refused.value.problems


def places(simulation: Simulation) -> list[str]:
    """Where it went, as in `check:true`."""
    return [f"{each.node}:{each.outcome}" for each in simulation.trace]


def last(simulation: Simulation, name: str) -> Passage:
    """How the node was passed the last time."""
    return next(each for each in reversed(simulation.trace) if each.node == name)
