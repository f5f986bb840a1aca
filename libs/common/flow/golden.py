"""Golden tests: what is expected of a script, and where a flow does otherwise. Pure.

What a test does not say it does not expect, so that it outlives all changes but those it is about.
A flow passes none by accident: a test that expects nothing is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Final

import msgspec

from libs.common.errors import Invalid, Problem
from libs.common.flow.model import Edge, Flow, Json
from libs.common.flow.node import NodeTypes
from libs.common.flow.plan import Program
from libs.common.flow.rules.drawing import outcome_of
from libs.common.flow.script import Script
from libs.common.flow.simulate import simulate
from libs.common.flow.simulation import Result, Simulation

LONGEST_SHOWN: Final = 300
"""Characters of a value in a miss."""

TestName = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=200,
        pattern=r"^[^/\x00-\x1f\x7f]+$(?!\n)",
        description="words without `/` and control characters",
    ),
]


class Expect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is to come of a script. Of maps, only what is named is looked at."""

    result: Result | None = None
    path: tuple[str, ...] | None = None
    """The nodes in the order in which they are come to."""
    views: Mapping[str, Mapping[str, Json] | tuple[Mapping[str, Json], ...]] = msgspec.field(
        default_factory=dict
    )
    """By node id: what it shows last, or a list of all that it shows in turn."""
    facts: Mapping[str, Json] = msgspec.field(default_factory=dict)
    effects: tuple[Mapping[str, Json], ...] | None = None
    """All that would be written and sent, in order."""


NOTHING: Final = Expect()


