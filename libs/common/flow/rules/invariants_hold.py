"""Every path to a success proves what the tenant demands of it."""

from __future__ import annotations

from collections.abc import Iterator

from libs.common.errors import Problem
from libs.common.flow.proof import Demand, Evidence, demands
from libs.common.flow.rules.drawing import Drawing
from libs.common.flow.rules.knowledge import Known, know
from libs.common.flow.rules.paths import EXAMPLES, Walk, arrows
from libs.common.flow.rules.ways import chart

VIOLATION = "policy_violation"
"""The code of an invariant of the tenant's that is broken."""


def invariants_hold(drawing: Drawing) -> Iterator[Problem]:
    """Find each success that some path reaches against an invariant of the tenant's.

    What cannot be decided of `when` and of `require` counts against the flow.
    """
    meant = demands(each for each in drawing.library.invariants if each.type is drawing.flow.type)
    ways = chart(drawing) if meant else {}
    walks: dict[str | None, Walk[Known]] = {}
    for demand in meant:
        when = None if demand.when is None else demand.when.text
        if when not in walks:
            walks[when] = know(drawing, ways, demand.when)
        yield from _broken(demand, walks[when])


def _broken(demand: Demand, walk: Walk[Known]) -> Iterator[Problem]:
    enough: dict[Evidence, bool] = {}
    found: set[str] = set()
    for point, way, known in walk.ended:
        name, evidence = point[0], known.evidence
        if not way.ending or known.holds is False or name in found:
            continue
        if evidence not in enough:
            enough[evidence] = demand.met_by(evidence)
        if not enough[evidence]:
            found.add(name)
            path = walk.path(point) if len(found) <= EXAMPLES else None
            message = _message(demand, path, evidence)
            yield Problem(
                VIOLATION, message, node_id=name, invariant=demand.name, counter_example=path
            )


def _message(demand: Demand, path: tuple[str, ...] | None, evidence: Evidence) -> str:
    shown = arrows(path) if path is not None else "A path"
    proved = ", ".join(sorted(evidence.amr)) or "nothing"
    broken = f"{shown} breaks '{demand.name}': it proves {proved}, not `{demand.require.text}`"
    if demand.when is None:
        return f"{broken}; ask for more on the way"
    return (
        f"{broken}, where `{demand.when.text}` may be true; "
        "ask for more on the way, or branch on that condition before"
    )
