"""Asks for the password of the account named before.

Somebody whom no account is named for is asked as well, and their password is wrong.
"""

from __future__ import annotations

import msgspec

from libs.common.flow.node import NodeType, Site, Visit, fixed, gaining
from libs.common.flow.proof import Gain
from libs.common.flow.questions import CheckPassword
from libs.common.flow.turn import Dialogue, Stay
from libs.common.nodes.form import Field, Form, Kind, make_form, read
from libs.common.nodes.guess import Attempts, guess


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    attempts: Attempts = 5
    """Wrong passwords in one session, loops back included; the last leaves by `failure`."""


class Lowered(msgspec.Struct, frozen=True):
    form: Form
    attempts: int


def lower(config: Config, site: Site) -> Lowered:
    form = make_form(site.node, (Field("password", Kind.PASSWORD, key="label.password"),))
    return Lowered(form, config.attempts)


def run(config: Lowered, visit: Visit) -> Dialogue:
    filled = read(config.form, visit.submitted)
    if isinstance(filled, Stay):
        return filled
    facts = visit.facts
    question = CheckPassword(facts.account, facts.identifier, filled.secrets["password"])
    return (
        yield from guess(
            question,
            visit,
            config.form,
            attempts=config.attempts,
            amr="pwd",
            wrong="password.wrong",
        )
    )


NODE: NodeType[Config, Lowered] = NodeType(
    name="password_input",
    summary="Asks for the password of the account that was named before.",
    config=Config,
    lowered=Lowered,
    lower=lower,
    run=run,
    outcomes=fixed("success", "failure"),
    waits=frozenset({"success", "failure"}),
    proves=gaining(success=(Gain(("pwd",)),)),
)
