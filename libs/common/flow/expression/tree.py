"""The typed tree of an expression, as a plan stores it.

Trees can be compared and hashed: equal ones say the same, whatever the scope. The hash is kept,
or each look-up of a part of a tree would walk all of that part again.
On the wire every node is an array that starts with its tag, so tags, the order of fields and
the operators' names are part of the plan's format.
"""

from typing import Literal, TypeAlias, assert_never

import msgspec

Logical: TypeAlias = Literal["&&", "||", "??"]
Equality: TypeAlias = Literal["===", "!=="]
Ordering: TypeAlias = Literal["<", "<=", ">", ">="]
Operator: TypeAlias = Logical | Equality | Ordering | Literal["in"]


class Constant(msgspec.Struct, frozen=True, array_like=True, tag="k"):
    value: bool | int | float | str | None

    # In Python True, 1 and 1.0 are equal; trees that hold them are written differently.
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Constant) and self._exact() == other._exact()

    def __hash__(self) -> int:
        return hash(self._exact())

    def _exact(self) -> tuple[type, bool | int | float | str | None]:
        return (type(self.value), self.value)


class Root(msgspec.Struct, frozen=True, array_like=True, cache_hash=True, tag="r"):
    name: str


class Member(msgspec.Struct, frozen=True, array_like=True, cache_hash=True, tag="m"):
    """`of.name`, and `of["name"]`: the same thing, so both are this."""

    of: "Expr"
    name: str


class Index(msgspec.Struct, frozen=True, array_like=True, cache_hash=True, tag="i"):
    """`of[at]` where `at` is not a string literal."""

    of: "Expr"
    at: "Expr"


class Not(msgspec.Struct, frozen=True, array_like=True, cache_hash=True, tag="n"):
    operand: "Expr"


class Binary(msgspec.Struct, frozen=True, array_like=True, cache_hash=True, tag="b"):
    operator: Operator
    left: "Expr"
    right: "Expr"


class Choice(msgspec.Struct, frozen=True, array_like=True, cache_hash=True, tag="c"):
    condition: "Expr"
    then: "Expr"
    otherwise: "Expr"


class Items(msgspec.Struct, frozen=True, array_like=True, cache_hash=True, tag="l"):
    """A list literal."""

    items: tuple["Expr", ...]


class Call(msgspec.Struct, frozen=True, array_like=True, cache_hash=True, tag="f"):
    function: str
    arguments: tuple["Expr", ...]


Expr: TypeAlias = Constant | Root | Member | Index | Not | Binary | Choice | Items | Call


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct sub-expressions of `expr`, in the order in which they are written."""
    match expr:
        case Constant() | Root():
            return ()
        case Member(of=of):
            return (of,)
        case Index(of=of, at=at):
            return (of, at)
        case Not(operand=operand):
            return (operand,)
        case Binary(left=left, right=right):
            return (left, right)
        case Choice(condition=condition, then=then, otherwise=otherwise):
            return (condition, then, otherwise)
        case Items(items=items):
            return items
        case Call(arguments=arguments):
            return arguments
        case _:
            assert_never(expr)


def static_path(expr: Expr) -> tuple[str, ...] | None:
    """The attribute path that `expr` is, as ("user", "email"), or None if it is anything else."""
    if isinstance(expr, Root):
        return (expr.name,)
    if isinstance(expr, Member):
        parent = static_path(expr.of)
        return None if parent is None else (*parent, expr.name)
    return None
