"""Asks who the user is: by email address, user name or phone number.

It leaves the same way whether or not there is such an account.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec.structs import replace

from libs.common.errors import Problem
from libs.common.flow.identifier import normalise
from libs.common.flow.node import InvalidConfig, NodeType, Site, Visit, fixed, gaining
from libs.common.flow.proof import Gain
from libs.common.flow.questions import FindAccount
from libs.common.flow.turn import Dialogue, Facts, FieldError, Leave, Stay, ask
from libs.common.nodes.form import Field, Form, Kind, make_form, read, refused

FIELDS = {
    "email": Field("email", Kind.EMAIL, key="label.email"),
    "username": Field("username", Kind.USERNAME, key="label.username"),
    "phone": Field("phone", Kind.TELEPHONE, key="label.phone"),
}
LABELS = {
    frozenset({"email", "username"}): "label.email_or_username",
    frozenset({"email", "phone"}): "label.email_or_phone",
    frozenset({"username", "phone"}): "label.username_or_phone",
    frozenset(FIELDS): "label.identifier",
}


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    identifier_types: Annotated[
        tuple[Literal["email", "username", "phone"], ...], msgspec.Meta(min_length=1)
    ] = ("email",)
    """What the user may be called by. The input is named after the only one, or `identifier`."""


class Lowered(msgspec.Struct, frozen=True):
    form: Form
    kinds: tuple[str, ...]


def lower(config: Config, site: Site) -> Lowered:
    kinds = config.identifier_types
    if len(set(kinds)) < len(kinds):
        raise InvalidConfig(
            Problem("invalid_config", "Name each type once", path="identifier_types")
        )
    return Lowered(make_form(site.node, (_field(kinds),)), kinds)


def _field(kinds: tuple[str, ...]) -> Field:
    if len(kinds) == 1:
        return FIELDS[kinds[0]]
    return Field("identifier", Kind.TEXT, key=LABELS[frozenset(kinds)])


def run(config: Lowered, visit: Visit) -> Dialogue:
    filled = read(config.form, visit.submitted)
    if isinstance(filled, Stay):
        return filled
    ((name, typed),) = filled.values.items()
    # No text is an identifier of two kinds, so at most one of these finds anything.
    for kind in config.kinds:
        identifier = normalise(kind, typed)
        if identifier is not None:
            account = yield from ask(FindAccount((kind,), identifier))
            facts = _named(visit.facts, identifier, account)
            return Leave("success", replace(facts, inputs={**facts.inputs, name: identifier}))
    return refused(config.form, [FieldError(name, "field.identifier")])


def _named(facts: Facts, identifier: str, account: str | None) -> Facts:
    if account == facts.account:
        return replace(facts, identifier=identifier)
    # What was proved, set or staged for one account says nothing of another: whoever proves to
    # be A and then names B has not proved to be B.
    if facts.account is not None:
        facts = Facts(inputs=facts.inputs)
    return replace(facts, identifier=identifier, account=account, proved=(), created=False)


NODE: NodeType[Config, Lowered] = NodeType(
    name="identifier_input",
    summary="Asks for an email address, user name or phone number.",
    config=Config,
    lowered=Lowered,
    lower=lower,
    run=run,
    outcomes=fixed("success"),
    fallbacks=frozenset(),
    waits=frozenset({"success"}),
    proves=gaining(success=(Gain(identified=True, afresh=True),)),
    writes=lambda config: (("user",), ("inputs", _field(config.identifier_types).name)),
)
