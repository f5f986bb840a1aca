"""Branches to the first of several cases whose expression is true.

A case that cannot be told true from false leaves by `error`. Going on to the next would choose a
branch that the author meant for others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated

import msgspec

from libs.common.errors import Problem
from libs.common.flow.expression import Expression, truth
from libs.common.flow.node import (
    SKIPPED,
    InvalidConfig,
    NodeType,
    Outcomes,
    Site,
    Visit,
    parse_expression,
    scope_for,
)
from libs.common.flow.turn import Dialogue, Leave

DEFAULT, ERROR = "default", "error"
TAKEN = (DEFAULT, ERROR, SKIPPED)
"""Outcomes that no case may have: who drew an edge for one would catch the others as well."""


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    outcome: Annotated[str, msgspec.Meta(max_length=50, pattern=r"^[A-Za-z0-9_-]+$(?!\n)")]
    """The outcome to leave by; `default`, `error` and `skipped` are taken."""
    when: str
    """An expression that is true or false."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cases: Annotated[tuple[Case, ...], msgspec.Meta(min_length=1, max_length=50)]
    """Tried in order. Where none is true, the node leaves by `default`."""


class Choice(msgspec.Struct, frozen=True):
    outcome: str
    when: Expression


class Lowered(msgspec.Struct, frozen=True):
    cases: tuple[Choice, ...]


def lower(config: Config, site: Site) -> Lowered:
    problems: list[Problem] = []
    choices: list[Choice] = []
    for index, case in enumerate(config.cases):
        if case.outcome in TAKEN:
            message = (
                f"A case cannot be called `{case.outcome}`: the node may leave so without one; "
                "give it another name"
            )
            problems.append(Problem("invalid_config", message, path=f"cases[{index}].outcome"))
        try:
            when = parse_expression(case.when, f"cases[{index}].when", "boolean")
            choices.append(Choice(case.outcome, when))
        except InvalidConfig as error:
            problems.extend(error.problems)
    if problems:
        raise InvalidConfig(*problems)
    return Lowered(tuple(choices))


def run(config: Lowered, visit: Visit) -> Dialogue:
    scope = yield from scope_for(visit, *(case.when for case in config.cases))
    for case in config.cases:
        decided = truth(case.when.evaluate(scope))
        if decided is None:
            return Leave(ERROR)
        if decided:
            return Leave(case.outcome)
    return Leave(DEFAULT)


def reveals(config: Lowered) -> Mapping[str, tuple[tuple[Expression, bool], ...]]:
    times = Counter(case.outcome for case in config.cases)
    found: dict[str, tuple[tuple[Expression, bool], ...]] = {}
    refused: tuple[tuple[Expression, bool], ...] = ()
    for case in config.cases:
        # Where two cases lead to one outcome, nobody can say which of them was true.
        chosen = ((case.when, True),) if times[case.outcome] == 1 else ()
        found.setdefault(case.outcome, (*refused, *chosen))
        refused = (*refused, (case.when, False))
    return {**found, DEFAULT: refused}


NODE: NodeType[Config, Lowered] = NodeType(
    name="switch",
    summary="Branches to the first of several cases whose expression is true.",
    config=Config,
    lowered=Lowered,
    lower=lower,
    run=run,
    outcomes=Outcomes((DEFAULT, ERROR), named=("cases", "outcome")),
    default=DEFAULT,
    fallbacks=frozenset({ERROR}),
    reveals=reveals,
)
