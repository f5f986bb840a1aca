"""Gives the account codes for the day on which its other factors are lost, and shows them once.

They are the account's once the user says to have kept them, in place of those from before; until
then only digests of them are kept.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec
from msgspec.structs import replace

from libs.common.flow.accounts import (
    HasRecoveryCodes,
    KeepRecoveryCodes,
    MakeRecoveryCodes,
    RecoveryCodes,
)
from libs.common.flow.node import NodeType, Site, Visit, fixed
from libs.common.flow.turn import Dialogue, Leave, Stay, ask
from libs.common.flow.view import COPYABLE, Component, View
from libs.common.nodes.enrolment import is_first, owner, shown
from libs.common.nodes.form import Button, Form, heading_of, make_form, read

KEPT = Button(key="button.codes_kept")


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    count: Annotated[int, msgspec.Meta(ge=1, le=20)] = 10
    """How many there are."""


class Lowered(msgspec.Struct, frozen=True):
    form: Form
    count: int


def lower(config: Config, site: Site) -> Lowered:
    form = make_form(site.node, (), button=KEPT)
    return Lowered(form, config.count)


def run(config: Lowered, visit: Visit) -> Dialogue:
    facts = visit.facts
    digests = tuple(visit.kept.get("digests", ()))
    ours = partial(HasRecoveryCodes, digests=digests) if digests else None
    user = yield from owner(facts, ours)
    if isinstance(user, Leave):
        return user
    assert facts.account is not None  # noqa: S101 - it has an owner
    filled = read(config.form, visit.submitted)
    if isinstance(filled, Stay):
        made = yield from ask(MakeRecoveryCodes(facts.account, config.count))
        view = _view(config.form, made)
        return replace(filled, view=view, kept={"digests": list(made.digests)})
    if not (yield from ask(KeepRecoveryCodes(facts.account, digests, is_first(facts, user)))):
        # There is a factor by now, set up elsewhere since it was looked for; or nobody.
        return Leave("enrolled")
    return Leave("success", shown(facts, "recovery_code"))


def _view(form: Form, made: RecoveryCodes) -> View:
    (drawn,) = form.view.components
    title = heading_of(form, "title.recovery_codes_setup")
    codes = (
        Component(
            f"{drawn.id}_code_{number}",
            "TYPOGRAPHY",
            "BODY1",
            config={"text": code, COPYABLE: True},
        )
        for number, code in enumerate(made.codes, 1)
    )
    return View((title, *codes, drawn))


NODE: NodeType[Config, Lowered] = NodeType(
    name="recovery_codes_setup",
    summary="Gives the user's account recovery codes, and shows them this once.",
    config=Config,
    lowered=Lowered,
    lower=lower,
    run=run,
    wants="owner",
    outcomes=fixed("success", "failure", "enrolled"),
    fallbacks=frozenset({"failure", "enrolled"}),
    waits=frozenset({"success"}),
    writes=lambda _config: (("user", "mfa_enabled"), ("user", "mfa_methods")),
    unwritten=frozenset({"failure", "enrolled"}),
)
