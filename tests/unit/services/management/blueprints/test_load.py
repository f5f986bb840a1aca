"""What becomes of whole blueprints: those of `tests/fixtures/blueprints`, and odd ones."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.common.errors import Invalid
from libs.common.flow.model import FlowType, Policy
from libs.common.flow.rules import validate
from libs.common.nodes.catalogue import NODE_TYPES
from tests.unit.services.management.blueprints.outside import loaded
from tests.unit.services.management.blueprints.shown import flow_of, shown
from tests.unit.services.management.blueprints.written import FILES, flow, only, stage

ODD = ("[]", "{}", "null", "-1", "yes", "!KeyOf flow", "[[a]]", "{a: [b]}", '"x"', "1e9", "")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_blueprint_becomes_the_flows_and_the_report_beside_it(path: Path) -> None:
    expected = yaml.safe_load(path.with_name(f"{path.stem}.expected.yaml").read_text("utf-8"))
    found = msgspec.json.decode(msgspec.json.encode(shown(loaded(path.read_bytes()))))
    assert found == expected


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_flow_has_a_problem_but_those_of_what_is_not_there(path: Path) -> None:
    for found in loaded(path.read_bytes()).flows:
        problems = {each.code for each in validate(flow_of(found), NODE_TYPES).errors}
        # A flow that asks for nothing, and one that runs a flow which is not active yet.
        allowed = {"unknown_node_type", "unauthenticated_success", "unknown_subflow"}
        assert problems <= allowed


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_report_and_no_flow_holds_a_secret_of_the_file(path: Path) -> None:
    said = msgspec.json.encode(loaded(path.read_bytes()))
    assert not any(secret in said for secret in (b"hunter2", b"not-for-the-report", b"site-key"))


def test_a_flow_whose_policy_nobody_knows_is_started_by_nobody() -> None:
    found, _ = only(
        flow(
            "- model: authentik_policies_geoip.geoippolicy\n  id: geo\n  identifiers: {name: geo}\n"
            "- model: authentik_policies.policybinding\n"
            "  identifiers: {order: 0, policy: !KeyOf geo, target: !KeyOf flow}\n"
            "  attrs: {failure_result: true}\n"
        )
    )
    assert found.settings.policies == (Policy('number("geo: put a condition here") === 0'),)


@pytest.mark.parametrize(
    ("slug", "path"),
    [
        ("has space", "entries[0].identifiers.slug"),
        ("x" * 51, "entries[0].identifiers.slug"),
        ("3", "entries[0].identifiers.slug"),
        ("cache_info", "entries[0].identifiers.slug"),
    ],
)
def test_a_slug_that_is_none_refuses_the_file(slug: str, path: str) -> None:
    with pytest.raises(Invalid) as refused:
        loaded(flow("").replace("{slug: orchard}", f"{{slug: {slug}}}"))
    assert [problem.path for problem in refused.value.problems] == [path]


def test_a_slug_may_have_underscores() -> None:
    found, _ = only(flow("").replace("{slug: orchard}", "{slug: orchard_2}"))
    assert found.name == "orchard_2"


def test_what_a_flow_does_not_say_is_the_strictest_there_is() -> None:
    text = "version: 1\nentries: [{model: authentik_flows.flow, identifiers: {slug: a}}]"
    found, remarks = only(text)
    assert (found.type, found.display_name, found.title) == (FlowType.LOGIN, None, None)
    assert [each.fate for each in remarks] == ["changed"]


def test_a_flow_keeps_how_it_looks_and_what_it_is_called() -> None:
    text = flow(
        "", title="Come in", background="/media/a.jpg", layout="stacked", denied_action="continue"
    )
    found, remarks = only(text)
    assert (found.title, found.settings.denied_action) == ("Come in", "continue")
    assert found.look == {"background": "/media/a.jpg", "layout": "stacked"}
    assert remarks == ()


def test_a_look_that_is_none_is_left_out_and_told() -> None:
    odd = {"layout": "upside_down", "background": 2001 * "a", "compatibility_mode": "[1]"}
    found, remarks = only(flow("", **odd))
    assert found.look == {}
    assert {each.reason.partition(" ")[0] for each in remarks} == {f"`{name}`" for name in odd}


def test_values_of_kinds_that_authentik_would_not_take_break_nothing() -> None:
    odd = dict.fromkeys(
        (
            "user_fields",
            "backends",
            "device_classes",
            "fields",
            "mode",
            "deny_message",
            "token_expiry",
        ),
        "{a: [1]}",
    )
    kinds = (
        "identification", "password", "authenticator_validate", "prompt", "user_write", "consent",
        "deny", "email", "redirect", "invitation", "captcha", "user_login", "dummy",
    )  # fmt: skip
    for kind in kinds:
        found, _ = only(flow(stage(kind, **odd), title="[1]", denied_action="[]", name="{a: b}"))
        assert len(found.graph.nodes) >= 4


def test_the_attribute_for_gatehouse_says_the_whole_flow() -> None:
    extension = (
        "{version: 1, type: logout, graph: {nodes: [{id: a, type: start}], edges: []},"
        " settings: {authentication: none}, description: Bye}"
    )
    found, remarks = only(flow(stage("deny"), gatehouse=extension))
    assert (found.type, found.description) == (FlowType.LOGOUT, "Bye")
    assert [node.id for node in found.graph.nodes] == ["a"]
    assert remarks == ()
    with pytest.raises(Invalid) as refused:
        loaded(flow("", gatehouse="{version: 1, type: walk, graph: {}, more: 1}"))
    assert [problem.path for problem in refused.value.problems] == [
        "entries[0].attrs.gatehouse.more",
        "entries[0].attrs.gatehouse.type",
    ]


def test_a_stage_that_is_bound_without_end_refuses_the_file() -> None:
    again = "- {model: authentik_flows.flowstagebinding, identifiers: {stage: a, target: b}}\n"
    with pytest.raises(Invalid) as refused:
        loaded(flow(again * 1_001))
    assert "bindings" in refused.value.problems[0].message


@settings(max_examples=150)
@given(
    st.sampled_from([path.read_text("utf-8") for path in FILES]),
    st.lists(st.tuples(st.integers(0, 400), st.sampled_from(ODD)), min_size=1, max_size=4),
)
def test_a_file_with_odd_values_is_read_or_refused_and_never_breaks(
    text: str, changes: list[tuple[int, str]]
) -> None:
    lines = text.splitlines()
    for number, value in changes:
        at = number % len(lines)
        name, colon, _ = lines[at].partition(":")
        lines[at] = f"{name}{colon} {value}"
    try:
        found = loaded("\n".join(lines))
    except Invalid:
        return
    for each in found.flows:
        validate(flow_of(each), NODE_TYPES)
