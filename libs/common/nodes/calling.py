"""What `action` and `webhook` have in common: what they send, and what they take of the answer.

An answer decides nothing that its author did not foresee: it names one of the outcomes that are
declared, and sets the attributes that are declared, of the types that are declared. Any other is
no answer.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Generator, Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from libs.common.errors import Problem
from libs.common.flow.calls import Reached
from libs.common.flow.expression import Expression
from libs.common.flow.model import Json
from libs.common.flow.node import (
    SKIPPED,
    UNDECIDED,
    InvalidConfig,
    Visit,
    parse_expression,
    scope_for,
)
from libs.common.flow.turn import Leave, Question
from libs.common.nodes.form import Name
from libs.common.nodes.storable import is_storable

SUCCESS, DENIED, FAILURE = "success", "denied", "failure"
FIXED: Final = (SUCCESS, DENIED, FAILURE)
FALLBACKS: Final = frozenset({DENIED, FAILURE})
_TAKEN: Final = (*FIXED, SKIPPED, UNDECIDED)

# RFC 6901, and of at least one part: the whole answer is never an attribute.
Pointer = Annotated[str, Meta(pattern=r"^(/([^~/\x00-\x1f]|~[01])*)+$(?!\n)", max_length=500)]


_INDEX: Final = re.compile("0|[1-9][0-9]{0,3}")


class Parameter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Name
    """What it is called in `parameters` of what is sent."""
    value: str
    """An expression, as in `user.email`; `'gold'` for a fixed string."""


class Attribute(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    attribute: Name
    """What it is called in `facts`."""
    type: Literal["string", "number", "boolean", "list", "map"]
    """What it has to be there, as JSON has it."""
    at: Pointer | None = None
    """Where it is in the answer, as a JSON pointer; without it, at `/<attribute>`."""
    required: bool = True
    """An answer that lacks it, or has null there, is none. Otherwise the attribute is null then."""


class Way(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    outcome: Annotated[str, Meta(max_length=50, pattern=r"^[A-Za-z0-9_-]+$(?!\n)")]
    """What the answer may name. `success`, `denied` and `failure` need not be declared."""


class Calling(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    parameters: Annotated[tuple[Parameter, ...], Meta(max_length=50)] = ()
    """What is sent. Where one cannot be evaluated, the node leaves by `failure`."""
    attributes: Annotated[tuple[Attribute, ...], Meta(max_length=50)] = ()
    """What is taken of the answer. Where it lacks one, or has it of another type, the node leaves
    by `failure`."""
    outcomes: Annotated[tuple[Way, ...], Meta(max_length=50)] = ()
    """What the node may leave by besides `success`, `denied` and `failure`."""
    outcome_at: Pointer = "/outcome"
    """Where the answer names the outcome, as a JSON pointer. Where it names none the node leaves by
    `success`, where it names one that is not declared, by `failure`."""


class Sent(msgspec.Struct, frozen=True):
    name: str
    value: Expression


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """A lowered `Calling`."""

    parameters: tuple[Sent, ...]
    attributes: tuple[Attribute, ...]
    outcomes: tuple[str, ...]
    outcome_at: str


def lower_exchange(config: Calling) -> Exchange:
    """Compile what is sent and taken, or raise `InvalidConfig`."""
    problems: list[Problem] = []
    sent: list[Sent] = []
    for index, parameter in enumerate(config.parameters):
        try:
            value = parse_expression(parameter.value, f"parameters[{index}].value")
            sent.append(Sent(parameter.name, value))
        except InvalidConfig as error:
            problems.extend(error.problems)
    for index, way in enumerate(config.outcomes):
        if way.outcome in _TAKEN:
            message = f"`{way.outcome}` is an outcome without being declared; give it another name"
            path = f"outcomes[{index}].outcome"
            problems.append(Problem("invalid_config", message, path=path))
    for field, names in (
        ("parameters", [each.name for each in config.parameters]),
        ("attributes", [each.attribute for each in config.attributes]),
    ):
        for index, name in enumerate(names):
            if name in names[:index]:
                message = f"`{name}` is there already; name each once"
                path = f"{field}[{index}]"
                problems.append(Problem("invalid_config", message, path=path))
    if problems:
        raise InvalidConfig(*problems)
    return Exchange(
        parameters=tuple(sent),
        attributes=config.attributes,
        outcomes=(*FIXED, *(way.outcome for way in config.outcomes)),
        outcome_at=config.outcome_at,
    )


def key_of(visit: Visit) -> str:
    """Name this visit: the same where a turn that died is run again, another at the next visit."""
    return str(uuid.uuid5(uuid.UUID(visit.session), f"call:{visit.node}:{visit.revision}"))


def body_of(
    exchange: Exchange, visit: Visit
) -> Generator[Question[Any], Any, Mapping[str, Json] | None]:
    """Say what is sent; None where a parameter cannot be evaluated."""
    scope = yield from scope_for(visit, *(each.value for each in exchange.parameters))
    parameters = {each.name: each.value.evaluate(scope) for each in exchange.parameters}
    if not all(map(is_storable, parameters.values())):
        return None
    # Not the session's id: whoever has that can go on with the session.
    return {"flow": visit.flow.value, "node": visit.node, "parameters": parameters}


def take(exchange: Exchange, visit: Visit, answer: Reached | None) -> Leave:
    """Leave as the answer says."""
    if answer is None:
        return Leave(FAILURE)
    outcome = _at(answer.body, exchange.outcome_at)
    if outcome is None:
        outcome = SUCCESS
    if not isinstance(outcome, str) or outcome not in exchange.outcomes:
        return Leave(FAILURE)
    if outcome in FALLBACKS or not exchange.attributes:
        return Leave(outcome)
    taken: dict[str, Json] = {}
    for attribute in exchange.attributes:
        value = _at(answer.body, attribute.at or f"/{attribute.attribute}")
        missing = value is None and not attribute.required
        if not (missing or (_is_a(value, attribute.type) and is_storable(value))):
            return Leave(FAILURE)
        taken[attribute.attribute] = value
    facts = visit.facts
    return Leave(outcome, replace(facts, attributes={**facts.attributes, **taken}))


def writes(config: Calling) -> tuple[tuple[str, ...], ...]:
    """Name the attributes that an answer sets."""
    return tuple(("facts", each.attribute) for each in config.attributes)


def _at(value: Json, pointer: str) -> Json:
    """Return what is at an RFC 6901 pointer; None where nothing is."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, list) and _INDEX.fullmatch(name):
            value = value[int(name)] if int(name) < len(value) else None
        else:
            return None
    return value


def _is_a(value: Json, type: str) -> bool:
    if isinstance(value, bool):
        return type == "boolean"
    return isinstance(value, _KINDS[type])


_KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (),
    "list": (list,),
    "map": (dict,),
}
