"""What running a flow looks like: the session, what a node asks, how it moves, what a turn made.

One request is one turn. A node never does I/O: it yields a `Question` and gets the answer, and
ends with a `Move`. The interpreter strings moves together into a `Turn`; the executor stores
the turn's session and only then lets its effects happen.

No secret that a user typed may be a field of anything here but a `Question`, and there only
as a `Secret`.

Structs that every turn makes are `gc=False`, here and in what handles them: they hold only what was
there before them, so none can be part of a cycle, and Python need not keep count of them.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, Generic, Literal, TypeAlias, TypeVar, final

import msgspec

from libs.common.flow.model import FlowType, Json, TriggerPoint
from libs.common.flow.view import View

A = TypeVar("A")

# What a turn makes, and is made of, is without `gc` below: it is made of what was there before it,
# down to JSON, so it is in no cycle, and the collector need not know of it.


LINK = "link"
"""What a node keeps that has mailed a link: the `flowId` of the session that it was mailed in."""


class External(msgspec.Struct, frozen=True, array_like=True):
    """Who somebody is to a provider: what `iss` and `sub` say, which together are never another."""

    issuer: str
    subject: str

    def __repr__(self) -> str:
        """Show where it is from, and not who."""
        return f"External({self.issuer!r})"


class Facts(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What the run has found out so far."""

    identifier: str | None = None
    """What the user said they are called, in its normal form; nobody need be called so."""
    account: str | None = None
    """The account it names. Proved to be the caller's only by what is in `proved`."""
    proved: tuple[str, ...] = ()
    """How the caller proved to be the account's owner, in order: `amr` values (RFC 8176)."""
    created: bool = False
    """The account was made in this run, so it is the caller's."""
    authenticated: bool = False
    """The caller began with an assertion about the account. So it is theirs, but that is no proof
    that an assertion could be given for: each would earn the next."""
    sign_in: str | None = None
    """The sign-in that the caller began with an assertion of, whether that is still good or not:
    whoever shows an old one may end it, and nothing else."""
    consented: bool = False
    shown: tuple[str, ...] = ()
    """The account's factors that were shown or set up in this run, by the names of
    `user.mfa_methods`."""
    invitation: str | None = None
    """The invitation that `user_write` will use up."""
    attached: bool = False
    """`user_login` has attached the account: the end of the flow signs in."""
    staged: Mapping[str, Json] = msgspec.field(default_factory=dict)
    """Attributes of the user that `user_write` will write."""
    password_hash: str | None = None
    """The argon2id hash of the password that `user_write` will write."""
    verified: str | None = None
    """The email address, in its normal form, at which mail was seen to reach the caller."""
    external: External | None = None
    """Who the caller has proved to be to a provider, where no account is theirs that is known so:
    `user_write` makes it known."""
    resumed: bool = False
    """Somebody has followed a link that was mailed, and goes on in place of whoever began. Who
    began may be anybody: whom they named is known of them, and nothing else that they said, set or
    proved."""
    inputs: Mapping[str, Json] = msgspec.field(default_factory=dict)
    """What was typed so far, by name; never a secret."""
    attributes: Mapping[str, Json] = msgspec.field(default_factory=dict)
    """What `set_attribute` set: `facts` in expressions."""

    @property
    def earned(self) -> bool:
        """Whether an assertion may be given about the account."""
        return self.account is not None and bool(self.proved or self.created)

    @property
    def owned(self) -> bool:
        """Whether the account is certainly the caller's, and not only named."""
        return self.earned or (self.account is not None and self.authenticated)

    def __repr__(self) -> str:
        """Show how far the run is, and nothing that is the user's."""
        return f"Facts(account={self.account!r}, proved={self.proved!r})"


class Frame(msgspec.Struct, frozen=True, array_like=True):
    """A step that something else runs for: the flow that it calls, or triggers around it."""

    step: int
    why: Literal["subflow", "before", "after"]
    outcome: str = ""
    """By which the step was left, where triggers run after it."""
    waiting: tuple[int, ...] = ()
    """The triggers still to come: indexes of units of the plan."""


class Trial(msgspec.Struct, frozen=True, array_like=True):
    """The rollout by which a session got its version: how it ends is held for or against that."""

    flow: str
    """The flow's id."""
    rollout: int
    version: int
    baseline: int
    """The version that the others are measured by."""
    margin: float
    """How much less of a version's sessions may succeed than of the baseline's."""
    sessions: int
    """How many sessions of each have to have ended before anything is decided."""
    session: str = ""
    """The one that it is counted as, where it began as another."""


