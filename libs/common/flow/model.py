"""What an author writes: a flow of some type, as a graph of nodes and edges (seed 001).

Nothing here says whether a flow makes sense; that is for `rules`. What decodes into these
structs is well-formed, no more: a draft may be saved half drawn.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

import msgspec

Json: TypeAlias = Any
"""What JSON can say: null, bool, number, string, list, map. Checked where it is read."""

Slug = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=50,
        pattern=r"^[A-Za-z0-9-]+$(?!\n)",
        description="letters, digits and hyphens",
    ),
]
"""A flow's `name`: letters, digits, hyphens (seed 001); unique in its tenant. `$` alone would
let a line feed follow."""

Label = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class FlowType(enum.StrEnum):
    """What a flow is for, in the words of seed 001; `wire` has those of seed 002."""

    LOGIN = "login"
    REGISTRATION = "registration"
    INVITED_REGISTRATION = "invited_registration"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - the name of a type of flow
    ACCOUNT_RECOVERY = "account_recovery"
    MFA_SETUP = "mfa_setup"
    AUTHORIZATION = "authorization"
    LOGOUT = "logout"
    UNENROLLMENT = "unenrollment"
    TRIGGER = "trigger"

    @property
    def wire(self) -> str | None:
        """The `flowType` of seed 002, or None for a type that no client can start."""
        return _WIRE.get(self)

    @classmethod
    def from_wire(cls, name: str) -> FlowType | None:
        """Find the type whose `flowType` is `name`; None where there is none."""
        return _FROM_WIRE.get(name)


_WIRE: Mapping[FlowType, str] = {
    FlowType.LOGIN: "LOGIN",
    FlowType.REGISTRATION: "REGISTRATION",
    FlowType.INVITED_REGISTRATION: "INVITED_USER_REGISTRATION",
    FlowType.PASSWORD_RESET: "PASSWORD_RECOVERY",
    FlowType.ACCOUNT_RECOVERY: "ACCOUNT_RECOVERY",
    FlowType.MFA_SETUP: "MFA_SETUP",
    FlowType.AUTHORIZATION: "AUTHORIZATION",
    FlowType.LOGOUT: "LOGOUT",
    FlowType.UNENROLLMENT: "UNENROLLMENT",
}
_FROM_WIRE: Mapping[str, FlowType] = {name: kind for kind, name in _WIRE.items()}


class Position(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where an editor draws the node; it means nothing to a run."""

    x: int | float
    y: int | float


class Node(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A step of the flow."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    type: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    config: Mapping[str, Json] = msgspec.field(default_factory=dict)
    """As the author wrote it; the node type's own `Config` checks it."""
    position: Position | None = None
    label: Label | None = None


class Edge(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where a node's outcome leads."""

    source: str
    target: str
    condition: str | None = None
    """The outcome of `source` that it is for; None for its default outcome."""


class Graph(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nodes and edges, in the order of the author."""

    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()


class Flow(msgspec.Struct, frozen=True):
    """One version of a flow, as far as compiling and checking it are concerned."""

    id: str
    version: int
    type: FlowType
    graph: Graph