class Golden(Script, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A script, and what is to come of it."""

    expect: Expect


class NamedGolden(Golden, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of several."""

    name: TestName


class Miss(msgspec.Struct, frozen=True):
    """Something that came otherwise."""

    path: str
    """Where: `result`, `views.password.messages[0].i18nKey`; `answers.pw` of what cannot be
    played."""
    message: str

    def __str__(self) -> str:
        """Say it in a line."""
        return f"{self.path}: {self.message}"


class Outcome(msgspec.Struct, frozen=True):
    """What came of a golden test: it holds where nothing was missed."""

    misses: tuple[Miss, ...]
    simulation: Simulation | None
    """None where the script could not be played to its end."""


class Tested(msgspec.Struct, frozen=True):
    """One of several tests that were run."""

    name: str
    passed: bool
    misses: tuple[Miss, ...]


class Coverage(msgspec.Struct, frozen=True):
    """How many of a flow's edges some test walks."""

    walked: int
    edges: int
    missed: tuple[Edge, ...]


class Judged(msgspec.Struct, frozen=True):
    """What came of several tests of one flow."""

    tests: tuple[Tested, ...]
    coverage: Coverage


def check(golden: Golden, path: str = "") -> tuple[Problem, ...]:
    """Find what keeps a test, which lies at `path`, from being able to fail."""
    if golden.expect != NOTHING:
        return ()
    message = "Expect something: `result`, `path`, `views`, `facts` or `effects`"
    return (Problem("invalid", message, path=f"{path}.expect" if path else "expect"),)


def check_all(goldens: Iterable[NamedGolden]) -> tuple[Problem, ...]:
    """Find all that is wrong with `tests`, which have to have names of their own."""
    problems: list[Problem] = []
    names: set[str] = set()
    for index, golden in enumerate(goldens):
        path = f"tests[{index}]"
        problems += check(golden, path)
        if golden.name in names:
            problems.append(Problem("invalid", "Another test is called so", path=f"{path}.name"))
        names.add(golden.name)
    return tuple(problems)


def run(program: Program, golden: Golden) -> Outcome:
    """Play `golden`, and find all that came otherwise."""
    try:
        simulation = simulate(program, golden)
    except Invalid as error:
        return Outcome(tuple(_unplayed(error)), None)
    return Outcome(tuple(_misses(golden.expect, simulation)), simulation)


def judge(
    flow: Flow, program: Program, types: NodeTypes, goldens: Iterable[tuple[str, Golden]]
) -> Judged:
    """Run tests, each with its name, on `flow`, of which `program` was made."""
    outcomes = [(name, run(program, golden)) for name, golden in goldens]
    tests = tuple(Tested(name, not each.misses, each.misses) for name, each in outcomes)
    played = [each.simulation for _, each in outcomes if each.simulation is not None]
    return Judged(tests, coverage(flow, program, types, played))


def coverage(
    flow: Flow, program: Program, types: NodeTypes, simulations: Iterable[Simulation]
) -> Coverage:
    """Say which of the flow's own edges, as far as they can be reached, the simulations walked."""
    walked = {(each.node, each.outcome) for played in simulations for each in played.trace}
    reached = {step.id for step in program.steps}
    kinds = {node.id: types[node.type] for node in flow.graph.nodes if node.id in reached}
    edges: dict[tuple[str, str | None], Edge] = {}
    for edge in flow.graph.edges:
        if edge.source in kinds:
            # Of two edges for one outcome, the first is the one.
            edges.setdefault((edge.source, outcome_of(edge, kinds[edge.source])), edge)
    missed = tuple(edge for left, edge in edges.items() if left not in walked)
    return Coverage(len(edges) - len(missed), len(edges), missed)


def _unplayed(error: Invalid) -> Iterator[Miss]:
    for problem in error.problems:
        yield Miss(problem.path or "", problem.message)


def _misses(expect: Expect, played: Simulation) -> Iterator[Miss]:
    if expect.result is not None and expect.result != played.result:
        yield _miss("result", expect.result, played.result)
    if expect.path is not None and expect.path != played.path:
        yield Miss("path", f"expected {_way(expect.path)}; went {_way(played.path)}")
    for node, wanted in expect.views.items():
        yield from _views(node, wanted, played)
    yield from _differences("facts", expect.facts, msgspec.to_builtins(played.facts))
    if expect.effects is not None:
        effects = [effect for passage in played.trace for effect in passage.effects]
        yield from _differences("effects", expect.effects, effects)
    if played.unused_inputs:
        message = f"expected all to be sent; the flow was over with {played.unused_inputs} left"
        yield Miss("inputs", message)


def _views(
    node: str, wanted: Mapping[str, Json] | tuple[Mapping[str, Json], ...], played: Simulation
) -> Iterator[Miss]:
    shown = [
        msgspec.to_builtins(each.view)
        for each in played.trace
        if each.node == node and each.view is not None
    ]
    path = f"views.{node}"
    if isinstance(wanted, tuple):
        yield from _differences(path, wanted, shown)
    elif shown:
        yield from _differences(path, wanted, shown[-1])
    else:
        yield Miss(path, f"expected a view; it showed none, and the run went {_way(played.path)}")


def _differences(path: str, wanted: Json, got: Json) -> Iterator[Miss]:
    """Compare: maps by what is wanted of them, lists item by item, all else as it is."""
    if isinstance(wanted, Mapping) and isinstance(got, Mapping):
        for key, each in wanted.items():
            if key in got:
                yield from _differences(f"{path}.{key}", each, got[key])
            else:
                there = ", ".join(map(str, got)) or "nothing"
                yield Miss(f"{path}.{key}", f"expected {_shown(each)}; there is only {there}")
    elif _is_list(wanted) and _is_list(got) and len(wanted) == len(got):
        for index, (each, one) in enumerate(zip(wanted, got, strict=True)):
            yield from _differences(f"{path}[{index}]", each, one)
    elif not _same(wanted, got):
        yield _miss(path, wanted, got)


def _is_list(value: Json) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _same(wanted: Json, got: Json) -> bool:
    # To Python True is 1; to an author it is not.
    return bool(wanted == got) and isinstance(wanted, bool) is isinstance(got, bool)


def _miss(path: str, wanted: Json, got: Json) -> Miss:
    return Miss(path, f"expected {_shown(wanted)}; got {_shown(got)}")


def _shown(value: Json) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"


def _way(path: Sequence[str]) -> str:
    return " → ".join(path) or "nowhere"