class Session(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One user's run of one flow, pinned to the plan that it began with."""

    id: str
    """The `flowId`: a version-4 UUID."""
    tenant: str
    plan: str
    """Hash of the plan."""
    type: FlowType
    node: int
    """Where it waits: an index into the plan's steps."""
    started_at: int
    """Unix seconds, as all times here."""
    expires_at: int
    idle_until: int
    revision: int = 0
    """Grows by one with each turn."""
    facts: Facts = Facts()
    tries: Mapping[str, int] = msgspec.field(default_factory=dict)
    """Refused submits by node id. Never reset, so that a loop back buys no further tries."""
    kept: Mapping[str, Json] = msgspec.field(default_factory=dict)
    """What the node that waits wants to remember until it leaves."""
    over: bool = False
    """The flow has ended; nothing can be submitted any more."""
    stack: tuple[Frame, ...] = ()
    """What it goes back to when the flow that it is in has ended, the last first to go back to."""
    planned: Mapping[int, bool | None] = msgspec.field(default_factory=dict)
    """The steps whose policies did not pass when the session started: False, or None where they
    could not be evaluated."""
    trial: Trial | None = None
    """None where nothing hangs on how it ends."""
    proved_at: int | None = None
    """When the first of `facts.proved` was; None where nothing was, or before it was noted."""

    @property
    def awaits_link(self) -> bool:
        """Whether the node that waits has mailed a link, by which somebody else may go on."""
        return LINK in self.kept


class Submission(msgspec.Struct, frozen=True, gc=False):
    """What the user sent for the view before."""

    action: str = ""
    """The button's `actionId`; empty for the view's default action."""
    inputs: Mapping[str, Json] = msgspec.field(default_factory=dict)
    elsewhere: bool = False
    """It is from whoever followed a link, who does not have the `flowId`, and so need not be who
    began the flow."""

    def __repr__(self) -> str:
        """Say nothing: any input may be a secret."""
        return "Submission(***)"


class Surroundings(msgspec.Struct, frozen=True, gc=False):
    """What the executor knows of the request itself; `request` in expressions."""

    time: int
    """Unix seconds."""
    ip: str = ""
    user_agent: str = ""
    language: str = ""
    client: Mapping[str, Json] = msgspec.field(default_factory=dict)
    """The app that calls; `client` in expressions."""


class Question(msgspec.Struct, Generic[A], frozen=True):
    """What a node must know before it can go on, answered by an `A`.

    Harmless to repeat: a turn that dies is run again from the stored session.
    """


class Effect(msgspec.Struct, frozen=True, tag=True):
    """What happens once the session is stored: at least once, and never before."""


class Message(msgspec.Struct, frozen=True):
    """Something to tell the user, by its key in the message catalogue."""

    key: str
    """`i18nKey` on the wire, as in `password.wrong`."""
    type: Literal["ERROR", "INFO"] = "ERROR"


FLOW_FAILED = Message("flow.failed")
"""Told where a flow has failed, whatever its author says besides."""


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one input."""

    identifier: str
    key: str


@final
class Stay(msgspec.Struct, frozen=True, gc=False):
    """Show `view` and wait."""

    view: View
    message: Message | None = None
    field_errors: tuple[FieldError, ...] = ()
    tried: bool = False
    """A try was used up: what was sent was a guess, and it was wrong."""
    kept: Mapping[str, Json] = msgspec.field(default_factory=dict)
    url: str | None = None
    """Where the client sends the user, instead of showing them the view."""
    webauthn: Mapping[str, Json] | None = None
    """What the client asks the user's authenticator: `publicKeyCredentialRequestOptions` or
    `publicKeyCredentialCreationOptions`, and beside it the view."""
    effects: tuple[Effect, ...] = ()
    patience: int = 0
    """Seconds that the session lasts without a submit, where that is longer than usual."""


class Leave(msgspec.Struct, frozen=True, gc=False):
    """Go on by `outcome`, knowing more."""

    outcome: str
    facts: Facts | None = None
    """All facts as they now are; None where nothing was learned."""
    effects: tuple[Effect, ...] = ()
    tried: bool = False
    """As in `Stay`: the last wrong guess counts too, or each loop back would buy one more."""
    points: tuple[TriggerPoint, ...] = ()
    """The triggers of these run before the next node does."""


class Bypass(Leave, frozen=True):
    """Go on by `skipped` or `error` without having run: so say the node's policies."""


class Enter(msgspec.Struct, frozen=True):
    """Run the flow that the node names, and leave by how it ends: `success` or `failure`."""


class Over(msgspec.Struct, frozen=True, gc=False):
    """The flow is at its end."""

    succeeded: bool
    message: Message | None = None
    text: str | None = None
    """The author's own words for the end, shown instead of the message's."""
    redirect: str | None = None
    sign_in: bool = False
    """Give the caller an assertion about `facts.account`."""


Move: TypeAlias = Stay | Leave | Enter | Over
Dialogue: TypeAlias = Generator[Question[Any], Any, Move]


def ask(question: Question[A]) -> Generator[Question[Any], Any, A]:
    """Put `question` to the world and return its answer, of the type that it declares."""
    answer: A = yield question
    return answer


def at_once(move: Move) -> Dialogue:
    """Make `move` without asking anything."""
    yield from ()
    return move


class Passed(msgspec.Struct, frozen=True, gc=False):
    """A node that the turn went through, and how it left.

    `outcome` is None where the node waits, where a flow runs for it, or where the flow is over.
    """

    node: str
    type: str
    outcome: str | None


class Turn(msgspec.Struct, frozen=True, gc=False):
    """What one request made."""

    session: Session
    """To be stored in place of the one it came from."""
    shown: Stay | Over
    effects: tuple[Effect, ...]
    path: tuple[Passed, ...]
    broken: tuple[str, ...] = ()
    """The invariants that kept the flow from succeeding."""
    planned: Mapping[int, bool | None] | None = None
    """Of a first turn: `Session.planned` as it began, before anybody was somebody else."""
