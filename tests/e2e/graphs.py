"""Graphs of the end-to-end tests, as they are sent, in the notation of `tests.walks`."""

from __future__ import annotations

import msgspec

from libs.common.flow.model import FlowType, Json, Node
from tests.walks import NO_SETTINGS, asks, checks, flow


def graph(*paths: str, **nodes: Node) -> Json:
    """Write a graph by paths through it."""
    drawn = flow("any", *paths, kind=FlowType.LOGIN, settings=NO_SETTINGS, **nodes)
    return msgspec.to_builtins(drawn.graph)


def edition(number: int) -> Json:
    """Write a graph that asks twice, and tells its number by the names of what it asks for."""
    return graph(
        "start > first > second > done",
        first=asks(f"first{number}"),
        second=asks(f"second{number}"),
    )


def fails_everybody(number: int) -> Json:
    """Write a graph that looks like an edition, and that nobody gets through."""
    return graph(
        "start > first > check",
        "check:true > done",
        "check:false > failed",
        first=asks(f"first{number}"),
        check=checks(f"inputs.first{number} === 'what nobody says'"),
    )
