"""Writes what came of a blueprint as its `.expected.yaml` beside it has it."""

from __future__ import annotations

import msgspec

from libs.common.flow.model import Flow, Graph, Json
from services.management.blueprints.loaded import Loaded, LoadedFlow
from services.management.blueprints.report import Remark


def shown(loaded: Loaded) -> Json:
    counts = loaded.report.counts
    return {
        "flows": [_flow(each) for each in loaded.flows],
        "counts": f"{counts.carried} of {counts.entries}, {counts.remarks} remarks",
        "remarks": [_remark(each) for each in loaded.report.remarks],
    }


def flow_of(flow: LoadedFlow) -> Flow:
    """Return what the rules check."""
    return Flow("flow_it", 1, flow.type, flow.graph, flow.settings, name=flow.name)


def _flow(flow: LoadedFlow) -> Json:
    return {
        "name": flow.name,
        "called": f"{flow.display_name} | {flow.title} | {flow.designation} | {flow.state}",
        "type": flow.type,
        "settings": msgspec.to_builtins(flow.settings),
        "look": dict(flow.look),
        "nodes": [msgspec.to_builtins(node) for node in flow.graph.nodes],
        "edges": _edges(flow.graph),
    }


def _edges(graph: Graph) -> list[str]:
    return [
        f"{edge.source} -> {edge.target}"
        if edge.condition is None
        else f"{edge.source} -{edge.condition}-> {edge.target}"
        for edge in graph.edges
    ]


def _remark(remark: Remark) -> str:
    named = f"{remark.entry} {remark.name or remark.id or remark.model}"
    return f"{named}: {remark.fate}, {remark.reason}; {remark.became}"
