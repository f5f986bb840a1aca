"""Reads the fixtures of the rules: a flow, what its tenant has beside it, and what is wrong.

The tests hold the rules to them, and the reference takes its examples from them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from libs.common.flow.model import ALONE, Flow, FlowType, Graph, Invariant, Library, Named, Settings

FIXTURES = Path(__file__).parents[1] / "tests" / "fixtures" / "rules"


def flow_of(case: Mapping[str, Any], name: str = "case") -> Flow:
    """Read a flow; `name` is its slug where it does not say."""
    graph = msgspec.convert({"nodes": case["nodes"], "edges": case["edges"]}, Graph)
    settings = msgspec.convert(case.get("settings", {}), Settings)
    slug = case.get("name", name)
    return Flow(f"flow_{slug}", 1, FlowType(case["type"]), graph, settings, slug)


def library_of(case: Mapping[str, Any]) -> Library:
    """Read what the tenant has beside the flow."""
    written = case.get("library")
    if written is None:
        return ALONE
    return Library(
        {slug: flow_of(each, slug) for slug, each in written.get("flows", {}).items()},
        tuple(flow_of(each) for each in written.get("triggers", ())),
        msgspec.convert(written.get("invariants", ()), tuple[Invariant, ...]),
        msgspec.convert(written.get("registered"), frozenset[Named] | None),
    )
