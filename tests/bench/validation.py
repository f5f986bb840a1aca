"""What validating a flow takes, against its size.

It grows with nodes plus edges, so the time for each of them should stay the same from row to row.
The flow is the worst of its kind that is valid: every node can be reached, branches meet again, so
that there are more paths than could be listed, half of the conditions are about what an invariant
asks, and a fact is set that each of the others reads.

`python -m tests.bench.validation`; a part of `make bench`.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from typing import Any

import msgspec

from libs.common.flow.model import Edge, Flow, FlowType, Graph, Invariant, Library, Node
from libs.common.flow.rules import validate
from libs.common.nodes.catalogue import NODE_TYPES
from tests.unit.libs.common.flow.expression.steps import steps

SIZES = (10, 50, 100, 500, 1_000, 2_000, 5_000)
"""Nodes."""
RUNS = 5
FOR_EACH = 7
"""Nodes of a block: they come again and again, until the flow is large enough."""

LIBRARY = Library(
    invariants=(
        Invariant("everybody", FlowType.LOGIN, '"pwd" in amr'),
        Invariant(
            "admins", FlowType.LOGIN, "size(factors) >= 2", "user.role === 'admin' && user.vip"
        ),
    )
)


class Row(msgspec.Struct, frozen=True):
    """What one size took."""

    nodes: int
    edges: int
    milliseconds: float
    """Processor time, the median of the runs: it has no part in what else the machine does."""
    calls: int
    """Of Python and C functions: hardly another number on another machine."""

    @property
    def microseconds_each(self) -> float:
        """For each node and edge."""
        return 1_000 * self.milliseconds / (self.nodes + self.edges)

    @property
    def calls_each(self) -> float:
        """For each node and edge."""
        return self.calls / (self.nodes + self.edges)


def flow_of(size: int) -> Flow:
    """Make a valid login flow of about `size` nodes."""
    nodes = [Node("start", "start"), Node("who", "identifier_input"), Node("pw", "password_input")]
    edges = [Edge("start", "who"), Edge("who", "pw")]
    last = [("pw", "success")]
    block = 0
    while len(nodes) + FOR_EACH <= size:
        last = _block(block, nodes, edges, last)
        block += 1
    nodes += [Node("last", "mfa_verification"), Node("sorry", "failure"), Node("end", "success")]
    edges += [Edge(name, "last", outcome) for name, outcome in last]
    edges.append(Edge("last", "end"))
    return Flow("flow_bench", 1, FlowType.LOGIN, Graph(tuple(nodes), tuple(edges)), name="bench")


def _block(
    number: int, nodes: list[Node], edges: list[Edge], last: list[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Add a block after the outcomes `last`; return those that it ends with."""
    names = [f"{kind}{number}" for kind in ("fork", "mfa", "ask", "set", "read", "case", "pw")]
    fork, mfa, ask, set_, read, case, pw = names
    role = ("admin", "member", "guest")[number % 3]
    nodes += [
        Node(fork, "condition", {"condition": f"user.role === '{role}' && user.vip"}),
        Node(mfa, "mfa_verification"),
        Node(ask, "prompt", {"fields": [{"name": "a", "type": "text", "label": "A"}]}),
        Node(set_, "set_attribute", {"attribute": f"a{number}", "value": "inputs.a"}),
        Node(read, "condition", {"condition": f"facts.a{number} === 'x'"}),
        Node(
            case,
            "switch",
            {
                "cases": [
                    {"outcome": "one", "when": "user.vip"},
                    {"outcome": "two", "when": "user.mfa_enabled"},
                ]
            },
        ),
        Node(pw, "password_input"),
    ]
    edges += [Edge(name, fork, outcome) for name, outcome in last]
    edges += [
        Edge(fork, mfa, "true"),
        Edge(fork, ask, "false"),
        Edge(mfa, ask),
        Edge(mfa, ask, "not_enrolled"),
        Edge(ask, set_),
        Edge(set_, read),
        Edge(read, case, "true"),
        Edge(read, pw, "false"),
        Edge(case, pw, "one"),
        Edge(case, ask, "two"),
        Edge(case, pw, "default"),
    ]
    return [(pw, "success")]


def measure(size: int) -> Row:
    """Validate a flow of about `size` nodes RUNS times."""
    flow = flow_of(size)
    times = []
    # As timeit does: a collection is for all that was made before, and falls to whoever is next.
    gc.disable()
    try:
        for _ in range(RUNS):
            gc.collect()
            begun = time.process_time()
            report = validate(flow, NODE_TYPES, LIBRARY)
            times.append(time.process_time() - begun)
            if not report.valid:
                msg = f"the flow of {size} nodes is not valid: {report.errors[:3]}"
                raise RuntimeError(msg)
        calls = steps(lambda: validate(flow, NODE_TYPES, LIBRARY))
    finally:
        gc.enable()
    graph = flow.graph
    return Row(len(graph.nodes), len(graph.edges), 1_000 * statistics.median(times), calls)


def show(rows: list[Row]) -> None:
    """Print the table."""
    print(f"{'validation':24}{'nodes':>8}{'edges':>8}{'ms':>10}{'µs each':>10}{'calls each':>12}")
    for row in rows:
        each = f"{row.milliseconds:>10.1f}{row.microseconds_each:>10.1f}{row.calls_each:>12.1f}"
        print(f"{'':24}{row.nodes:>8,}{row.edges:>8,}{each}")


def run() -> list[dict[str, Any]]:
    """Measure, print, and return what was found."""
    rows = [measure(size) for size in SIZES]
    show(rows)
    return [
        {
            "nodes": row.nodes,
            "edges": row.edges,
            "milliseconds": round(row.milliseconds, 1),
            "microseconds_each": round(row.microseconds_each, 1),
            "calls_each": round(row.calls_each, 1),
        }
        for row in rows
    ]


def main() -> None:
    """Measure by itself."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.validation",
        description="What validating a flow takes, against its size.",
    )
    parser.parse_args()
    run()


if __name__ == "__main__":
    main()
