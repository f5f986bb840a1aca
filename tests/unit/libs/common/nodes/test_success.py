from __future__ import annotations

import msgspec
import pytest

from libs.common.flow.model import FlowType, TriggerPoint
from libs.common.flow.turn import Facts, Over
from libs.common.nodes.success import NODE, run
from tests.playbook import Playbook, lowered, visit


@pytest.mark.parametrize("flow", list(FlowType))
def test_a_login_signs_in_and_no_other_flow_does_unless_its_author_says_so(flow: FlowType) -> None:
    Playbook(run(lowered(NODE, {}, flow), visit())).ends(
        Over(succeeded=True, sign_in=flow is FlowType.LOGIN)
    )
    for wanted in (True, False):
        step = lowered(NODE, {"auto_login": wanted}, flow)
        Playbook(run(step, visit())).ends(Over(succeeded=True, sign_in=wanted))


def test_the_author_has_words_for_the_end_and_says_where_to_go() -> None:
    step = lowered(NODE, {"message": "Welcome!", "redirect": "/home", "auto_login": False})
    Playbook(run(step, visit())).ends(Over(succeeded=True, text="Welcome!", redirect="/home"))


@pytest.mark.parametrize("flow", list(FlowType))
def test_a_login_is_a_point_and_so_is_an_assertion(flow: FlowType) -> None:
    login = (TriggerPoint.POST_LOGIN,) if flow is FlowType.LOGIN else ()
    for signs_in, exchange in ((True, (TriggerPoint.CREDENTIALS_EXCHANGE,)), (False, ())):
        step = lowered(NODE, {"auto_login": signs_in}, flow)
        assert NODE.reaches(step) == NODE.points(step, Facts()) == (*login, *exchange)


def test_what_the_release_before_compiled_is_no_point_of_a_login() -> None:
    before = {"text": None, "redirect": None, "sign_in": False}
    step = msgspec.msgpack.decode(msgspec.msgpack.encode(before), type=NODE.lowered)
    assert NODE.reaches(step) == ()
