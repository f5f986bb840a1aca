"""Reads what an author wrote of a node or a flow, and finds all that is wrong with it at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from libs.common.errors import Problem
from libs.common.flow.expression import Expression
from libs.common.flow.model import FlowType, Mode, Node, Policy, Settings
from libs.common.flow.node import AnyNodeType, InvalidConfig, Site, parse_expression
from libs.common.flow.plan import Check, Gate
from libs.common.misfit import misfits


class Reading(msgspec.Struct, frozen=True):
    """A config, read; `config` and `lowered` are None where it could not be."""

    config: Any
    lowered: Any
    problems: tuple[Problem, ...]


UNREAD = Reading(None, None, ())
"""Of a node whose type is unknown, so that nobody can say what its config should be."""


def read_config(kind: AnyNodeType, node: Node, flow: FlowType) -> Reading:
    """Read the config of `node`, which is of type `kind`, in a flow of type `flow`."""
    wrong = tuple(misfits(node.config, kind.config, "config"))
    if wrong:
        told = (_problem(node, "invalid_config", each.message, each.path) for each in wrong)
        return Reading(None, None, tuple(told))
    config = msgspec.convert(node.config, kind.config)
    try:
        lowered = kind.lower(config, Site(node.id, flow))
    except InvalidConfig as error:
        problems = tuple(
            _problem(node, problem.code, problem.message, f"config.{problem.path}")
            if problem.path
            else _problem(node, problem.code, problem.message, "config")
            for problem in error.problems
        )
        return Reading(config, None, problems)
    return Reading(config, lowered, ())


class GateReading(msgspec.Struct, frozen=True):
    """Policies, read; `gate` is None where there are none, or where they cannot be read."""

    gate: Gate | None = None
    problems: tuple[Problem, ...] = ()


NO_GATE = GateReading()


def read_gate(where: Node | Settings) -> GateReading:
    """Read the policies of a node, or of a whole flow."""
    if not where.policies:
        return NO_GATE
    name, on_plan, on_run = None, False, False
    if isinstance(where, Node):
        name, on_plan, on_run = where.id, where.evaluate_on_plan, where.re_evaluate_policies
    return _read_policies(where.policies, where.policy_engine_mode, name, on_plan, on_run)


def _read_policies(
    policies: tuple[Policy, ...], mode: Mode, node: str | None, on_plan: bool, on_run: bool
) -> GateReading:
    checks: list[Check] = []
    problems: list[Problem] = []
    for index, policy in enumerate(policies):
        path = f"policies[{index}].expression"
        try:
            expression = parse_expression(policy.expression, path, "boolean")
        except InvalidConfig as error:
            problems += [msgspec.structs.replace(each, node_id=node) for each in error.problems]
        else:
            checks.append(Check(expression, policy.negate))
    if problems:
        return GateReading(None, tuple(problems))
    return GateReading(Gate(tuple(checks), mode, on_plan, on_run))


def expressions_in(value: object, path: str = "config") -> Iterator[tuple[str, Expression]]:
    """Find every expression in a lowered config, with where it is."""
    if isinstance(value, Expression):
        yield path, value
    elif isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            yield from expressions_in(getattr(value, field), f"{path}.{field}")
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from expressions_in(item, f"{path}[{index}]")


def policies_in(gate: Gate | None) -> Iterator[tuple[str, Expression]]:
    """Find every expression in policies, with where it is."""
    for index, check in enumerate(gate.checks if gate is not None else ()):
        yield f"policies[{index}].expression", check.expression


def _problem(node: Node, code: str, message: str, path: str | None) -> Problem:
    return Problem(code, message, node_id=node.id, path=path)
