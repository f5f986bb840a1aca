"""Writes a flow as a blueprint that reads back as the same flow.

What stages can say is written as stages, so that authentik can read it too. Where they cannot say
all of it, the whole flow stands in the extension; and where they would say another flow, authentik
gets a stage that lets nobody past instead, for it would run them without what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
import yaml

from libs.common.flow.model import Graph, Json, Node
from libs.common.flow.node import START, SUCCESS, NodeTypes
from services.management.blueprints.entries import BINDING_MODEL
from services.management.blueprints.extension import EXTENSION, write_extension
from services.management.blueprints.load import load_blueprint
from services.management.blueprints.loaded import LoadedFlow
from services.management.blueprints.reading import Tag
from services.management.blueprints.reverse import MODEL_OF, attributes_of, prompts_of
from services.management.blueprints.tags import FLOW_MODEL
from services.management.designations import DESIGNATION_OF

_GUARDS: Final[Mapping[str, str]] = {
    "has(user.id)": "never_create",
    "!has(user.id)": "always_create",
}
_DENY: Final = "authentik_stages_deny.denystage"


def write_blueprint(flow: LoadedFlow, types: NodeTypes) -> bytes:
    """Write `flow`, so that `load_blueprint` reads it again."""
    plain = _text(flow, list(_stages(flow, types)), extended=False)
    read = _read(plain, types)
    if read is not None and _same(read, flow):
        return plain
    if read is not None and _alike(read, flow, types):
        return _text(flow, list(_stages(flow, types)), extended=True)
    message = "This flow runs in Gatehouse only."
    stages = [_entry(_DENY, flow.name, "stage", {"deny_message": message})]
    return _text(flow, [*stages, _binding("stage", 0)], extended=True)


def _text(flow: LoadedFlow, stages: list[Json], *, extended: bool) -> bytes:
    name = flow.display_name or flow.name
    attributes = {
        "name": name,
        "title": flow.title or name,
        "designation": flow.designation or DESIGNATION_OF[flow.type],
        "authentication": flow.settings.authentication,
        "denied_action": flow.settings.denied_action,
        "policy_engine_mode": flow.settings.policy_engine_mode,
        **flow.look,
        **({EXTENSION: write_extension(flow)} if extended else {}),
    }
    document = {
        "version": 1,
        "metadata": {"name": name},
        "entries": [
            {
                "model": FLOW_MODEL,
                "id": "flow",
                "identifiers": {"slug": flow.name},
                "attrs": attributes,
            },
            *stages,
        ],
    }
    written: bytes = yaml.dump(
        document, Dumper=_Writer, sort_keys=False, allow_unicode=True, encoding="utf-8", width=100
    )
    return written


class _Writer(yaml.CSafeDumper):
    """Writes tags, and everything out."""

    def ignore_aliases(self, _data: object) -> bool:
        """Say so of everything: two equal parts are two parts."""
        return True


_Writer.add_representer(Tag, lambda writer, tag: writer.represent_scalar(f"!{tag.name}", tag.value))


def _stages(flow: LoadedFlow, types: NodeTypes) -> Iterator[Json]:
    """Say the nodes that a run comes to by default outcomes, as stages."""
    names: set[str] = set()
    order = 0
    guard: str | None = None
    for node in _chain(flow.graph, types):
        condition = node.config.get("condition")
        if node.type == "condition" and isinstance(condition, str) and condition in _GUARDS:
            guard = _GUARDS[condition]
            continue
        model = MODEL_OF.get(node.type)
        if model is None:
            continue
        name = node.label or node.id
        name = name if name not in names else f"{name} ({node.id})"
        names.add(name)
        order += 10
        attributes = attributes_of(node, flow.graph)
        if guard is not None and node.type == "user_write":
            attributes = {**attributes, "user_creation_mode": guard}
        guard = None
        fields = list(prompts_of(node, name))
        yield from fields
        if node.type == "prompt":
            attributes["fields"] = [Tag("KeyOf", str(each["id"])) for each in fields]
        yield _entry(model, name, node.id, attributes)
        yield _binding(node.id, order)


def _entry(model: str, name: str, id: str, attributes: Mapping[str, Json]) -> dict[str, Any]:
    said = {"attrs": dict(attributes)} if attributes else {}
    return {"model": model, "id": f"stage-{id}", "identifiers": {"name": name}, **said}


def _binding(id: str, order: int) -> dict[str, Any]:
    return {
        "model": BINDING_MODEL,
        "identifiers": {
            "target": Tag("KeyOf", "flow"),
            "stage": Tag("KeyOf", f"stage-{id}"),
            "order": order,
        },
    }


def _chain(graph: Graph, types: NodeTypes) -> Iterator[Node]:
    """Follow default outcomes from the start, and a condition by `true`."""
    nodes = {node.id: node for node in graph.nodes}
    at = next((node for node in graph.nodes if node.type == START), None)
    seen: set[str] = set()
    while at is not None and at.id not in seen:
        seen.add(at.id)
        kind = types.get(at.type)
        default = "true" if at.type == "condition" else kind.default if kind else "success"
        by = (None, default)
        leading = [e.target for e in graph.edges if e.source == at.id and e.condition in by]
        at = nodes.get(leading[0]) if leading else None
        if at is not None and at.type != SUCCESS:
            yield at


def _read(text: bytes, types: NodeTypes) -> LoadedFlow | None:
    loaded = load_blueprint(text, _Nothing(), types)
    return loaded.flows[0] if loaded.flows else None


class _Nothing:
    """What a blueprint of ours knows of the world outside."""

    def has_flow(self, _slug: str) -> bool:
        return False

    def env(self, _name: str) -> str | None:
        return None

    def file(self, _path: str) -> str | None:
        return None


def _same(one: LoadedFlow, other: LoadedFlow) -> bool:
    # As bytes: to Python `true` equals 1.
    def said(flow: LoadedFlow) -> bytes:
        parts = (flow.graph, flow.settings, flow.type, flow.description)
        return msgspec.json.encode(parts, order="deterministic")

    return said(one) == said(other)


def _alike(one: LoadedFlow, other: LoadedFlow, types: NodeTypes) -> bool:
    """Whether two flows do the same, whatever their nodes are called."""
    if one.settings != other.settings or DESIGNATION_OF[one.type] != DESIGNATION_OF[other.type]:
        return False
    return _drawn(one.graph, types) == _drawn(other.graph, types)


def _drawn(graph: Graph, types: NodeTypes) -> bytes:
    nodes = {node.id: node for node in graph.nodes}
    numbers: dict[str, int] = {}
    waiting = [node.id for node in graph.nodes if node.type == START][:1]
    edges: dict[str, list[tuple[str, str]]] = {name: [] for name in nodes}
    for edge in graph.edges:
        if edge.source in nodes and edge.target in nodes:
            kind = types.get(nodes[edge.source].type)
            outcome = edge.condition or (kind.default if kind else None) or ""
            edges[edge.source].append((outcome, edge.target))
    while waiting:
        name = waiting.pop(0)
        if name not in numbers:
            numbers[name] = len(numbers)
            waiting += [target for _, target in sorted(edges[name])]
    drawn = [
        (
            msgspec.structs.replace(nodes[name], id=str(number), label=None, position=None),
            sorted((outcome, numbers[target]) for outcome, target in edges[name]),
        )
        for name, number in numbers.items()
    ]
    return msgspec.json.encode(drawn, order="deterministic")
