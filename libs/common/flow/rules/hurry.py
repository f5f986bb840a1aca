"""Says how far a run may get within one turn: by the ways on which nobody waits for the user."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TypeAlias

import msgspec

from libs.common.flow.rules.paths import Chart, Walk, Way, explore


class Stretch(msgspec.Struct, frozen=True):
    """What one turn may pass."""

    passes: int
    """Nodes, with those of what runs inside."""
    path: tuple[str, ...]
    """The ids of those in the chart, in order."""


_Onward: TypeAlias = tuple[int, str]
"""How many nodes are passed from one on, and which comes next; empty where the turn is over."""


def everywhere(chart: Chart, start: str | None = None) -> Walk[None]:
    """Go all ways from the start, or from the node `start`, whatever is known."""
    return explore(chart, [None], lambda _way, _known: (None,), start)


def hurried(chart: Chart, walk: Walk[None]) -> Chart:
    """Of all nodes that `walk` came to, keep the ways to others that may be taken unasked."""
    return {
        name: tuple(way for way in chart[name] if way.ending is None and not way.waits)
        for name, _ in walk.before
    }


def longest(chart: Chart, walk: Walk[None]) -> Stretch | None:
    """Find the most that a turn may pass; None where a circle never waits, and there is no end.

    What runs inside counts in full, whichever part of it a turn comes through.
    """
    hurry = hurried(chart, walk)
    order = TopologicalSorter({name: [way.target for way in hurry[name]] for name in hurry})
    onward: dict[str, _Onward] = {}
    try:
        for name in order.static_order():
            onward[name] = max(_arriving(chart[name], onward), key=_passes)
    except CycleError:
        return None
    turns = [
        # A turn begins at the start, or where somebody was asked.
        *((name, onward[name]) for name in [*hurry][:1]),
        *((name, _taking(way, onward)) for name in hurry for way in chart[name] if way.waits),
    ]
    if not turns:
        return Stretch(0, ())
    first, (passes, following) = max(turns, key=lambda turn: turn[1][0])
    path = [first]
    while following:
        path.append(following)
        following = onward[following][1]
    return Stretch(passes, tuple(path))


def _arriving(ways: tuple[Way, ...], onward: Mapping[str, _Onward]) -> Iterator[_Onward]:
    """Say what a turn may pass that comes to the node which `ways` lead out of."""
    # Nobody may know what it does; that it is passed is certain.
    yield 1, ""
    for way in ways:
        yield (way.passes, "") if way.waits else _taking(way, onward)


def _taking(way: Way, onward: Mapping[str, _Onward]) -> _Onward:
    if way.ending is not None:
        return way.passes, ""
    return way.passes + onward[way.target][0], way.target


def _passes(onward: _Onward) -> int:
    return onward[0]
