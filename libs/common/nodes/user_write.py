"""Writes what was staged: a new account, or onto the one that the user has proved to be theirs.

An identifier that somebody else has leaves by `taken`, which falls to the flow's failure, and so
to words that do not say why. A flow of type `invited_registration` writes nobody new without an
invitation. An author who draws an edge for it tells everybody who has an
account; a registration that verifies the address first need not.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from libs.common.flow.federation import LinkExternal
from libs.common.flow.identifier import KINDS, normalise
from libs.common.flow.model import FlowType, Json, TriggerPoint
from libs.common.flow.node import NodeType, Site, Visit, fixed, gaining
from libs.common.flow.proof import Gain
from libs.common.flow.questions import Taken, Uninvited, WriteUser
from libs.common.flow.signins import EndSignIns
from libs.common.flow.turn import Dialogue, Facts, Leave, ask

REACHES = (
    TriggerPoint.PRE_USER_REGISTRATION,
    TriggerPoint.POST_USER_REGISTRATION,
    TriggerPoint.POST_CHANGE_PASSWORD,
)


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    end_sign_ins: bool = True
    """Where a password is written onto an account that there was: end all its sign-ins, but the one
    that the flow was begun with. Whoever knew the old one is out with it."""


def lower(config: Config, site: Site) -> Config:
    return config


def run(config: Config, visit: Visit) -> Dialogue:
    facts = visit.facts
    attributes = _normal(facts.staged)
    if attributes is None or not _may_write(facts, attributes):
        return Leave("failure")
    # A turn that dies is run again at the same revision, and makes no second account; a later
    # visit is at another, and does not change what this one made.
    key = str(uuid.uuid5(uuid.UUID(visit.session), f"{visit.node}:{visit.revision}"))
    verified = facts.verified is not None and attributes.get("email") == facts.verified
    is_new = facts.account is None
    is_invited = facts.invitation is not None
    if is_new and visit.flow is FlowType.INVITED_REGISTRATION and not is_invited:
        return Leave("failure")
    # Onto an account that there is as well: it is given what only the invitation may give.
    question = WriteUser(
        key,
        facts.account,
        attributes,
        facts.password_hash,
        verified=verified,
        invitation=facts.invitation,
    )
    answer = yield from ask(question)
    if isinstance(answer, Taken):
        return Leave("taken")
    if isinstance(answer, Uninvited):
        return Leave("failure")
    if facts.external is not None:
        # Somebody else's by now, should it not be kept: the account is there all the same, and is
        # the caller's.
        yield from ask(LinkExternal(answer.account, facts.external))
    if config.end_sign_ins and not is_new and facts.password_hash is not None:
        yield from ask(EndSignIns(answer.account, facts.sign_in))
    # Whoever chose the password of a new account knows it.
    proved = facts.proved
    if is_new and facts.password_hash is not None:
        proved = tuple(dict.fromkeys((*proved, "pwd")))
    written = replace(
        facts,
        account=answer.account,
        created=facts.created or is_new,
        proved=proved,
        staged={},
        password_hash=None,
        external=None,
        invitation=None,
    )
    return Leave("success", written, points=_passed(facts, is_new=is_new))


def _passed(facts: Facts, *, is_new: bool) -> tuple[TriggerPoint, ...]:
    if is_new:
        return (TriggerPoint.POST_USER_REGISTRATION,)
    if facts.password_hash is not None:
        return (TriggerPoint.POST_CHANGE_PASSWORD,)
    return ()


def _normal(staged: Mapping[str, Json]) -> dict[str, Json] | None:
    """Return what is staged with its identifiers in their normal form; None where one has none."""
    attributes = dict(staged)
    for kind in KINDS:
        if kind in attributes:
            attributes[kind] = normalise(kind, str(attributes[kind]))
            if attributes[kind] is None:
                return None
    return attributes


def _may_write(facts: Facts, attributes: Mapping[str, Json]) -> bool:
    if facts.account is None:
        # Nobody could ever sign in to an account that has no name.
        return any(kind in attributes for kind in KINDS)
    # An account that was only named is anybody's: writing onto it would hand it over.
    return facts.owned


def points(config: Config, facts: Facts) -> tuple[TriggerPoint, ...]:
    return () if facts.account is not None else (TriggerPoint.PRE_USER_REGISTRATION,)


NODE: NodeType[Config, Config] = NodeType(
    name="user_write",
    summary="Writes the staged user: a new account, or onto the user's own.",
    config=Config,
    lowered=Config,
    lower=lower,
    run=run,
    outcomes=fixed("success", "taken", "failure"),
    proves=gaining(success=(Gain(identified=True), Gain(("pwd",), identified=True))),
    writes=lambda _config: (("user",),),
    unwritten=frozenset({"taken", "failure"}),
    points=points,
    reaches=lambda _config: REACHES,
    fallbacks=frozenset({"taken", "failure"}),
)
