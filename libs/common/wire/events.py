"""What the services say to each other over NATS.

Events go through JetStream and carry ids, not definitions: who hears of a change reads what is
true now, so an event that comes twice, late or out of order does no harm. Requests go over core
NATS, and whoever asks must be able to go on without an answer. All of it is JSON, so that an
operator can read what passes.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, TypeVar

import msgspec

from libs.common.errors import Problem
from libs.common.flow.model import FlowType

EVENTS = "GATEHOUSE_EVENTS"
"""The JetStream stream that holds every event."""

FLOW_CHANGED = "gatehouse.events.flow.changed"
TENANT_CHANGED = "gatehouse.events.tenant.changed"
PLAN_COMPILED = "gatehouse.events.plan.compiled"
ROLLOUT_FAILED = "gatehouse.events.rollout.failed"
EVENT_SUBJECTS = "gatehouse.events.>"

COMPILE = "gatehouse.compiler.compile"
"""Request: `CompileWanted` → `Answer`."""
PUBLISH = "gatehouse.compiler.publish"
"""Request: `PublishWanted` → `Answer`."""


FlowAction = Literal["created", "updated", "activated", "deactivated", "deleted"]


class FlowChanged(msgspec.Struct, frozen=True):
    """Something about a flow changed, and is committed."""

    id: int
    """The outbox row's; also the message id, so that JetStream drops a repeat."""
    tenant: str
    flow: str
    type: FlowType
    action: FlowAction
    version: int
    """The newest version there is."""
    at: float
    """When it was committed, in Unix seconds."""
    types: tuple[FlowType, ...] = ()
    """Whose pointers are to be published: of the flow, and of active flows that run it inside."""


class TenantChanged(msgspec.Struct, frozen=True):
    """Something that a tenant's flows are compiled with changed, and is committed."""

    id: int
    """The outbox row's."""
    tenant: str
    types: tuple[FlowType, ...]
    """Whose pointers are to be published."""
    at: float
    """When it was committed, in Unix seconds."""


class RolloutFailed(msgspec.Struct, frozen=True):
    """The new version of a rollout does worse than the one before: take it back.

    Told again with each further session until it is taken back.
    """

    tenant: str
    flow: str
    rollout: int
    """The rollout's id, so that this says nothing of a later one."""
    version: int
    """The version that does worse."""
    succeeded: int
    ended: int
    """Of its sessions, those that succeeded, and all that came to an end."""
    baseline_succeeded: int
    baseline_ended: int
    at: float
    """Unix seconds."""


class PlanCompiled(msgspec.Struct, frozen=True):
    """A version has a plan, and the plan is in Redis."""

    tenant: str
    flow: str
    version: int
    plan: str
    at: int
    """Unix seconds."""


class CompileWanted(msgspec.Struct, frozen=True):
    """Compile this version now, and answer when its plan is in Redis."""

    tenant: str
    flow: str
    version: int


class PublishWanted(msgspec.Struct, frozen=True):
    """Make Redis hold what is active in this tenant for this type, and the plans of it.

    Asked by management after a change, so that a caller who activates a flow can start it at
    once; and by an executor that misses a pointer or a plan.
    """

    tenant: str
    type: FlowType


class Done(msgspec.Struct, frozen=True, tag=True):
    """It is in Redis; `plan` is the hash where one version was asked for."""

    plan: str | None = None
    at: int = 0
    """When it was compiled, in Unix seconds."""


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The version is not valid."""

    problems: tuple[Problem, ...]


class Missing(msgspec.Struct, frozen=True, tag=True):
    """There is no such version, or nothing active."""


class Failed(msgspec.Struct, frozen=True, tag=True):
    """It could not be done now; `what` names what was out of reach."""

    what: str


Answer: TypeAlias = Done | Refused | Missing | Failed

T = TypeVar("T")


def encode(message: msgspec.Struct) -> bytes:
    """Write an event, a request or an answer."""
    return msgspec.json.encode(message)


def decode(data: bytes, kind: type[T]) -> T:
    """Read what is a `kind`; raise `msgspec.MsgspecError` where it is none."""
    return msgspec.json.decode(data, type=kind)


def decode_answer(data: bytes) -> Answer:
    """Read the compiler's answer; raise `msgspec.MsgspecError` where it is none."""
    return _ANSWER.decode(data)


_ANSWER: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)
