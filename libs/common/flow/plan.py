"""The compiled form of one version of a flow, as it is stored, and as it is run.

A plan is immutable and named by the hash of its bytes, so whoever holds the name can check the
bytes, and a copy never goes stale. It holds nothing of a tenant's secrets.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from libs.common.flow.model import FlowType
from libs.common.flow.node import AnyNodeType, NodeTypes

FORMAT = 1
"""Grows when the bytes change their meaning. A release reads this one and the one before."""

FAILURE = -1
"""The target of an outcome that ends the flow as failed, at no node of the author's."""


class Step(msgspec.Struct, frozen=True, array_like=True):
    """A compiled node."""

    id: str
    type: str
    config: msgspec.Raw
    """The node type's lowered config, in msgpack."""
    to: dict[str, int]
    """Every outcome → the index of the next step, or `FAILURE`."""


class Plan(msgspec.Struct, frozen=True):
    """A compiled version. `steps[start]` is where a session begins."""

    format: int
    flow: str
    """The flow's id."""
    version: int
    type: FlowType
    start: int
    steps: tuple[Step, ...]


class UnreadablePlan(Exception):
    """The bytes are no plan that this release can run; the message says why."""


class Instruction(msgspec.Struct, frozen=True):
    """A step, ready to run."""

    id: str
    type: AnyNodeType
    config: Any
    """An instance of `type.lowered`."""
    to: dict[str, int]


class Program(msgspec.Struct, frozen=True):
    """A plan, ready to run."""

    plan: str
    """The plan's hash."""
    flow: str
    version: int
    type: FlowType
    start: int
    steps: tuple[Instruction, ...]


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
        if plan.format != FORMAT:
            msg = f"plan {expecting} has format {plan.format}; this release reads {FORMAT}"
            raise UnreadablePlan(msg)
        steps = tuple(_instruction(step, types) for step in plan.steps)
    except msgspec.MsgspecError as error:
        msg = f"plan {expecting} does not decode: {error}"
        raise UnreadablePlan(msg) from error
    return Program(expecting, plan.flow, plan.version, plan.type, plan.start, steps)


def _instruction(step: Step, types: NodeTypes) -> Instruction:
    kind = types.get(step.type)
    if kind is None:
        msg = f"node `{step.id}` has type `{step.type}`, which this release does not have"
        raise UnreadablePlan(msg)
    config = msgspec.msgpack.decode(step.config, type=kind.lowered)
    return Instruction(step.id, kind, config, step.to)
