"""Finds what runs inside a flow: the flows that its nodes call, and the triggers at its points.

Each is drawn once, however often it is called.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from libs.common.errors import Problem
from libs.common.flow.model import ALONE, Flow, FlowType, Library, TriggerPoint
from libs.common.flow.node import NodeTypes
from libs.common.flow.rules.drawing import Drawing, Links, Place, draw
from libs.common.flow.rules.policies_are_right import policies_are_right

DEEPEST = 8
"""Flows that may run inside one another."""


def survey(flow: Flow, types: NodeTypes, library: Library = ALONE) -> Drawing:
    """Index the graph of `flow`, and those of all that runs inside it."""
    drawing = draw(flow, types, library)
    return replace(drawing, links=_link(drawing))


def calls(drawing: Drawing) -> Iterator[tuple[str, str]]:
    """Find each node in reach that runs a flow, and the slug of that."""
    for name, place in drawing.in_reach():
        slug = called(place)
        if slug is not None:
            yield name, slug


def inside_name(flow: Flow, node: str) -> str:
    """Name a node of a flow that runs inside another: no slug has a `/`."""
    return f"{flow.name}/{node}"


def called(place: Place) -> str | None:
    """Name the flow that a node runs; None for a node that runs none."""
    if place.type is None or place.reading.config is None:
        return None
    return place.type.calls(place.reading.config)


def _link(drawing: Drawing) -> Links:
    search = _Search(drawing)
    search.follow(drawing, (drawing.flow.name,))
    triggers: dict[TriggerPoint, tuple[Drawing, ...]] = {}
    points = _points(drawing, search.flows.values())
    for flow in drawing.library.triggers if drawing.flow.type is not FlowType.TRIGGER else ():
        trigger = flow.settings.trigger
        if trigger is not None and trigger.id in points:
            drawn = draw(flow, drawing.types, drawing.library)
            triggers[trigger.id] = (*triggers.get(trigger.id, ()), drawn)
            search.follow(drawn, (flow.name,))
    inside = [*search.flows.values(), *(each for some in triggers.values() for each in some)]
    wrong = [problem for each in inside for problem in (*_broken(each), *_mistaken(drawing, each))]
    return Links(search.flows, triggers, (*search.problems, *wrong))


class _Search:
    def __init__(self, root: Drawing) -> None:
        self.flows: dict[str, Drawing] = {}
        self.problems: list[Problem] = []
        self._root = root
        self._depths: dict[str, int] = {}

    def follow(self, drawing: Drawing, path: tuple[str, ...]) -> int:
        """Draw what `drawing` calls; return how many flows run inside one another in it.

        `path` are the slugs of those that it is called through, itself the last.
        """
        deepest = 0
        for name, slug in calls(drawing):
            if slug in path:
                round_to = " -> ".join((*path[path.index(slug) :], slug))
                message = f"{round_to}: a flow cannot run inside itself; call another one"
                self._report("recursive_subflow", drawing, name, message)
            elif slug not in self._root.library.flows:
                message = f"There is no active flow called '{slug}'; activate it, or call another"
                self._report("unknown_subflow", drawing, name, message)
            else:
                depth = 1 + self._depth(slug, path)
                deepest = max(deepest, depth)
                if depth > DEEPEST and len(path) == 1:
                    message = f"More than {DEEPEST} flows run inside one another here; call fewer"
                    self._report("subflow_too_deep", drawing, name, message)
        return deepest

    def _depth(self, slug: str, path: tuple[str, ...]) -> int:
        if slug not in self._depths:
            if len(path) > DEEPEST:
                # Too deep already, which is told where the path began.
                return 0
            flow = self._root.library.flows[slug]
            self.flows[slug] = draw(flow, self._root.types, self._root.library)
            self._depths[slug] = self.follow(self.flows[slug], (*path, slug))
        return self._depths[slug]

    def _report(self, code: str, drawing: Drawing, name: str, message: str) -> None:
        if drawing is self._root:
            self.problems.append(Problem(code, message, node_id=name))
        else:
            where = f"In the flow '{drawing.flow.name}', which runs inside, at '{name}': "
            self.problems.append(Problem(code, where + message))


def _points(root: Drawing, inside: Iterable[Drawing]) -> set[TriggerPoint]:
    """Find all points of the flow, and those of the flows that it calls."""
    points: set[TriggerPoint] = set()
    for drawing in (root, *inside):
        for _, place in drawing.in_reach():
            # The end of a flow that runs inside another has no points: nobody is signed in there.
            if place.reading.lowered is None or (place.is_end and drawing is not root):
                continue
            assert place.type is not None  # noqa: S101 - its config was read
            points.update(place.type.reaches(place.reading.lowered))
    return points


def _broken(drawing: Drawing) -> Iterator[Problem]:
    """Find what another release than this one has let run."""
    if not drawing.starts:
        yield _invalid(drawing, "has no start")
    gated = {problem.node_id for problem in policies_are_right(drawing)}
    for name, place in drawing.in_reach():
        if place.reading.lowered is None or name in gated or set(place.outcomes) - set(place.to):
            yield _invalid(drawing, f"is not valid at '{name}'")


def _invalid(drawing: Drawing, what: str) -> Problem:
    message = (
        f"The flow '{drawing.flow.name}', which runs inside, {what}; mend it, and activate it again"
    )
    return Problem("invalid_subflow", message)


def _mistaken(root: Drawing, inside: Drawing) -> Iterator[Problem]:
    """Find the nodes of `root` that are called what one of `inside` is called in its plan."""
    for name in inside.order:
        known_as = inside_name(inside.flow, name)
        if known_as in root.reached:
            message = (
                f"Node '{known_as}' is called like '{name}' of the flow '{inside.flow.name}', "
                "which runs inside; rename it"
            )
            yield Problem("duplicate_node_id", message, node_id=known_as)
