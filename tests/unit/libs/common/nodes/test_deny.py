from __future__ import annotations

import pytest

from libs.common.flow.model import Edge, Flow, FlowType, Graph, Node, Policy
from libs.common.flow.rules import validate
from libs.common.flow.turn import Message, Over
from libs.common.nodes.catalogue import NODE_TYPES
from libs.common.nodes.deny import NODE, run
from tests.playbook import Playbook, lowered, visit

FAILED = Message("flow.failed")


def test_who_comes_to_it_is_refused_with_the_authors_words() -> None:
    Playbook(run(lowered(NODE), visit())).ends(Over(succeeded=False, message=FAILED))
    step = lowered(NODE, {"message": "Not today."})
    Playbook(run(step, visit())).ends(Over(succeeded=False, message=FAILED, text="Not today."))


def test_nothing_that_is_sent_gets_anybody_past_it() -> None:
    move = Playbook(run(lowered(NODE), visit(submitted={"code": "123456"}))).result()
    assert isinstance(move, Over)
    assert not move.succeeded


@pytest.mark.parametrize(
    ("policies", "codes"),
    [
        ((), []),
        ((Policy("request.ip === '192.0.2.7'"),), ["unauthenticated_success"]),
    ],
)
def test_it_can_be_left_only_where_its_policies_let_somebody_skip_it(
    policies: tuple[Policy, ...], codes: list[str]
) -> None:
    nodes = (
        Node("start", "start"),
        Node("no", "deny", policies=policies),
        Node("success", "success"),
    )
    edges = (Edge("start", "no"), Edge("no", "success"))
    flow = Flow("flow_it", 1, FlowType.LOGIN, Graph(nodes, edges))
    assert [problem.code for problem in validate(flow, NODE_TYPES).errors] == codes
