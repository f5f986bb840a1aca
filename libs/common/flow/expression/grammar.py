"""How tightly operators bind, and which may not stand beside one another without parentheses.

The parser and the printer both go by this, so that what one writes the other reads alike.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from libs.common.flow.expression.tree import Binary, Expr, Operator

CHOICE: Final = 0
LOOSEST: Final = 1
COMPARISON: Final = 3
TIGHTEST: Final = 4

BINDING: Final[Mapping[Operator, int]] = MappingProxyType(
    {
        "??": LOOSEST,
        "||": LOOSEST,
        "&&": 2,
        "===": COMPARISON,
        "!==": COMPARISON,
        "<": COMPARISON,
        "<=": COMPARISON,
        ">": COMPARISON,
        ">=": COMPARISON,
        "in": COMPARISON,
    }
)
"""What binds tighter has the higher number; `? :` is below all, `!` and access above."""


def clash(operator: Operator, operand: Expr) -> str | None:
    """What to write instead where `operand` stands bare beside `operator`, or None if it may."""
    if not isinstance(operand, Binary):
        return None
    inner = operand.operator
    # As in JavaScript: no reader could say which of the two goes first.
    if "??" in (operator, inner) and {operator, inner} & {"&&", "||"}:
        return f"`{inner}` and `{operator}` do not mix; put parentheses around one of them"
    # In JavaScript `1 < x < 3` compares a boolean with 3, which nobody means.
    if BINDING[operator] == BINDING[inner] == COMPARISON:
        return f"`{inner}` and `{operator}` do not chain; join two comparisons with `&&`"
    return None
