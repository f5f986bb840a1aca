"""Draws a flow of a blueprint as a graph: its stages in their order, one after the other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from libs.common.errors import Invalid, Problem
from libs.common.flow.expression import ExpressionError, parse
from libs.common.flow.model import Edge, Graph, Json, Node, Policy
from libs.common.flow.node import FAILURE, SKIPPED, START, SUCCESS, NodeTypes
from libs.common.misfit import misfits
from services.management.blueprints.entries import BINDING_MODEL, Blueprint, Entry, described
from services.management.blueprints.policies import (
    OPEN,
    Gate,
    order_of,
    untranslated,
)
from services.management.blueprints.stages import (
    EMAIL_MODEL,
    WRITE_MODEL,
    Around,
    mapped,
    stand_in,
)
from services.management.blueprints.steps import FAIL, ON, Stage, Step

LONGEST_ID: Final = 60
LONGEST_LABEL: Final = 200
MOST_BINDINGS: Final = 1_000
"""Stages in the flows of a file."""


class Bound(msgspec.Struct, frozen=True):
    """A stage at its place in a flow."""

    binding: Entry
    stage: Entry | None
    """None where the file does not hold it."""


def draw(blueprint: Blueprint, bound: Sequence[Bound], around: Around, types: NodeTypes) -> Graph:
    """Draw the stages of a flow, from its start to its success."""
    chain = _Chain(blueprint, types)
    for each in _in_order(blueprint, bound):
        chain.add(*_drawn(blueprint, each, around, types))
    return chain.graph()


def bound_stages(blueprint: Blueprint) -> Mapping[int, list[Bound]]:
    """Find the stages of each flow of the file, in their order; note what is bound to no such."""
    found: dict[int, list[Bound]] = {}
    bindings = list(blueprint.of(BINDING_MODEL))
    if len(bindings) > MOST_BINDINGS:
        # Each makes nodes, and one stage may be bound many times.
        problem = Problem(
            "invalid", f"more than {MOST_BINDINGS} bindings of stages", path="entries"
        )
        raise Invalid("the blueprint is too large", (problem,))
    for binding in bindings:
        flow = blueprint.find(binding.fields.get("target"))
        if flow is None:
            where = described(binding.fields.get("target"))
            blueprint.remark(binding, "left_out", f"it adds to {where}", "nothing")
            continue
        stage = blueprint.find(binding.fields.get("stage"))
        found.setdefault(flow.index, []).append(Bound(binding, stage))
    for stages in found.values():
        stages.sort(key=lambda each: order_of(each.binding))
    return found


def _in_order(blueprint: Blueprint, bound: Sequence[Bound]) -> Iterable[Bound]:
    """Put a user who would be inactive until their address is verified behind that.

    An account here is active once it is made; so it is made once it would be active.
    """
    waiting: list[Bound] = []
    for index, each in enumerate(bound):
        rest = bound[index + 1 :]
        if _is_inactive(each) and any(map(_activates, rest)):
            assert each.stage is not None  # noqa: S101 - it is inactive
            stage = msgspec.structs.replace(
                each.stage, fields={**each.stage.fields, "create_users_as_inactive": False}
            )
            waiting.append(Bound(each.binding, stage))
            blueprint.remark(
                each.stage,
                "changed",
                "an account here is active once it is made",
                "it is made once the address is verified",
            )
            continue
        yield each
        if _activates(each):
            yield from waiting
            waiting.clear()


def _is_inactive(bound: Bound) -> bool:
    stage = bound.stage
    return (
        stage is not None
        and stage.model == WRITE_MODEL
        and stage.fields.get("create_users_as_inactive") is True
    )


def _activates(bound: Bound) -> bool:
    stage = bound.stage
    return (
        stage is not None
        and stage.model == EMAIL_MODEL
        and stage.fields.get("activate_user_on_success") is True
    )


def _drawn(
    blueprint: Blueprint, bound: Bound, around: Around, types: NodeTypes
) -> tuple[str, list[Step], Gate, Entry]:
    binding, entry = bound.binding, bound.stage
    action = binding.fields.get("invalid_response_action", "retry")
    if action != "retry":
        became = "the same step again"
        blueprint.remark(binding, "changed", "a wrong answer does not start the flow anew", became)
    if entry is None:
        wanted = described(binding.fields.get("stage"))
        step = stand_in(Stage(blueprint, binding), f"its stage is {wanted}")
        step = msgspec.structs.replace(step, label=wanted[:LONGEST_LABEL])
        return "stage", [step], _gate(binding, around, blueprint, checks=True), binding
    stage = Stage(blueprint, entry)
    how = mapped(entry.model)
    steps = [_fitting(stage, each, types) for each in how.steps(stage, around)]
    stage.rest()
    gate = _gate(binding, around, blueprint, checks=how.checks)
    return stage.name, steps, gate, binding


def _gate(binding: Entry, around: Around, blueprint: Blueprint, *, checks: bool) -> Gate:
    on_plan, on_run = _when(binding)
    if not (on_plan or on_run) and around.policies.bound_to(binding):
        # Nor does authentik look at them.
        blueprint.remark(binding, "left_out", "its policies are never looked at", "it always runs")
        return OPEN
    return around.policies.of_node(binding, checks=checks)


def _when(binding: Entry) -> tuple[bool, bool]:
    """Say when policies are looked at: as the session starts, and when the stage is reached."""
    on_plan = binding.fields.get("evaluate_on_plan", False) is True
    on_run = binding.fields.get("re_evaluate_policies", True) is not False
    return on_plan, on_run


def _fitting(stage: Stage, step: Step, types: NodeTypes) -> Step:
    """Return `step` without what its node type does not take."""
    kind = types.get(step.type)
    if kind is None:
        return step
    config = dict(step.config)
    for problem in tuple(misfits(config, kind.config)):
        field = re.split(r"[.\[]", problem.path or "", maxsplit=1)[0]
        if config.pop(field, None) is not None:
            stage.lose(f"`{field}` of a `{step.type}` cannot be what it would have to be")
    if any(misfits(config, kind.config)):
        closed = stand_in(stage, f"a `{step.type}` cannot do without")
        return msgspec.structs.replace(closed, part=step.part, aside=step.aside)
    return msgspec.structs.replace(step, config=config)


class _Chain:
    """The graph so far, and what still waits for the next node."""

    def __init__(self, blueprint: Blueprint, types: NodeTypes) -> None:
        self._blueprint = blueprint
        self._types = types
        self._nodes: dict[str, Node] = {}
        self._edges: list[Edge] = []
        self._loose: list[tuple[str, str | None]] = []
        self._ends = {name: self._claim(name) for name in (START, SUCCESS, FAILURE)}
        self._nodes[self._ends[START]] = Node(self._ends[START], START)
        self._loose.append((self._ends[START], None))

    def graph(self) -> Graph:
        """Lead on to the end."""
        ends = (self._ends[SUCCESS], self._ends[FAILURE])
        self._lead(self._loose, ends[0])
        nodes = [each for name, each in self._nodes.items() if name not in ends]
        return Graph((*nodes, Node(ends[0], SUCCESS), Node(ends[1], FAILURE)), tuple(self._edges))

    def add(self, name: str, steps: list[Step], gate: Gate, binding: Entry) -> None:
        """Add the nodes of a stage, which `gate` decides about."""
        names = {each.part: self._claim(f"{name} {each.part}".strip()) for each in steps}
        main = [each for each in steps if not each.aside]
        first = main[0]
        after: list[tuple[str, str | None]] = []
        if gate.policies and (self._is_choice(first) or (first.closed and gate.mode == "any")):
            # What is no node's to decide, or not together with what else it has to, comes before.
            guard = self._claim(f"{name} policies")
            condition = _readable(gate.expression(), name)
            self._nodes[guard] = Node(
                guard,
                "condition",
                {"condition": condition},
                label=f"Policies of {name}"[:LONGEST_LABEL],
            )
            self._lead(self._loose, guard)
            self._loose = [(guard, "true")]
            after.append((guard, "false"))
            gate = OPEN
            if not _when(binding)[1]:
                reason = "a condition is looked at when it is reached"
                self._blueprint.remark(binding, "changed", reason, "not when the session starts")
        self._lead(self._loose, names[first.part])
        for index, step in enumerate(main):
            id = names[step.part]
            inner = gate if index == 0 else OPEN
            self._nodes[id] = _node(id, step, name, inner, binding)
            following = main[index + 1 :]
            if following:
                self._lead([(id, step.on)], names[following[0].part])
            else:
                after.insert(0, (id, step.on))
            if inner.policies and following:
                after.append((id, SKIPPED))
            after += self._aside(id, step, names)
        for step in steps:
            if step.aside:
                id = names[step.part]
                self._nodes[id] = _node(id, step, name, OPEN, binding)
                after += [(id, step.on), *self._aside(id, step, names)]
        self._loose = after

    def _aside(self, id: str, step: Step, names: Mapping[str, str]) -> list[tuple[str, str | None]]:
        """Draw where a step leads by other outcomes; return those by which a run goes on."""
        after: list[tuple[str, str | None]] = []
        for outcome, target in step.off.items():
            if target == ON:
                after.append((id, outcome))
            else:
                to = self._ends[FAILURE] if target == FAIL else names[target]
                self._edges.append(Edge(id, to, outcome))
        return after

    def _is_choice(self, step: Step) -> bool:
        kind = self._types.get(step.type)
        return kind is not None and kind.default is None

    def _lead(self, loose: list[tuple[str, str | None]], target: str) -> None:
        self._edges += [Edge(source, target, outcome) for source, outcome in loose]

    def _claim(self, name: str) -> str:
        plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:LONGEST_ID] or "stage"
        id, number = plain, 1
        while id in self._nodes:
            number += 1
            id = f"{plain}-{number}"
        # So that two that are claimed together are told apart.
        self._nodes[id] = Node(id, "")
        return id


def _node(id: str, step: Step, name: str, gate: Gate, binding: Entry) -> Node:
    on_plan, on_run = _when(binding)
    mode, policies = gate.mode, gate.policies
    if step.closed:
        policies = (*policies, Policy(untranslated(name)))
        mode = "all" if gate.policies else "any"
        on_plan, on_run = (on_plan, True) if gate.policies else (False, True)
    config: Mapping[str, Json] = step.config
    label = (step.label or name)[:LONGEST_LABEL]
    if not policies:
        return Node(id, step.type, config, label=label)
    return Node(
        id,
        step.type,
        config,
        label=label,
        policies=policies,
        policy_engine_mode=mode,
        evaluate_on_plan=on_plan,
        re_evaluate_policies=on_run,
    )


def _readable(expression: str, name: str) -> str:
    """Return an expression, or one that lets nobody past where it is too large."""
    try:
        parse(expression)
    except ExpressionError:
        return untranslated(name)
    return expression
