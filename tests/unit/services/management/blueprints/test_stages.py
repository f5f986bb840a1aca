"""What becomes of the stages of a flow, and of their bindings."""

from __future__ import annotations

import pytest

from libs.common.flow.model import Policy
from tests.unit.services.management.blueprints.outside import Around
from tests.unit.services.management.blueprints.written import flow, only, stage


@pytest.mark.parametrize(
    "kind",
    [
        "identification",
        "password",
        "authenticator_validate",
        "captcha",
        "email",
        "consent",
        "deny",
    ],
)
def test_a_stage_that_only_asks_for_more_always_runs_where_nobody_knows_its_policy(
    kind: str,
) -> None:
    found, remarks = only(flow(stage(kind, policy="return unknown()", user_fields="[email]")))
    node = found.graph.nodes[1]
    assert node.policies == ()
    assert [(each.fate, each.became) for each in remarks if each.name == f"p-{kind}"] == [
        ("changed", "the stage always runs")
    ]


@pytest.mark.parametrize(
    "kind", ["user_login", "user_delete", "user_logout", "invitation", "redirect", "dummy"]
)
def test_any_other_stage_is_never_come_past_where_nobody_knows_its_policy(kind: str) -> None:
    text = stage(kind, policy="return unknown()", mode="static", target_static="/x")
    found, remarks = only(flow(text))
    (policy,) = found.graph.nodes[1].policies
    assert policy == Policy(f'number("p-{kind}: put a condition here") === 0')
    assert "closed" in [each.fate for each in remarks if each.name == f"p-{kind}"]


@pytest.mark.parametrize(
    ("said", "outcomes"),
    [
        ({}, ["not_enrolled", None]),
        ({"not_configured_action": "skip"}, ["not_enrolled", None]),
        ({"not_configured_action": "deny"}, [None]),
        ({"not_configured_action": "configure"}, [None]),
    ],
)
def test_who_has_no_second_factor_goes_on_only_where_the_stage_says_so(
    said: dict[str, str], outcomes: list[str | None]
) -> None:
    found, _ = only(flow(stage("authenticator_validate", **said)))
    edges = [edge for edge in found.graph.edges if edge.source == "authenticator_validate"]
    assert sorted((edge.condition for edge in edges), key=str, reverse=True) == outcomes
    assert {edge.target for edge in edges} == {"success"}


@pytest.mark.parametrize(
    ("said", "config"),
    [
        ("[sms, email]", {"methods": ["sms", "email"]}),
        ("[webauthn]", {"methods": ["webauthn"], "user_verification": "required"}),
    ],
)
def test_classes_of_devices_are_the_methods_of_a_second_factor(
    said: str, config: dict[str, object]
) -> None:
    written = stage(
        "authenticator_validate", device_classes=said, webauthn_user_verification="required"
    )
    found, remarks = only(flow(written))
    (node,) = [each for each in found.graph.nodes if each.type == "mfa_verification"]
    assert node.config == config
    assert not [each for each in remarks if each.fate == "left_out"]


def test_inactive_users_whom_nothing_would_verify_are_not_written() -> None:
    found, remarks = only(flow(stage("user_write", create_users_as_inactive="true")))
    assert found.graph.nodes[1].type == "dummy"
    assert found.graph.nodes[1].policies
    assert [each.fate for each in remarks] == ["stand_in"]


@pytest.mark.parametrize(
    ("mode", "authentication", "condition"),
    [
        ("never_create", "require_unauthenticated", "has(user.id)"),
        ("always_create", "none", "!has(user.id)"),
        ("always_create", "require_unauthenticated", None),
        ("create_when_required", "none", None),
    ],
)
def test_whom_a_write_stage_would_not_write_does_not_come_to_it(
    mode: str, authentication: str, condition: str | None
) -> None:
    text = flow(stage("user_write", user_creation_mode=mode), authentication=authentication)
    graph = only(text)[0].graph
    conditions = [n.config["condition"] for n in graph.nodes if n.type == "condition"]
    assert conditions == ([] if condition is None else [condition])
    if condition is not None:
        assert ("user_write-account", "failure", "false") in {
            (edge.source, edge.target, edge.condition) for edge in graph.edges
        }


def test_a_stage_that_is_bound_twice_is_two_nodes() -> None:
    again = (
        "- model: authentik_flows.flowstagebinding\n"
        "  identifiers: {order: 5, stage: !KeyOf password, target: !KeyOf flow}\n"
    )
    found, _ = only(flow(stage("password") + again))
    assert [node.id for node in found.graph.nodes][1:3] == ["password", "password-2"]


def test_stages_of_one_order_come_as_they_are_written_and_orders_may_be_negative() -> None:
    found, _ = only(flow(stage("deny", "1") + stage("password", "1") + stage("dummy", "-3")))
    assert [node.id for node in found.graph.nodes][1:4] == ["dummy", "deny", "password"]


def test_a_redirect_leads_where_it_led_or_marks_its_place() -> None:
    static, _ = only(flow(stage("redirect", mode="static", target_static="/done")))
    assert (static.graph.nodes[1].type, dict(static.graph.nodes[1].config)) == (
        "redirect",
        {"url": "/done"},
    )
    unsafe, _ = only(flow(stage("redirect", mode="static", target_static="http://old.example")))
    assert (unsafe.graph.nodes[1].type, len(unsafe.graph.nodes[1].policies)) == ("dummy", 1)
    target = "!Find [authentik_flows.flow, [slug, other]]"
    inside, _ = only(flow(stage("redirect", target_flow=target)), Around(frozenset({"other"})))
    assert (inside.graph.nodes[1].type, inside.graph.nodes[1].config) == (
        "subflow",
        {"flow": "other"},
    )
    nowhere, remarks = only(flow(stage("redirect", target_flow=target)))
    assert nowhere.graph.nodes[1].type == "dummy"
    assert "other" in remarks[0].reason


@pytest.mark.parametrize(
    ("said", "config"),
    [
        ({}, {"user_verification": "preferred", "resident_key": "preferred"}),
        (
            {
                "user_verification": "required",
                "resident_key_requirement": "discouraged",
                "authenticator_attachment": "cross-platform",
            },
            {
                "user_verification": "required",
                "resident_key": "discouraged",
                "attachment": "cross-platform",
            },
        ),
        (
            {"user_verification": "[1]", "authenticator_attachment": "odd"},
            {"user_verification": "preferred", "resident_key": "preferred"},
        ),
    ],
)
def test_a_stage_that_makes_passkeys_says_which(said: dict[str, str], config: object) -> None:
    found, _ = only(flow(stage("authenticator_webauthn", **said)))
    (node,) = [each for each in found.graph.nodes if each.type == "webauthn_setup"]
    assert node.config == config


def test_a_stage_inside_itself_is_no_stage_of_it() -> None:
    text = stage("identification", user_fields="[email]", password_stage="!KeyOf identification")
    found, _ = only(flow(text))
    assert [node.type for node in found.graph.nodes][1:-2] == ["identifier_input"]
