"""What every node type must be, whoever writes it."""

from __future__ import annotations

import importlib
from pathlib import Path

import msgspec
import pytest
from msgspec.inspect import type_info

from libs.common.flow.expression import SCHEMA
from libs.common.flow.model import FlowType
from libs.common.flow.node import AnyNodeType, Site
from libs.common.flow.turn import Facts
from libs.common.nodes import success
from libs.common.nodes.catalogue import CATALOGUE, NODE_TYPES
from services.management.nodetypes import field_docstrings, structs_in

FOLDER = Path(__file__).parents[5] / "libs/common/nodes"
AMR = {"pwd", "otp", "sms", "hwk", "swk", "user", "mfa", "fed"}
"""What a node here may say; all but `fed` are of RFC 8176."""

each = pytest.mark.parametrize("node", CATALOGUE, ids=lambda node: node.name)


def test_every_file_with_a_node_type_is_in_the_catalogue() -> None:
    files = {path.stem for path in FOLDER.glob("*.py") if "\nNODE:" in path.read_text()}
    assert {node.name for node in CATALOGUE} == files == set(NODE_TYPES)
    assert len(CATALOGUE) == len(NODE_TYPES)


@each
def test_a_node_type_is_found_by_its_name_which_is_its_files(node: AnyNodeType) -> None:
    assert NODE_TYPES[node.name] is node
    assert importlib.import_module(f"libs.common.nodes.{node.name}").NODE is node


@each
def test_every_field_that_an_author_may_write_is_documented(node: AnyNodeType) -> None:
    for struct in structs_in(type_info(node.config)):
        tag = struct.__struct_config__.tag_field
        written = {*struct.__struct_fields__, *([] if tag is None else [tag])}
        said = field_docstrings(struct)
        assert said.keys() == written, struct.__name__
        assert all(said.values()), struct.__name__


@each
def test_what_an_author_writes_has_a_schema_and_takes_no_unknown_field(node: AnyNodeType) -> None:
    schema = msgspec.json.schema(node.config)["$defs"]
    assert all(struct["additionalProperties"] is False for struct in schema.values())


@each
def test_what_a_node_type_says_of_its_outcomes_is_of_outcomes_that_it_has(
    node: AnyNodeType,
) -> None:
    examples: dict[str, object] = {
        "switch": {"cases": [{"outcome": "a", "when": "true"}]},
        "prompt": {"fields": [{"name": "a", "type": "text", "label": "A"}]},
        "internal_prompt": {"params": [{"name": "a"}]},
        "condition": {"condition": "true"},
        "set_attribute": {"attribute": "a", "value": "1"},
        "subflow": {"flow": "other"},
        "redirect": {"url": "/there"},
        "social_provider_select": {"providers": ["google"]},
        "send_email": {"template": "welcome"},
        "send_sms": {"text": "Hello"},
        "webhook": {"url": "https://hooks.example.com", "outcomes": [{"outcome": "a"}]},
        "action": {"action": "risk", "outcomes": [{"outcome": "a"}]},
    }
    config = msgspec.convert(examples.get(node.name, {}), node.config)
    outcomes = set(node.outcomes(config))
    assert node.default is None or node.default in outcomes
    assert node.fallbacks <= outcomes
    assert node.waits <= outcomes
    proves = node.proves(config)
    assert set(proves) <= outcomes
    assert {value for gains in proves.values() for gain in gains for value in gain.amr} <= AMR
    assert {path[0] for path in node.writes(config)} <= SCHEMA.keys()
    assert node.unwritten <= outcomes
    lowered = node.lower(config, Site("step", FlowType.LOGIN))
    revealed = node.reveals(lowered)
    assert set(revealed) <= outcomes
    # A proof takes all that was revealed to be true of the moment at which the node was reached.
    assert not revealed or not (node.waits or node.writes(config) or node.reaches(lowered))
    assert node.summary.endswith(".")


def test_all_triggers_of_an_end_run_whatever_is_known() -> None:
    lowered = success.NODE.lower(success.Config(), Site("end", FlowType.LOGIN))
    reached = success.NODE.reaches(lowered)
    assert len(reached) == 2
    assert success.NODE.points(lowered, Facts()) == reached
