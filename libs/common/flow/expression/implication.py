"""What is certain of one expression where others are known: for proofs along a path.

All of it is about one scope. Who carries a truth from one node to the next must drop it once
something that it reads is written (`paths` tells what it reads, `request.time` included). In
doubt nothing is certain here: a guess would make a proof wrong on the unsafe side.
"""

from collections.abc import Mapping

from libs.common.flow.expression.operators import BINARY, listed, negated, same
from libs.common.flow.expression.tree import Binary, Constant, Expr, Items, Not
from libs.common.flow.expression.values import MISSING, Value, truth


def implied(expr: Expr, value: bool) -> tuple[tuple[Expr, bool], ...]:
    """What certainly came to true or false where `expr` came to `value`, `expr` itself first.

    Beyond it that is the operand of `!`, both of a true `&&` and of a false `||`, for `a !== b`
    the opposite of `a === b`, and for a false `x in [a, b]` a false `x === a` and `x === b`.
    A false `&&` does not tell which side was false, nor that the other was a boolean at all.
    A condition that left by `error` came to neither value and implies nothing.
    """
    found = [(expr, value)]
    match expr:
        case Not(operand=operand):
            found += implied(operand, not value)
        case Binary(operator="&&", left=left, right=right) if value:
            found += (*implied(left, True), *implied(right, True))
        case Binary(operator="||", left=left, right=right) if not value:
            found += (*implied(left, False), *implied(right, False))
        case Binary(operator="!==", left=left, right=right):
            found.append((Binary("===", left, right), not value))
        case Binary(operator="in", left=needle, right=Items(items=items)) if not value:
            found += ((Binary("===", needle, item), False) for item in items)
    return tuple(found)


def decide(expr: Expr, known: Mapping[Expr, bool]) -> bool | None:
    """What `expr` certainly comes to where each of `known` came to its value; None where in doubt.

    What may as well be missing or a fault is in doubt, since nobody takes that for false. `known`
    is what `implied` gives, put together; the time taken grows with the size of `expr` times that
    of `known`.
    """
    return truth(_value(expr, known))


def _value(expr: Expr, known: Mapping[Expr, bool]) -> Value:
    """What `expr` certainly comes to; `MISSING` where unknown.

    An operator that spreads what is missing thereby spreads what is unknown, and `&&` and `||`
    decide in spite of it exactly where any value would do. `??` and `has` do neither.
    """
    if expr in known:
        return known[expr]
    match expr:
        case Constant(value=value):
            return value
        case Not(operand=operand):
            return negated(_value(operand, known))
        case Binary(operator="===", left=left, right=right):
            return _alike(left, _value(left, known), right, _value(right, known), known)
        case Binary(operator="!==", left=left, right=right):
            return negated(_value(Binary("===", left, right), known))
        case Binary(operator="in", left=needle, right=Items(items=items)):
            # Each is looked at once, or needles in needles would multiply.
            sought, values = _value(needle, known), [_value(item, known) for item in items]
            alike = [
                _alike(needle, sought, item, value, known)
                for item, value in zip(items, values, strict=True)
            ]
            if items and all(isinstance(each, bool) for each in alike):
                # As the language defines it: `x in [a, b]` is `x === a || x === b`.
                return True in alike
            return BINARY["in"](sought, listed(values))
        case Binary(operator=operator, left=left, right=right) if operator != "??":
            return BINARY[operator](_value(left, known), _value(right, known))
        case _:
            return _equated(expr, known)


def _alike(left: Expr, one: Value, right: Expr, other: Value, known: Mapping[Expr, bool]) -> Value:
    """What `left === right` comes to, where they come to `one` and to `other`."""
    for either_way in (Binary("===", left, right), Binary("===", right, left)):
        if either_way in known:
            return known[either_way]
    return same(one, other)


def _equated(expr: Expr, known: Mapping[Expr, bool]) -> Value:
    """The literal that `expr` is known to equal, or `MISSING`."""
    for each, is_true in known.items():
        match each:
            case Binary(operator="===", left=left, right=Constant(value=equal)) if (
                is_true and left == expr
            ):
                return equal
            case Binary(operator="===", left=Constant(value=equal), right=right) if (
                is_true and right == expr
            ):
                return equal
    return MISSING
