"""What a simulation tells: each node that was run, why it went where it went, what came of it.

No secret has a place in any of this, and no hash of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from libs.common.flow.heard import Evaluated
from libs.common.flow.model import DeniedAction, Json
from libs.common.flow.proof import evidence_of, factors_of
from libs.common.flow.turn import Effect, Facts, FieldError, Message, Over, Stay
from libs.common.flow.view import Component
from libs.common.flow.world import Deletion, Write
from libs.common.secret import MASK, Secret

Result: TypeAlias = Literal["success", "failure", "denied", "waiting"]
"""`waiting` where the inputs ran out."""


class Notice(msgspec.Struct, frozen=True, omit_defaults=True, rename={"key": "i18nKey"}):
    """Something that the user is told: by its key, or in the author's own words."""

    type: Literal["ERROR", "INFO"]
    key: str | None = None
    message: str | None = None


class FieldNotice(msgspec.Struct, frozen=True, rename={"key": "i18nKey"}):
    """What is wrong with one input."""

    identifier: str
    key: str


class Seen(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """What a turn shows, in the words of seed 002."""

    components: tuple[Component, ...]
    required_params: tuple[str, ...]
    messages: tuple[Notice, ...]
    field_errors: tuple[FieldNotice, ...]
    url: str | None = None
    """Where the client sends the user."""


class Passage(msgspec.Struct, frozen=True):
    """A node that was run, or left by its policies, or that a flow has run inside."""

    node: str
    """Its id; of one in another flow, with the slug of that and a `/` before it."""
    type: str
    outcome: str | None
    """None where it waits, where a flow runs for it, or where the flow is over."""
    expressions: tuple[Evaluated, ...] = ()
    view: Seen | None = None
    """What was shown: by a node that waits, or by the last one when the flow was over."""
    effects: tuple[Mapping[str, Json], ...] = ()
    """What would have been written and sent, each with its `type`."""


class Denied(msgspec.Struct, frozen=True):
    """Why the flow would not have been started."""

    reason: Literal["unauthenticated", "denied"]
    action: DeniedAction
    expressions: tuple[Evaluated, ...]
    """The policies of the flow."""


class Found(msgspec.Struct, frozen=True):
    """What the run has found out."""

    account: str | None
    identified: bool
    amr: tuple[str, ...]
    factors: tuple[str, ...]
    consented: bool
    authenticated: bool
    created: bool
    inputs: Mapping[str, Json]
    attributes: Mapping[str, Json]
    """`facts` in expressions."""
    staged: Mapping[str, Json]
    broken: tuple[str, ...]
    """The tenant's invariants that kept it from succeeding."""


class Simulation(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a script."""

    result: Result
    trace: tuple[Passage, ...]
    """One for each time that a node was run: a node that waits is run again by each submit."""
    facts: Found
    path: tuple[str, ...]
    """The nodes in the order in which they were come to, however often each was run then."""
    denied: Denied | UnsetType = UNSET
    unused_inputs: int | UnsetType = UNSET
    """Submits that were left when the flow was over."""


def result_of(shown: Stay | Over) -> Result:
    """Say how far a run has come whose last turn showed this."""
    if isinstance(shown, Stay):
        return "waiting"
    return "success" if shown.succeeded else "failure"


def seen(shown: Stay | Over) -> Seen | None:
    """Say what the user sees; None where a flow ends without a word."""
    notices = () if shown.message is None else (_notice(shown.message),)
    if isinstance(shown, Stay):
        errors = tuple(map(_field_notice, shown.field_errors))
        return Seen(shown.view.components, shown.view.required, notices, errors, shown.url)
    if shown.text is not None:
        notices = (Notice("INFO" if shown.succeeded else "ERROR", message=shown.text),)
    if not notices and shown.redirect is None:
        return None
    return Seen((), (), notices, (), shown.redirect)


def _notice(message: Message) -> Notice:
    return Notice(message.type, message.key)


def _field_notice(error: FieldError) -> FieldNotice:
    return FieldNotice(error.identifier, error.key)


def found(facts: Facts, broken: tuple[str, ...]) -> Found:
    """Say what a run found out that `broken` invariants ended, if any."""
    return Found(
        account=facts.account,
        identified=evidence_of(facts).identified,
        amr=facts.proved,
        factors=tuple(factors_of(facts.proved)),
        consented=facts.consented,
        authenticated=facts.authenticated,
        created=facts.created,
        inputs=facts.inputs,
        attributes=facts.attributes,
        staged=facts.staged,
        broken=broken,
    )


def told(effect: Effect | Write | Deletion) -> Mapping[str, Json]:
    """Say what would have been done."""
    fields: Mapping[str, Json] = msgspec.to_builtins(effect, enc_hook=_masked)
    return fields


def _masked(value: object) -> str:
    if isinstance(value, Secret):
        return MASK
    raise TypeError(f"{type(value).__name__} is not shown")
