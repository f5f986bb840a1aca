"""What `docs/how-to/import-from-authentik.md` shows is what comes of it."""

from __future__ import annotations

import json
import re

import pytest

from libs.common.flow.rules import validate
from libs.common.nodes.catalogue import NODE_TYPES
from services.management.blueprints.python import translate
from services.management.blueprints.stages import APP, mapped
from tests.unit.services.management.blueprints.outside import loaded
from tests.unit.services.management.blueprints.shown import flow_of
from tests.unit.test_docs import BLOCK, PROJECT

PAGE = (PROJECT / "docs" / "how-to" / "import-from-authentik.md").read_text("utf-8")
BLUEPRINT = next(text for language, text in BLOCK.findall(PAGE) if language == "yaml")
ANSWER = json.loads(next(text for language, text in BLOCK.findall(PAGE) if language == "json"))
POLICIES = re.findall(r"^\| `(return .*?)` \| `(.*?)` \|$", PAGE, re.MULTILINE)
STAGES = re.findall(
    r"^\| `([a-z_]+)` \| `([a-z_]+)`", PAGE.partition("## What becomes of stages")[2], re.MULTILINE
)


def test_the_blueprint_that_is_shown_becomes_what_is_shown() -> None:
    found = loaded(BLUEPRINT)
    report = json.loads(json.dumps(ANSWER["report"]))
    counts = found.report.counts
    assert report["counts"] == {
        "entries": counts.entries,
        "carried": counts.carried,
        "remarks": counts.remarks,
    }
    for shown, remark in zip(report["remarks"], found.report.remarks, strict=True):
        assert shown == {name: getattr(remark, name) for name in shown}
    (flow,) = found.flows
    (shown,) = ANSWER["flows"]
    problems = validate(flow_of(flow), NODE_TYPES)
    assert (shown["name"], shown["type"], shown["valid"]) == (flow.name, flow.type, problems.valid)


@pytest.mark.parametrize(("python", "expression"), POLICIES)
def test_each_policy_that_is_shown_is_translated_so(python: str, expression: str) -> None:
    assert translate(python, {"email": "string", "plan": "string"}).text == expression.replace(
        "\\|", "|"
    )


@pytest.mark.parametrize(("stage", "node"), STAGES)
def test_each_stage_that_is_shown_becomes_that_node(stage: str, node: str) -> None:
    model = f"{APP}{stage}.{stage.replace('_', '')}stage"
    text = (
        "version: 1\nentries:\n- {model: authentik_flows.flow, id: f, identifiers: {slug: f}}\n"
        "- {model: authentik_stages_prompt.prompt, id: p, attrs: {field_key: k, type: text}}\n"
        f"- {{model: {model}, id: s, identifiers: {{name: s}}, attrs: {{user_fields: [email],"
        " mode: static, target_static: /x, fields: [!KeyOf p]}}\n"
        "- {model: authentik_flows.flowstagebinding,"
        " identifiers: {order: 0, stage: !KeyOf s, target: !KeyOf f}}\n"
    )
    assert mapped(model) is not mapped("unknown")
    assert [each.type for each in loaded(text).flows[0].graph.nodes][1:-2] == [node]


def test_the_tables_are_found() -> None:
    assert len(POLICIES) > 5
    assert len(STAGES) > 10
