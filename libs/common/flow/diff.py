"""What changed from one version of a flow to another, in what it means rather than as text.

Expressions are compared as trees, so that spacing is no change; an edge that names its node's
default outcome is the edge that names none; nodes and edges may stand in any order. Drafts are
compared as well: what cannot be read is compared as it is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Literal, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from libs.common.flow.expression import ExpressionError, parse, to_text
from libs.common.flow.model import Edge, Flow, Json, Node, Policy, Settings
from libs.common.flow.node import NodeTypes
from libs.common.flow.rules.config import expressions_in, read_config
from libs.common.flow.rules.drawing import outcome_of

Kind: TypeAlias = Literal["type", "config", "expression", "policy", "label", "layout"]


class FieldChange(msgspec.Struct, frozen=True):
    """A field with another value; `before` or `after` is left out where there was none."""

    path: str
    """Where in the node or the settings, as in `config.cases[0].when`."""
    kind: Kind
    before: Json | UnsetType = UNSET
    after: Json | UnsetType = UNSET


class NodeRef(msgspec.Struct, frozen=True):
    """A node that only one of the versions has."""

    id: str
    type: str


class NodeChange(msgspec.Struct, frozen=True):
    """A node that both have, and not alike."""

    id: str
    changes: tuple[FieldChange, ...]


class Renamed(msgspec.Struct, frozen=True):
    """A hint: a removed node and an added one that differ in nothing but id and position."""

    before: str
    after: str


class Rewired(msgspec.Struct, frozen=True, omit_defaults=True):
    """An edge for the same outcome of the same node that leads elsewhere."""

    source: str
    before: str
    """The target that it had."""
    after: str
    condition: str | None = None


class Diff(msgspec.Struct, frozen=True):
    """All that changed, in the order of the newer version, then of the older."""

    nodes_added: tuple[NodeRef, ...]
    nodes_removed: tuple[NodeRef, ...]
    nodes_changed: tuple[NodeChange, ...]
    nodes_renamed: tuple[Renamed, ...]
    edges_added: tuple[Edge, ...]
    edges_removed: tuple[Edge, ...]
    edges_rewired: tuple[Rewired, ...]
    settings: tuple[FieldChange, ...]

    @property
    def empty(self) -> bool:
        """Whether both mean the same."""
        return not any(getattr(self, field) for field in self.__struct_fields__)

    @property
    def layout_only(self) -> bool:
        """Whether something changed, and nothing but where nodes are drawn."""
        kinds = {change.kind for node in self.nodes_changed for change in node.changes}
        others = msgspec.structs.replace(self, nodes_changed=())
        return kinds == {"layout"} and others.empty


def diff(old: Flow, new: Flow, types: NodeTypes) -> Diff:
    """Say what changed from `old` to `new`, whose nodes are of `types`."""
    before, after = _nodes(old), _nodes(new)
    added, removed = _only(after, before), _only(before, after)
    changed: list[NodeChange] = []
    for name, node in after.items():
        if name in before:
            was = before[name]
            fields = tuple(
                _node_changes(
                    was, node, _config_texts(was, old, types), _config_texts(node, new, types)
                )
            )
            if fields:
                changed.append(NodeChange(node.id, fields))
    edges_before, edges_after = _edges(old, types), _edges(new, types)
    return Diff(
        nodes_added=tuple(NodeRef(node.id, node.type) for node in added),
        nodes_removed=tuple(NodeRef(node.id, node.type) for node in removed),
        nodes_changed=tuple(changed),
        nodes_renamed=tuple(_renamed(removed, added)),
        edges_added=_only(edges_after, edges_before),
        edges_removed=_only(edges_before, edges_after),
        edges_rewired=tuple(
            Rewired(edge.source, edges_before[name].target, edge.target, edge.condition)
            for name, edge in edges_after.items()
            if name in edges_before and edges_before[name].target != edge.target
        ),
        settings=tuple(_settings_changes(old.settings, new.settings)),
    )


Texts: TypeAlias = Mapping[str, str]
"""Path → an expression, printed from its tree: the same for the same tree, and for no other."""

K = TypeVar("K")
V = TypeVar("V")


def _only(these: Mapping[K, V], others: Mapping[K, V]) -> tuple[V, ...]:
    return tuple(value for name, value in these.items() if name not in others)


def _numbered(items: Iterable[tuple[K, V]]) -> dict[tuple[K, int], V]:
    """Index by key and place among those with the same key, of which only a draft has several."""
    counts: dict[K, int] = {}
    found: dict[tuple[K, int], V] = {}
    for key, value in items:
        counts[key] = counts.get(key, 0) + 1
        found[key, counts[key]] = value
    return found


def _nodes(flow: Flow) -> dict[tuple[str, int], Node]:
    return _numbered((node.id, node) for node in flow.graph.nodes)


def _edges(flow: Flow, types: NodeTypes) -> dict[tuple[tuple[str, str | None], int], Edge]:
    kinds = {node.id: types.get(node.type) for node in reversed(flow.graph.nodes)}
    return _numbered(
        ((edge.source, outcome_of(edge, kinds.get(edge.source))), edge) for edge in flow.graph.edges
    )


def _renamed(removed: Sequence[Node], added: Sequence[Node]) -> Iterator[Renamed]:
    waiting: dict[bytes, list[str]] = {}
    for node in removed:
        waiting.setdefault(_but_for_its_name(node), []).append(node.id)
    for node in added:
        alike = waiting.get(_but_for_its_name(node))
        if alike:
            yield Renamed(alike.pop(0), node.id)


def _but_for_its_name(node: Node) -> bytes:
    return _exact(msgspec.structs.replace(node, id="", position=None))


def _node_changes(
    before: Node, after: Node, texts_before: Texts, texts_after: Texts
) -> Iterator[FieldChange]:
    if before.type != after.type:
        yield FieldChange("type", "type", before.type, after.type)
    yield from _changes(before.config, after.config, "config", "config", texts_before, texts_after)
    yield from _policy_changes(before, after, _NODE_POLICY_FIELDS)
    if before.label != after.label:
        yield FieldChange("label", "label", before.label, after.label)
    if before.position != after.position:
        yield FieldChange(
            "position",
            "layout",
            msgspec.to_builtins(before.position),
            msgspec.to_builtins(after.position),
        )


_NODE_POLICY_FIELDS = ("policy_engine_mode", "evaluate_on_plan", "re_evaluate_policies")


def _settings_changes(before: Settings, after: Settings) -> Iterator[FieldChange]:
    yield from _policy_changes(before, after, ("policy_engine_mode",))
    for name in ("denied_action", "authentication", "trigger"):
        was, is_now = msgspec.to_builtins((getattr(before, name), getattr(after, name)))
        yield from _changes(was, is_now, name, "config", {}, {})


def _policy_changes(
    before: Node | Settings, after: Node | Settings, fields: tuple[str, ...]
) -> Iterator[FieldChange]:
    yield from _changes(
        [_written(policy) for policy in before.policies],
        [_written(policy) for policy in after.policies],
        "policies",
        "policy",
        _policy_texts(before.policies),
        _policy_texts(after.policies),
    )
    for name in fields:
        was, is_now = getattr(before, name), getattr(after, name)
        if was != is_now:
            yield FieldChange(name, "policy", was, is_now)


def _written(policy: Policy) -> Json:
    return msgspec.structs.asdict(policy)


def _changes(
    before: Json, after: Json, path: str, kind: Kind, texts_before: Texts, texts_after: Texts
) -> Iterator[FieldChange]:
    """Compare two JSON values, each with the expressions in it, down to what has no parts."""
    pairs: Iterable[tuple[str, Json, Json]]
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        pairs = (
            (f"{path}.{name}", before.get(name, UNSET), after.get(name, UNSET))
            for name in dict.fromkeys((*after, *before))
        )
    elif isinstance(before, list) and isinstance(after, list):
        pairs = (
            (f"{path}[{index}]", *pair)
            for index, pair in enumerate(zip_longest(before, after, fillvalue=UNSET))
        )
    else:
        was, is_now = texts_before.get(path), texts_after.get(path)
        if was is None or is_now is None:
            same = UNSET is not before and UNSET is not after and _exact(before) == _exact(after)
        else:
            same = was == is_now
        if not same:
            expression = kind == "config" and (was is not None or is_now is not None)
            yield FieldChange(path, "expression" if expression else kind, before, after)
        return
    for where, was, is_now in pairs:
        yield from _changes(was, is_now, where, kind, texts_before, texts_after)


def _config_texts(node: Node, flow: Flow, types: NodeTypes) -> Texts:
    """Print the expressions in a config; none where nobody can read it."""
    kind = types.get(node.type)
    if kind is None:
        return {}
    lowered = read_config(kind, node, flow.type).lowered
    return {path: expression.text for path, expression in expressions_in(lowered)}


def _policy_texts(policies: Iterable[Policy]) -> Texts:
    texts: dict[str, str] = {}
    for index, policy in enumerate(policies):
        try:
            texts[f"policies[{index}].expression"] = to_text(parse(policy.expression))
        except ExpressionError:
            # Compared as it is written.
            continue
    return texts


def _exact(value: Json) -> bytes:
    # As bytes: to Python `true` equals 1, to an author it does not.
    return _ENCODER.encode(value)


_ENCODER = msgspec.json.Encoder(order="deterministic")
