"""Values that nobody kept, and expressions that would rather stop than guess what they were.

A mask is foreign to the language of conditions, so an operation on it is a fault, and only what
does not depend on it comes to a value: `false && inputs.email === "…"` is false whatever was typed.
Anything else that is done with a mask raises `Undecided`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, NoReturn

import msgspec

from libs.common.flow.expression import MISSING, Evaluate, Expr, Expression, Scope, Value, paths
from libs.common.flow.expression.values import FOREIGN, kind
from libs.common.flow.heard import Evaluated, evaluated
from libs.common.flow.model import Json
from libs.common.flow.record import Masked, Redacted


class Undecided(Exception):
    """It would have to be known what nobody kept; `needs` says what."""

    def __init__(self, *needs: str) -> None:
        """Name what would have to be known."""
        super().__init__(", ".join(needs))
        self.needs = needs


class Mask:
    """Stands for a value that was not kept. Whether two are one value, only `same` says."""

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        """Know what `kind` it is of; see `Masked`."""
        self.kind = kind

    def _refuse(self, *_: object) -> NoReturn:
        raise Undecided(f"a value of kind {self.kind}")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __str__ = __len__ = __iter__ = __contains__ = __getitem__ = __int__ = __float__ = _refuse
    __hash__ = None  # type: ignore[assignment]  # what cannot be compared cannot be looked up

    def __bool__(self) -> bool:  # noqa: PLE0304 - it raises
        """Be neither empty nor not."""
        self._refuse()

    def __getattr__(self, name: str) -> NoReturn:
        """Have no attribute: not that a node would find one missing."""
        self._refuse()


class UnknownUser(Mask):
    """Stands for a user whom nobody looked up."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("unknown")

    def __bool__(self) -> bool:
        """Be there, so that an expression which reads it may find that it does not matter."""
        return True


def same(one: object, other: object) -> bool:
    """Whether two values are certainly the same: masks are where they are one object.

    Values of two types never are, though Python calls `True` and `1` equal.
    """
    if one is other:
        return True
    if type(one) is not type(other) or isinstance(one, Mask):
        return False
    if isinstance(one, msgspec.Struct):
        return all(same(getattr(one, name), getattr(other, name)) for name in one.__struct_fields__)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def unmask(value: Redacted) -> Any:  # noqa: ANN401 - data, or a mask
    """Return what was kept as it is read by expressions."""
    return Mask(value.masked) if isinstance(value, Masked) else value


Otherwise = Callable[[tuple[str, ...], Scope], Value]
"""(what would have to be known, what is read from) → the value to go on with, or `Undecided`."""


def give_up(needs: tuple[str, ...], _scope: Scope) -> NoReturn:
    """Have no value to go on with."""
    raise Undecided(*needs)


class Guarded(Expression, frozen=True, dict=True):
    """`Expression`, with `otherwise` in place of a value that hangs on what nobody kept."""

    otherwise: Otherwise = give_up

    @cached_property
    def evaluate(self) -> Evaluate:
        """The function from a scope to the value."""
        plain = Expression(self.tree).evaluate

        def evaluate(scope: Scope) -> Value:
            value = plain(scope)
            needs = () if _is_settled(value) else tuple(_masked(self.tree, scope))
            return self.otherwise(needs, scope) if needs else value

        return evaluate


def readings(expression: Expression, scope: Scope) -> list[Value]:
    """Say what `expression` reads of `scope`: what it comes to hangs on nothing else."""
    return [_read(path, scope) for path in paths(expression.tree)]


def explained(path: str, expression: Expression, scope: Scope) -> Evaluated:
    """Say what `expression`, which is at `path`, came to, as far as that can be known.

    `{"masked": kind}` is what was not kept, `{"unknown": true}` what hangs on it.
    """
    whole = evaluated(path, expression, scope)
    parts = tuple(msgspec.structs.replace(part, value=_shown(part.value)) for part in whole.parts)
    return msgspec.structs.replace(whole, value=parts[0].value, parts=parts)


def _shown(value: Any) -> Json:  # noqa: ANN401 - data with masks in it
    if isinstance(value, UnknownUser):
        return {"unknown": True}
    if isinstance(value, Mask):
        return {"masked": value.kind}
    if isinstance(value, Mapping):
        # That very object: data may hold the same words.
        if value.get("fault") is FOREIGN.reason:
            return {"unknown": True}
        return {name: _shown(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(item) for item in value]
    return value


def _is_settled(value: Value) -> bool:
    return kind(value) is not None and not _has_mask(value)


def _masked(tree: Expr, scope: Scope) -> Iterator[str]:
    """Name what `tree` reads that is masked, or has something in it that is."""
    for path in paths(tree):
        if _has_mask(_read(path, scope)):
            yield ".".join(path)


def _read(path: tuple[str, ...], scope: Scope) -> Any:  # noqa: ANN401 - data, or a mask
    """Return what is at `path`, or what is in the way there."""
    value: Any = scope
    for name in path:
        if not isinstance(value, Mapping):
            return value
        value = value.get(name, MISSING)
    return value


def _has_mask(value: Any) -> bool:  # noqa: ANN401 - data with masks in it
    if isinstance(value, Mask):
        return True
    if isinstance(value, Mapping):
        return any(map(_has_mask, value.values()))
    return isinstance(value, list | tuple) and any(map(_has_mask, value))
