"""What an author writes: a flow of some type, as a graph of nodes and edges (seed 001).

Nothing here says whether a flow makes sense; that is for `rules`. What decodes into these
structs is well-formed, no more: a draft may be saved half drawn.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias

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
AnySlug = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=50,
        pattern=r"^(?!cache_(?:info|clear)$)[-a-zA-Z0-9_]+$(?!\n)",
        description="letters, digits, hyphens and underscores; not `cache_info`, `cache_clear`",
    ),
]
"""The `name` of a flow that may have been made where slugs have underscores too (seed 003). There
two of them would be taken for something else in a path."""

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


class TriggerPoint(enum.StrEnum):
    """Where in other flows the `trigger` flows of a tenant run (seed 000)."""

    POST_LOGIN = "post-login"
    """Before a login flow's success."""
    PRE_USER_REGISTRATION = "pre-user-registration"
    """Before a new user is written."""
    POST_USER_REGISTRATION = "post-user-registration"
    """After a new user is written."""
    POST_CHANGE_PASSWORD = "post-change-password"  # noqa: S105 - the name of a trigger
    """After a user who was there before got a new password."""
    SEND_PHONE_MESSAGE = "send-phone-message"
    """In place of the SMS gateway."""
    CREDENTIALS_EXCHANGE = "credentials-exchange"
    """Before an assertion is signed."""


class Trigger(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a flow of type `trigger` waits for, as seed 000 writes it."""

    id: TriggerPoint
    version: Annotated[str, msgspec.Meta(min_length=1, max_length=20)] | None = None
    """Kept as it was written; there is one version of each."""


Mode: TypeAlias = Literal["all", "any"]
"""How many of several policies must pass."""

DeniedAction: TypeAlias = Literal["message_continue", "message", "continue"]
"""What a start answers that no candidate's policies let through (seed 004): the caller is sent to
where they wanted to go `next` if they said it, else told; told; or sent on in any case."""

Authentication: TypeAlias = Literal[
    "none",
    "require_authenticated",
    "require_unauthenticated",
    "require_superuser",
    "require_outpost",
]
"""Who may start a flow (seed 003)."""


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A condition on who may go somewhere (seed 004)."""

    expression: str
    negate: bool = False
    """It passes where the expression is false. One that cannot be evaluated passes neither way."""


Policies = Annotated[tuple[Policy, ...], msgspec.Meta(max_length=20)]


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
    policies: Policies = ()
    """Whether the node runs at all. One whose policies do not pass is left by `skipped`, or as by
    its default outcome where no edge takes that."""
    policy_engine_mode: Mode = "any"
    evaluate_on_plan: bool = True
    """Decide once, when the session starts."""
    re_evaluate_policies: bool = False
    """Decide each time the node is reached."""


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


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a version of a flow says beside its graph: who may run it, and when it does."""

    policies: Policies = ()
    """A start takes the first candidate whose policies pass."""
    policy_engine_mode: Mode = "any"
    denied_action: DeniedAction = "message_continue"
    authentication: Authentication = "none"
    trigger: Trigger | None = None
    """Of a flow of type `trigger`, and of no other."""


class Flow(msgspec.Struct, frozen=True):
    """One version of a flow, as far as compiling and checking it are concerned."""

    id: str
    version: int
    type: FlowType
    graph: Graph
    settings: Settings = Settings()
    name: str = ""
    """The slug, by which a `subflow` node of another flow calls this one."""


class Invariant(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a tenant wants to hold of every path to a success, whoever draws the flow."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    type: FlowType
    """The flows that it is about."""
    require: str
    """An expression over what a path proved: `factors amr identified consented`."""
    when: str | None = None
    """An expression as in a `condition`; only the paths on which it may be true are looked at."""


REGISTERED_ID: Final = r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}"
RegisteredId = Annotated[str, msgspec.Meta(pattern=rf"^{REGISTERED_ID}$(?!\n)")]
"""What a tenant calls an action or a provider, and nodes name it by."""


class Named(msgspec.Struct, frozen=True):
    """Something of a tenant's, beside its flows, that a node may need."""

    kind: Literal["action", "provider"]
    id: str


class Library(msgspec.Struct, frozen=True):
    """What of its tenant a flow is compiled with: all that its nodes may refer to."""

    flows: Mapping[str, Flow] = msgspec.field(default_factory=dict)
    """The active flows by slug, each at the version that runs: what `subflow` may name."""
    triggers: tuple[Flow, ...] = ()
    """The active flows of type `trigger`, in the order in which they run."""
    invariants: tuple[Invariant, ...] = ()
    registered: frozenset[Named] | None = None
    """What nodes may name; None where that is not known."""
    beside: tuple[Flow, ...] = ()
    """Other versions of `flows` that new sessions may get, which nothing runs inside."""


ALONE = Library()
"""Of a tenant that has nothing else."""
