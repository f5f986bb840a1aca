"""What is known along a path: how much it has proved, and whether a condition holds.

The things to know are sets of the `amr` values that node types prove, whether somebody is named and
consented, and three states of one condition, so there is a fixed number of them however large the
flow is. The same user is taken to have the same attributes from one step to the next unless a node
writes them; should somebody else change them meanwhile, the check before an assertion is signed
finds it.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from libs.common.flow.expression import Expression, decide, implied, paths
from libs.common.flow.model import Settings
from libs.common.flow.node import PASSING
from libs.common.flow.proof import NOTHING, Evidence, Gain
from libs.common.flow.rules.drawing import Drawing
from libs.common.flow.rules.paths import Attribute, Chart, Walk, Way, explore


class Known(msgspec.Struct, frozen=True):
    """What is known of a path."""

    evidence: Evidence
    holds: bool | None = None
    """What the condition certainly comes to; None where it may come to anything."""


def know(drawing: Drawing, chart: Chart, when: Expression | None = None) -> Walk[Known]:
    """Find what is known of `when` and proved on all paths through `drawing`."""
    begin = [Known(evidence) for evidence in _at_start(drawing.flow.settings)]
    return explore(chart, begin, _Follower(when).follow)


def _at_start(settings: Settings) -> tuple[Evidence, ...]:
    named = Evidence(identified=True)
    match settings.authentication:
        case "require_authenticated" | "require_superuser":
            return (named,)
        case "require_unauthenticated":
            return (NOTHING,)
        case _:
            # Whoever calls may bring an assertion, and need not.
            return (NOTHING, named)


class _Follower:
    """Says what is known once a way is taken, with what it says of one condition kept at hand."""

    def __init__(self, when: Expression | None) -> None:
        self._when = when
        self._reads = () if when is None else paths(when.tree)
        self._roots = frozenset[str]() if when is None else when.roots
        self._of_ways: dict[int, tuple[bool | None, bool]] = {}

    def follow(self, way: Way, known: Known) -> Iterator[Known]:
        evidence = known.evidence
        if self._when is None:
            for gain in way.gains:
                yield Known(evidence.after(gain))
            return
        told, forgotten = self._of(way)
        if told is None:
            told = known.holds
        elif known.holds is not None and known.holds is not told:
            # It came to one thing and has come to another, with nothing written in between.
            return
        for gain in way.gains:
            after = evidence.after(gain)
            lost = forgotten or self._forgotten_by(gain, evidence, after)
            yield Known(after, None if lost else told)

    def _of(self, way: Way) -> tuple[bool | None, bool]:
        """Say what `way` tells of the condition, and whether it is forgotten again."""
        # By identity, since a way is looked at often, and takes long to hash.
        found = self._of_ways.get(id(way))
        if found is None:
            found = self._of_ways[id(way)] = (self._told(way), self._forgotten(way))
        return found

    def _told(self, way: Way) -> bool | None:
        assert self._when is not None  # noqa: S101 - it was looked at
        facts = {
            truth: value
            for expression, came_to in way.reveals
            if not self._roots.isdisjoint(expression.roots)
            for truth, value in implied(expression.tree, came_to)
        }
        return decide(self._when.tree, facts) if facts else None

    def _forgotten(self, way: Way) -> bool:
        if way.renews and not self._roots.isdisjoint(PASSING):
            return True
        return any(_overlap(written, read) for written in way.writes for read in self._reads)

    def _forgotten_by(self, gain: Gain, before: Evidence, after: Evidence) -> bool:
        # Somebody else, maybe: then all that was set is gone. And `user` is there once the account
        # is proved to be the caller's, and not before.
        return gain.afresh or (bool(after.amr) and not before.amr and "user" in self._roots)


def _overlap(written: Attribute, read: Attribute) -> bool:
    return all(one == other for one, other in zip(written, read, strict=False))
