"""Reading configs, beyond what the rules' fixtures show."""

from __future__ import annotations

import msgspec

from libs.common.flow.expression import Expression, parse
from libs.common.flow.model import FlowType, Node
from libs.common.flow.node import NodeType, Site, Visit, fixed
from libs.common.flow.rules.config import expressions_in, read_config
from libs.common.flow.turn import Dialogue, Leave


class Range(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    low: int = 0
    high: int = 9

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("`low` is above `high`")


def keep(config: Range, _site: Site) -> Range:
    return config


def run(_config: Range, _visit: Visit) -> Dialogue:
    yield from ()
    return Leave("success")


RANGED = NodeType(
    name="ranged",
    summary="Has a config whose fields must fit each other.",
    config=Range,
    lowered=Range,
    lower=keep,
    run=run,
    outcomes=fixed("success"),
)


def test_fields_that_do_not_fit_each_other_are_a_problem_of_the_whole_config() -> None:
    reading = read_config(RANGED, Node("n", "ranged", {"low": 5, "high": 4}), FlowType.LOGIN)
    (problem,) = reading.problems
    assert (problem.code, problem.node_id, problem.path) == ("invalid_config", "n", "config")
    assert "`low` is above `high`" in problem.message
    assert reading.config is None


def test_fields_that_fit_each_other_are_read() -> None:
    reading = read_config(RANGED, Node("n", "ranged", {"low": 3}), FlowType.LOGIN)
    assert (reading.config, reading.lowered, reading.problems) == (Range(3), Range(3), ())


def test_every_expression_is_found_however_deep_it_lies() -> None:
    class Case(msgspec.Struct, frozen=True):
        when: Expression

    class Many(msgspec.Struct, frozen=True):
        cases: tuple[Case, ...]
        name: str

    one, two = Expression(parse("true")), Expression(parse("false"))
    found = expressions_in(Many((Case(one), Case(two)), "x"))
    assert list(found) == [("config.cases[0].when", one), ("config.cases[1].when", two)]
