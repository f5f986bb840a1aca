"""Draws a graph as a Mermaid flowchart. Pure.

Whatever an author wrote stands in quotes and is escaped, and no node goes by its own id: a label
can neither end its quotes nor become markup in the page that shows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from libs.common.flow.model import Graph, Node
from services.management.bindings import CONDITION, ENDS

_PLAIN: Final = frozenset(" .,:()_-")
"""What means nothing to Mermaid in quotes, beside letters and digits."""
_END: Final = ('(["', '"])')
_FORK: Final = ('{"', '"}')
_STAGE: Final = ('["', '"]')


def diagram(graph: Graph) -> str:
    """Return the nodes in their order, then the edges that lead from one to another."""
    return "\n".join(("graph TD", *_lines(graph)))


def _lines(graph: Graph) -> Iterator[str]:
    # Of two nodes with one id, the first, as everywhere.
    nodes = {node.id: node for node in reversed(graph.nodes)}
    names = {id: f"n{number}" for number, id in enumerate(reversed(nodes))}
    for id, name in names.items():
        opening, closing = _shape(nodes[id])
        yield f"  {name}{opening}{_text(nodes[id])}{closing}"
    for edge in graph.edges:
        if edge.source in names and edge.target in names:
            outcome = "" if edge.condition is None else f'|"{_escaped(edge.condition)}"|'
            yield f"  {names[edge.source]} -->{outcome} {names[edge.target]}"


def _shape(node: Node) -> tuple[str, str]:
    if node.type in ENDS:
        return _END
    return _FORK if node.type == CONDITION else _STAGE


def _text(node: Node) -> str:
    name = node.label or node.id
    return _escaped(name if name == node.type else f"{name} ({node.type})")


def _escaped(text: str) -> str:
    """Write all but what is plain as Mermaid's entities, and what cannot be seen as a space."""
    return "".join(
        each
        if each.isalnum() or each in _PLAIN
        else f"#{ord(each)};"
        if each.isprintable()
        else " "
        for each in text
    )
