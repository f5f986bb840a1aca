"""What `docs/how-to/prove-a-flow.md` says of its flows is what validation says, and what runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from libs.common.flow.model import Edge, Flow, Invariant, Json, Library, Node, Policy
from libs.common.flow.proof import check_invariants
from libs.common.flow.rules import Report, validate
from libs.common.nodes.catalogue import NODE_TYPES
from tests.unit.test_docs import PROJECT, flows, json_blocks
from tests.walks import ALICE, Walk, program
from tests.worlds import CODE, PASSWORD, World

PAGE = (PROJECT / "docs" / "how-to" / "prove-a-flow.md").read_text("utf-8")
FLOWS = {flow.name: flow for flow in flows(PAGE)}
SHOWN = [json.loads(block) for block in json_blocks(PAGE)]
(DEMANDED,) = (each for each in SHOWN if "invariants" in each)
VIOLATED, UNSET = (each for each in SHOWN if "valid" in each)
INVARIANTS = msgspec.convert(DEMANDED["invariants"], tuple[Invariant, ...])
SIGN_IN, JOIN = FLOWS["sign-in"], FLOWS["join"]
ADMIN = "user.role === 'admin'"


def checked(flow: Flow, invariants: tuple[Invariant, ...] = INVARIANTS) -> Report:
    return validate(flow, NODE_TYPES, Library(invariants=invariants))


def answered(report: Report) -> dict[str, Any]:
    """The answer of `validate`, which leaves out a list with nothing in it."""
    lists = {"errors": report.errors, "warnings": report.warnings}
    said: dict[str, Any] = json.loads(
        msgspec.json.encode({name: some for name, some in lists.items() if some})
    )
    return {"valid": report.valid, **said}


def redrawn(flow: Flow, *edges: Edge, nodes: tuple[Node, ...] = ()) -> Flow:
    """The flow with `edges` in the place of those for the same outcomes, and more nodes."""
    taken = {(edge.source, edge.condition) for edge in edges}
    kept = [edge for edge in flow.graph.edges if (edge.source, edge.condition) not in taken]
    again = {node.id: node for node in nodes}
    same = [again.pop(node.id, node) for node in flow.graph.nodes]
    graph = replace(flow.graph, nodes=(*same, *again.values()), edges=(*kept, *edges))
    return replace(flow, graph=graph)


EVERYBODY_ELSE = redrawn(SIGN_IN, Edge("kind", "done"))


def test_the_invariants_can_be_set_and_the_flow_keeps_them() -> None:
    assert check_invariants(INVARIANTS) == ()
    assert len(INVARIANTS) == 2
    assert answered(checked(SIGN_IN)) == {"valid": True}


def test_the_counter_example_that_is_shown_is_the_answer() -> None:
    assert answered(checked(EVERYBODY_ELSE)) == VIOLATED


ASK_FIRST = redrawn(
    EVERYBODY_ELSE,
    Edge("kind", "admin"),
    Edge("admin", "code", "true"),
    Edge("admin", "done", "false"),
    Edge("admin", "sorry", "error"),
    nodes=(Node("admin", "condition", {"condition": ADMIN}),),
)
GATED = redrawn(
    SIGN_IN,
    Edge("password", "code"),
    nodes=(
        Node(
            "code",
            "mfa_verification",
            policies=(Policy(ADMIN),),
            evaluate_on_plan=False,
            re_evaluate_policies=True,
        ),
    ),
)


@pytest.mark.parametrize(
    "flow",
    [redrawn(EVERYBODY_ELSE, Edge("kind", "code")), ASK_FIRST, GATED],
    ids=["led elsewhere", "branched", "policy"],
)
def test_each_way_to_mend_it_mends_it(flow: Flow) -> None:
    assert checked(flow).errors == ()


def test_an_invariant_that_means_fewer_people_is_not_broken_by_the_others() -> None:
    somebody, admins = INVARIANTS
    narrow = replace(admins, when=f"{ADMIN} && user.mfa_enabled")
    # Whoever comes to `done` so has just been found to have no authenticator.
    assert checked(EVERYBODY_ELSE, (somebody, narrow)).errors == ()


def test_a_branch_before_the_password_tells_nothing_of_who_comes_out_of_it() -> None:
    early = redrawn(
        EVERYBODY_ELSE,
        Edge("start", "early"),
        Edge("early", "sorry", "true"),
        Edge("early", "who", "false"),
        nodes=(Node("early", "condition", {"condition": ADMIN}),),
    )
    (problem,) = checked(early).errors
    assert problem.counter_example == ("start", "early", "who", "password", "kind", "done")


@pytest.mark.parametrize(
    ("user", "path"),
    [
        ({"role": "member", "mfa_enabled": False}, ["password:success", "kind:member", "done"]),
        ({"role": "admin", "mfa_enabled": False}, ["password:success", "kind:default", "sorry"]),
    ],
)
def test_members_are_let_in_and_admins_without_an_authenticator_are_not(
    user: Mapping[str, Json], path: list[str]
) -> None:
    walk = Walk(program(SIGN_IN, Library(invariants=INVARIANTS)), World(alice=user))
    walk.sends(email=ALICE)
    walk.sends(password=PASSWORD)
    assert walk.path == path


def test_who_has_an_authenticator_is_asked_for_a_code() -> None:
    user: Mapping[str, Json] = {"role": "admin", "mfa_enabled": True, "mfa_methods": ["totp"]}
    walk = Walk(program(SIGN_IN, Library(invariants=INVARIANTS)), World(alice=user))
    walk.sends(email=ALICE)
    walk.sends(password=PASSWORD)
    walk.sends(code=CODE)
    assert walk.succeeded


def test_the_answer_about_a_fact_that_is_not_set_is_the_one_that_is_shown() -> None:
    bare = Node("plan", "condition", {"condition": "facts.plan === 'gold'"})
    assert answered(checked(redrawn(JOIN, nodes=(bare,)))) == UNSET


def test_who_has_the_voucher_is_welcomed_to_gold() -> None:
    for code, end in (("GOLD", "welcome"), ("", "done")):
        walk = Walk(program(JOIN))
        walk.sends(code=code)
        assert walk.at == end
