from typing import get_args

import pytest

from libs.common.flow.expression.grammar import BINDING, clash
from libs.common.flow.expression.operators import BINARY
from libs.common.flow.expression.parse import parse
from libs.common.flow.expression.tree import Operator


def test_every_operator_binds_and_has_a_meaning() -> None:
    names = {name for part in get_args(Operator) for name in get_args(part) or (part,)}
    assert set(BINDING) == set(BINARY) == names


@pytest.mark.parametrize(
    ("operator", "operand"),
    [("??", "a || b"), ("??", "a && b"), ("||", "a ?? b"), ("&&", "a ?? b")],
)
def test_a_default_does_not_stand_bare_beside_a_logical_operator(
    operator: Operator, operand: str
) -> None:
    assert "parentheses" in str(clash(operator, parse(operand)))


@pytest.mark.parametrize(
    ("operator", "operand"), [("<", "a < b"), ("===", "a !== b"), ("in", "a === b")]
)
def test_comparisons_do_not_chain(operator: Operator, operand: str) -> None:
    assert "do not chain" in str(clash(operator, parse(operand)))


@pytest.mark.parametrize(
    ("operator", "operand"),
    [
        ("&&", "a && b"),
        ("||", "a && b"),
        ("&&", "a < b"),
        ("??", "a ?? b"),
        ("??", "a === b"),
        ("===", "a"),
        ("??", "!a"),
    ],
)
def test_all_else_may_stand_beside_one_another(operator: Operator, operand: str) -> None:
    assert clash(operator, parse(operand)) is None
