"""Says what is certain of each way from one node to the next: what all proofs about paths go by.

A way is an outcome of a node. What is said of it is what the interpreter does there: policies let
the node run or skip it, triggers run before and after it, and whatever runs inside it proves,
changes and waits. In doubt every possibility is said, so that no run does what is not here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from libs.common.flow.gate import reveals
from libs.common.flow.model import TriggerPoint
from libs.common.flow.node import SKIPPED, SUCCESS, UNDECIDED
from libs.common.flow.proof import NOTHING, Evidence, Gain
from libs.common.flow.rules.drawing import IMPLICIT_FAILURE, NO_LINKS, Drawing, Place
from libs.common.flow.rules.hurry import everywhere, longest
from libs.common.flow.rules.links import called, calls
from libs.common.flow.rules.paths import NO_GAIN, Attribute, Chart, Way, explore


class Inside(msgspec.Struct, frozen=True):
    """What it comes to that a flow runs inside another."""

    gains: Mapping[bool, tuple[Gain, ...]]
    """By whether it succeeded; none where it cannot end so."""
    waits: Mapping[bool, bool]
    """Whether all its paths to that end wait."""
    writes: frozenset[Attribute]
    forgets: bool
    renews: bool
    passes: int
    """Nodes of it that one turn may pass; none where nobody can tell, which is another rule's
    problem."""


Flows: TypeAlias = Mapping[str, Inside]
Triggers: TypeAlias = Mapping[TriggerPoint, tuple[Inside, ...]]


def chart(drawing: Drawing) -> Chart:
    """Say what is certain of each way through `drawing`."""
    links = drawing.links or NO_LINKS
    flows = _all_inside(links.flows, {})
    triggers: Triggers = {}
    if links.triggers:
        # Triggers trigger nothing, and neither does what they call; what the flow calls does.
        triggers = {
            point: tuple(_inside(_Surveyor(flows, {}).chart(each)) for each in some)
            for point, some in links.triggers.items()
        }
        flows = _all_inside(links.flows, triggers)
    return _Surveyor(flows, triggers, root=True).chart(drawing)


def _all_inside(drawings: Mapping[str, Drawing], triggers: Triggers) -> Flows:
    order = TopologicalSorter(
        {slug: {called for _, called in calls(each)} for slug, each in drawings.items()}
    )
    found: dict[str, Inside] = {}
    try:
        slugs = tuple(order.static_order())
    except CycleError:
        # One that runs inside itself has no end; that it does is another rule's problem.
        return found
    for slug in slugs:
        if slug in drawings:
            found[slug] = _inside(_Surveyor(found, triggers).chart(drawings[slug]))
    return found


def _inside(ways: Chart) -> Inside:
    walk = explore(ways, [(NOTHING, False)], _gather)
    hurry = explore(ways, [None], lambda way, _: () if way.waits else (None,))
    hurried = {way.ending for _, way, _ in hurry.ended}
    every = [way for some in ways.values() for way in some]
    stretch = longest(ways, everywhere(ways))
    return Inside(
        {
            ending: tuple(
                dict.fromkeys(
                    evidence.gain(afresh=afresh)
                    for _, way, (evidence, afresh) in walk.ended
                    if way.ending is ending
                )
            )
            for ending in (True, False)
        },
        {ending: ending not in hurried for ending in (True, False)},
        frozenset(path for way in every for path in way.writes),
        any(way.forgets for way in every),
        any(way.renews for way in every),
        stretch.passes if stretch is not None else 0,
    )


def _gather(way: Way, state: tuple[Evidence, bool]) -> Iterator[tuple[Evidence, bool]]:
    evidence, afresh = state
    return ((evidence.after(gain), afresh or gain.afresh) for gain in way.gains)


class _Surveyor:
    def __init__(self, flows: Flows, triggers: Triggers, *, root: bool = False) -> None:
        self._flows = flows
        self._triggers = triggers
        self._root = root

    def chart(self, drawing: Drawing) -> Chart:
        return {name: tuple(self._ways(drawing.places[name])) for name in drawing.order}

    def _ways(self, place: Place) -> Iterator[Way]:
        return (way for way in self._out_of(place) if way.gains)

    def _out_of(self, place: Place) -> Iterator[Way]:
        if place.is_end:
            yield self._end(place)
            return
        if place.type is None or place.reading.config is None:
            return
        if place.type.refuses:
            yield Way("", ending=False)
        around = self._around(place)
        own = frozenset(place.type.outcomes(place.reading.config))
        for outcome, target in place.to.items():
            ending = False if target == IMPLICIT_FAILURE else None
            way = self._run(place, outcome, Way(target, ending)) if outcome in own else None
            if way is not None and around:
                way = _surrounded(way, around)
            if outcome in (SKIPPED, UNDECIDED) and place.node.policies:
                way = _left(place, outcome, Way(target, ending), way)
            if way is not None:
                yield way

    def _end(self, place: Place) -> Way:
        ending = place.node.type == SUCCESS
        around = self._around(place) if self._root else ()
        gains = NO_GAIN
        for trigger in around:
            # Whatever is known, they run; and one that fails halts the flow.
            gains = _in_turn(gains, trigger.gains[True])
        return Way(
            "",
            ending,
            gains,
            _written(around),
            renews=any(each.renews for each in around),
            passes=1 + _passed(around),
        )

    def _around(self, place: Place) -> tuple[Inside, ...]:
        """The triggers that may run before a node or after it, in order."""
        if not self._triggers or place.type is None or place.reading.lowered is None:
            return ()
        points = place.type.reaches(place.reading.lowered)
        return tuple(each for point in points for each in self._triggers.get(point, ()))

    def _run(self, place: Place, outcome: str, way: Way) -> Way | None:
        """Say what is certain where the node has run; None where nobody knows what it does."""
        kind, reading = place.type, place.reading
        assert kind is not None  # noqa: S101 - its config was read
        gate = place.gate.gate
        told = reveals(gate, ran=True) if gate is not None else ()
        slug = called(place)
        if slug is not None:
            inside = self._flows.get(slug)
            if inside is None:
                return None
            succeeded = outcome == SUCCESS
            return replace(
                way,
                gains=inside.gains[succeeded],
                writes=inside.writes,
                forgets=inside.forgets,
                waits=inside.waits[succeeded],
                renews=inside.renews,
                passes=1 + inside.passes,
                reveals=told,
            )
        if reading.lowered is not None:
            told += kind.reveals(reading.lowered).get(outcome, ())
        return replace(
            way,
            gains=tuple(_either_way(kind.proves(reading.config).get(outcome, NO_GAIN))),
            writes=frozenset()
            if outcome in kind.unwritten
            else frozenset(kind.writes(reading.config)),
            forgets=outcome in kind.forgets(reading.config),
            waits=outcome in kind.waits,
            renews=bool(kind.waits),
            reveals=told,
        )


def _left(place: Place, outcome: str, left: Way, ran: Way | None) -> Way:
    """Add that a node may be left so by its policies, before anything else happens."""
    if ran is not None:
        # The node has such an outcome of its own, so nobody knows what was looked at.
        gains = tuple(dict.fromkeys((*ran.gains, *NO_GAIN)))
        return replace(ran, gains=gains, waits=False, reveals=())
    gate = place.gate.gate
    if gate is None or outcome != SKIPPED:
        return left
    return replace(left, reveals=reveals(gate, ran=False))


def _surrounded(way: Way, around: tuple[Inside, ...]) -> Way:
    """Add that any of `around` may run before the node, and after it."""
    maybe = NO_GAIN
    for trigger in around:
        maybe = _in_turn(maybe, (*NO_GAIN, *trigger.gains[True]))
    return replace(
        way,
        gains=_in_turn(_in_turn(maybe, way.gains), maybe),
        writes=way.writes | _written(around),
        renews=way.renews or any(each.renews for each in around),
        passes=way.passes + _passed(around),
    )


def _written(around: Iterable[Inside]) -> frozenset[Attribute]:
    return frozenset(path for each in around for path in each.writes)


def _passed(around: tuple[Inside, ...]) -> int:
    # A node that something runs before is passed twice: it is reached, and then it runs.
    return 1 + sum(each.passes for each in around) if around else 0


def _in_turn(first: tuple[Gain, ...], second: tuple[Gain, ...]) -> tuple[Gain, ...]:
    return tuple(dict.fromkeys(one.then(other) for one in first for other in second))


def _either_way(gains: tuple[Gain, ...]) -> Iterator[Gain]:
    """Add that whoever names themselves again may be who they were before."""
    for gain in gains:
        yield gain
        if gain.afresh:
            yield replace(gain, afresh=False)
