"""The compiled form of one version of a flow, as it is stored, and as it is run.

A plan is immutable and named by the hash of its bytes, so whoever holds the name can check the
bytes, and a copy never goes stale. It holds nothing of a tenant's secrets.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import msgspec

from libs.common.flow.expression import Expression
from libs.common.flow.model import Authentication, DeniedAction, FlowType, Mode, TriggerPoint
from libs.common.flow.node import AnyNodeType, NodeTypes
from libs.common.flow.proof import Demand
from libs.common.flow.turn import Passed

FORMAT = 2
"""Grows when the bytes change their meaning. A release reads this one and the one before."""

FAILURE = -1
"""The target of an outcome that ends the flow as failed, at no node of the author's."""


class Check(msgspec.Struct, frozen=True, array_like=True):
    """A policy."""

    expression: Expression
    negate: bool


class Gate(msgspec.Struct, frozen=True, array_like=True):
    """What decides whether somebody may run a flow, or a session runs a node."""

    checks: tuple[Check, ...]
    mode: Mode
    on_plan: bool = False
    """It decides when the session starts."""
    on_run: bool = False
    """It decides each time the node is reached."""


class Step(msgspec.Struct, frozen=True, array_like=True):
    """A compiled node."""

    id: str
    """The node's; with the slug of its flow and a `/` before it where that is not the plan's."""
    type: str
    config: msgspec.Raw
    """The node type's lowered config, in msgpack."""
    to: dict[str, int]
    """Every outcome → the index of the next step, or `FAILURE`."""
    gate: Gate | None = None
    """Where it has one, `to` has `skipped` and `error`."""
    calls: int | None = None
    """The unit that it runs."""


class Unit(msgspec.Struct, frozen=True, array_like=True):
    """A flow that runs inside another, at the version that the plan pins."""

    flow: str
    """The flow's id."""
    version: int
    start: int
    """The index of its first step."""


class Plan(msgspec.Struct, frozen=True, omit_defaults=True):
    """A compiled version. `steps[start]` is where a session begins."""

    format: int
    flow: str
    """The flow's id."""
    version: int
    type: FlowType
    start: int
    steps: tuple[Step, ...]
    """Its own, then those of the units."""
    units: tuple[Unit, ...] = ()
    triggers: Mapping[TriggerPoint, tuple[int, ...]] = msgspec.field(default_factory=dict)
    """The units that run at a point, in order."""
    gate: Gate | None = None
    """Who may run it."""
    denied_action: DeniedAction = "message_continue"
    authentication: Authentication = "none"
    demands: tuple[Demand, ...] = ()
    """What has to be proved before it succeeds."""
    point: TriggerPoint | None = None
    """Where it runs, if it is of type `trigger`."""


class UnreadablePlan(Exception):
    """The bytes are no plan that this release can run; the message says why."""


class Instruction(msgspec.Struct, frozen=True, dict=True):
    """A step, ready to run."""

    id: str
    type: AnyNodeType
    config: Any
    """An instance of `type.lowered`."""
    to: dict[str, int]
    gate: Gate | None = None
    calls: int | None = None
    arrival: bool = False
    """Something is to be done when it is reached, before it runs: it has a gate, or a point at
    which triggers run."""

    @cached_property
    def passed(self) -> Mapping[str | None, Passed]:
        """What a turn's path says of it, by its outcome; None where it is not left."""
        return {outcome: Passed(self.id, self.type.name, outcome) for outcome in (None, *self.to)}


class Program(msgspec.Struct, frozen=True):
    """A plan, ready to run."""

    plan: str
    """The plan's hash."""
    flow: str
    version: int
    type: FlowType
    start: int
    steps: tuple[Instruction, ...]
    units: tuple[Unit, ...] = ()
    triggers: Mapping[TriggerPoint, tuple[int, ...]] = msgspec.field(default_factory=dict)
    gate: Gate | None = None
    denied_action: DeniedAction = "message_continue"
    authentication: Authentication = "none"
    demands: tuple[Demand, ...] = ()
    planned: tuple[int, ...] = ()
    """The steps whose policies decide when the session starts."""
    point: TriggerPoint | None = None


_READABLE = (FORMAT - 1, FORMAT)
_ENCODER = msgspec.msgpack.Encoder(order="deterministic")
_DECODER = msgspec.msgpack.Decoder(Plan)


def encode(plan: Plan) -> bytes:
    """Write `plan`: the same bytes for the same plan, always."""
    return _ENCODER.encode(plan)


def encode_config(config: msgspec.Struct) -> msgspec.Raw:
    """Write a lowered config as a step holds it."""
    return msgspec.Raw(_ENCODER.encode(config))


def name_of(data: bytes) -> str:
    """Name the plan whose bytes are `data`: SHA-256, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def load(data: bytes, types: NodeTypes, *, expecting: str) -> Program:
    """Make the plan named `expecting` ready to run, or raise `UnreadablePlan`."""
    if name_of(data) != expecting:
        msg = f"the bytes stored as plan {expecting} are not that plan's"
        raise UnreadablePlan(msg)
    try:
        plan = _DECODER.decode(data)
        if plan.format not in _READABLE:
            readable = " and ".join(map(str, _READABLE))
            msg = f"plan {expecting} has format {plan.format}; this release reads {readable}"
            raise UnreadablePlan(msg)
        steps = tuple(_instruction(step, plan, types) for step in plan.steps)
    except msgspec.MsgspecError as error:
        msg = f"plan {expecting} does not decode: {error}"
        raise UnreadablePlan(msg) from error
    return Program(
        expecting,
        plan.flow,
        plan.version,
        plan.type,
        plan.start,
        steps,
        plan.units,
        plan.triggers,
        plan.gate,
        plan.denied_action,
        plan.authentication,
        plan.demands,
        tuple(index for index, step in enumerate(steps) if step.gate and step.gate.on_plan),
        plan.point,
    )


def _instruction(step: Step, plan: Plan, types: NodeTypes) -> Instruction:
    kind = types.get(step.type)
    if kind is None:
        msg = f"node `{step.id}` has type `{step.type}`, which this release does not have"
        raise UnreadablePlan(msg)
    config = msgspec.msgpack.decode(step.config, type=kind.lowered)
    arrival = step.gate is not None or bool(set(kind.reaches(config)) & plan.triggers.keys())
    return Instruction(step.id, kind, config, step.to, step.gate, step.calls, arrival)
