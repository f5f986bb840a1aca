"""Blueprints: the files of `tests/fixtures/blueprints`, and some of one flow, written in a line."""

from __future__ import annotations

from pathlib import Path

from services.management.blueprints.loaded import LoadedFlow
from services.management.blueprints.report import Remark
from tests.unit.services.management.blueprints.outside import NOTHING, Around, loaded

CASES = Path(__file__).parents[4] / "fixtures" / "blueprints"
FILES = sorted(path for path in CASES.iterdir() if ".expected" not in path.name)


def flow(stages: str, **fields: str) -> str:
    """Write a blueprint of one flow, with `stages` bound to it."""
    said = {"designation": "authentication", "authentication": "require_unauthenticated", **fields}
    lines = "".join(f"    {name}: {value}\n" for name, value in said.items())
    return (
        "version: 1\nentries:\n- model: authentik_flows.flow\n  id: flow\n"
        f"  identifiers: {{slug: orchard}}\n  attrs:\n    name: Orchard\n{lines}{stages}"
    )


def stage(kind: str, order: str = "0", *, policy: str = "", **fields: str) -> str:
    """Write a stage and its binding, to which `policy` is bound."""
    model = f"authentik_stages_{kind}.{kind.replace('_', '')}stage"
    lines = "".join(f"    {name}: {value}\n" for name, value in fields.items())
    bound = (
        f"- model: authentik_policies_expression.expressionpolicy\n  id: p-{kind}\n"
        f"  identifiers: {{name: p-{kind}}}\n  attrs: {{expression: {policy!r}}}\n"
        "- model: authentik_policies.policybinding\n  identifiers:\n"
        f"    order: 0\n    policy: !KeyOf p-{kind}\n    target: !KeyOf b-{kind}\n"
    )
    return (
        f"- model: {model}\n  id: {kind}\n  identifiers: {{name: {kind}}}\n"
        + (f"  attrs:\n{lines}" if lines else "")
        + f"- model: authentik_flows.flowstagebinding\n  id: b-{kind}\n"
        f"  identifiers: {{order: {order}, stage: !KeyOf {kind}, target: !KeyOf flow}}\n"
        + (bound if policy else "")
    )


def only(text: str, around: Around = NOTHING) -> tuple[LoadedFlow, tuple[Remark, ...]]:
    """What becomes of the one flow of a blueprint, and what the report says of it."""
    found = loaded(text, around)
    (one,) = found.flows
    return one, found.report.remarks
