"""Looks at all paths through a flow at once, by what they have come to at each node.

There may be more paths than anybody can list, but there are few things to know of one. Paths that
come to the same node with the same known are as one, and the first to come there is the shortest.
So time grows with nodes plus edges, times how many things can be known; who explores sees to it
that those do not grow with the flow.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Final, Generic, TypeAlias, TypeVar

import msgspec

from libs.common.flow.expression import Expression
from libs.common.flow.proof import Gain

SHOWN = 20
"""Nodes of a path that a message names."""

EXAMPLES = 20
"""Problems of a rule that carry a `counter_example`, so that many long paths cost no more than few:
whoever mends these has mended most of the others."""

Attribute: TypeAlias = tuple[str, ...]
"""From its root; it stands for all below it."""

NO_GAIN: Final[tuple[Gain, ...]] = (Gain(),)


class Way(msgspec.Struct, frozen=True):
    """An outcome of a node, and all that is certain where a run takes it."""

    target: str
    """The id of the next node; empty where the flow ends."""
    ending: bool | None = None
    """Whether the flow has succeeded then; None where it goes on."""
    gains: tuple[Gain, ...] = NO_GAIN
    """It proves one of these, and nobody knows which."""
    writes: frozenset[Attribute] = frozenset()
    """All that may be changed."""
    forgets: bool = False
    """Nothing may be left of what was set before."""
    waits: bool = False
    """The user was certainly waited for."""
    renews: bool = False
    """The user may have been waited for, so that this may be another request."""
    passes: int = 1
    """Nodes that a turn passes at most where it takes this: the one that it leads out of, and those
    of all that runs inside it and around it."""
    reveals: tuple[tuple[Expression, bool], ...] = ()
    """What expressions certainly came to when the node was reached."""


Chart: TypeAlias = Mapping[str, tuple[Way, ...]]
"""The ways that runs may take out of each node, the start first. There are none out of a node of
which nobody knows what it does: why that is so is the problem of another rule."""

S = TypeVar("S", bound=Hashable)
Point: TypeAlias = tuple[str, S]
"""A node, and what is known where a path comes to it."""


class Walk(msgspec.Struct, Generic[S], frozen=True):
    """Where all paths come to."""

    before: Mapping[Point[S], Point[S] | None]
    """Each point that a path comes to, and the one that it comes from; nearest first."""
    ended: tuple[tuple[Point[S], Way, S], ...]
    """How paths end: the last point, the way out of it, and what is known then; nearest first."""

    def path(self, point: Point[S]) -> tuple[str, ...]:
        """Return the shortest path to `point`: ids of nodes from the start."""
        path = [point[0]]
        came_from = self.before[point]
        while came_from is not None:
            path.append(came_from[0])
            came_from = self.before[came_from]
        return tuple(reversed(path))


def explore(
    chart: Chart,
    known: Iterable[S],
    follow: Callable[[Way, S], Iterable[S]],
    start: str | None = None,
) -> Walk[S]:
    """Go all ways from the start, or from the node `start`, where any of `known` may be known.

    `follow` says what may be known once a way is taken; nothing where that cannot be.
    """
    first = next(iter(chart), None) if start is None else start
    before: dict[Point[S], Point[S] | None] = {}
    if first is not None:
        before = dict.fromkeys((first, each) for each in known)
    ended: list[tuple[Point[S], Way, S]] = []
    waiting = deque(before)
    while waiting:
        point = waiting.popleft()
        name, state = point
        for way in chart[name]:
            for after in follow(way, state):
                if way.ending is not None:
                    ended.append((point, way, after))
                elif (following := (way.target, after)) not in before:
                    before[following] = point
                    waiting.append(following)
    return Walk(before, tuple(ended))


def arrows(path: tuple[str, ...]) -> str:
    """Draw `path` for a message: the first nodes, and the last."""
    cut = path if len(path) <= SHOWN + 1 else (*path[:SHOWN], "...", path[-1])
    return " -> ".join(cut)
