"""Asks for a new password, which `user_write` then writes.

It is none that everybody tries first: not what the user is called, and, where the deployment has
such a list, none that was found in a breach.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from libs.common.errors import Problem
from libs.common.flow.accounts import IsBreached
from libs.common.flow.identifier import KINDS
from libs.common.flow.node import InvalidConfig, NodeType, Site, Visit, fixed
from libs.common.flow.questions import HashPassword, LoadUser
from libs.common.flow.turn import Dialogue, Facts, FieldError, Leave, Question, Stay, ask
from libs.common.nodes.form import (
    LONGEST_PASSWORD,
    SHORTEST_PASSWORD,
    Field,
    Form,
    Kind,
    make_form,
    read,
    refused,
)
from libs.common.secret import Secret

Length = Annotated[int, msgspec.Meta(ge=1, le=LONGEST_PASSWORD)]

PASSWORD, CONFIRMATION = "password", "confirmation"


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    min_length: Length = SHORTEST_PASSWORD
    """Characters that it has at least."""
    max_length: Length = LONGEST_PASSWORD
    """Characters that it has at most."""
    confirm: bool = True
    """Whether it is typed twice, the second time into `confirmation`."""


class Lowered(msgspec.Struct, frozen=True):
    form: Form


def lower(config: Config, site: Site) -> Lowered:
    if config.min_length > config.max_length:
        message = f"No password has {config.min_length} characters and {config.max_length} at most"
        raise InvalidConfig(Problem("invalid_config", message, path="min_length"))
    password = Field(
        PASSWORD,
        Kind.PASSWORD,
        key="label.new_password",
        shortest=config.min_length,
        longest=config.max_length,
        bounds_shown=True,
    )
    again = (
        (Field(CONFIRMATION, Kind.PASSWORD, key="label.confirmation"),) if config.confirm else ()
    )
    return Lowered(make_form(site.node, (password, *again)))


def run(config: Lowered, visit: Visit) -> Dialogue:
    filled = read(config.form, visit.submitted)
    if isinstance(filled, Stay):
        return filled
    facts, password = visit.facts, filled.secrets[PASSWORD]
    if filled.secrets.get(CONFIRMATION, password) != password:
        return refused(config.form, [FieldError(CONFIRMATION, "password.differs")])
    names = yield from _names(facts)
    if any(Secret(name) == Secret(password.reveal().casefold()) for name in names):
        return refused(config.form, [FieldError(PASSWORD, "password.is_name")])
    if (yield from ask(IsBreached(password))):
        return refused(config.form, [FieldError(PASSWORD, "password.breached")])
    hashed = yield from ask(HashPassword(password))
    return Leave("success", replace(facts, password_hash=hashed))


def _names(facts: Facts) -> Generator[Question[Any], Any, set[str]]:
    """Gather what the user is called, of an address also what is before its `@`."""
    known = [facts.identifier, *(facts.staged.get(kind) for kind in KINDS)]
    if facts.account is not None and facts.owned:
        user = (yield from ask(LoadUser(facts.account))) or {}
        known += [user.get(kind) for kind in KINDS]
    return {part for name in known if isinstance(name, str) for part in _parts(name)}


def _parts(name: str) -> Iterator[str]:
    folded = name.casefold()
    yield folded
    yield folded.partition("@")[0]


NODE: NodeType[Config, Lowered] = NodeType(
    name="password_setup",
    summary="Asks for a new password, which `user_write` then writes.",
    config=Config,
    lowered=Lowered,
    lower=lower,
    run=run,
    wants="owner_if_named",
    outcomes=fixed("success"),
    fallbacks=frozenset(),
    waits=frozenset({"success"}),
)
