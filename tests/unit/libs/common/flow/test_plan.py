from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from libs.common.flow.model import FlowType, TriggerPoint
from libs.common.flow.plan import (
    FAILURE,
    FORMAT,
    Instruction,
    Plan,
    Program,
    Step,
    UnreadablePlan,
    encode,
    encode_config,
    load,
    name_of,
)
from libs.common.flow.turn import Over
from libs.common.nodes import condition, start
from libs.common.nodes.catalogue import NODE_TYPES
from tests.playbook import lowered
from tests.walks import Walk, flow, library, node, program, sets, trigger, when

CHECK = lowered(condition.NODE, {"condition": "user.mfa_enabled"})
PLAN = Plan(
    FORMAT,
    "flow_case",
    3,
    FlowType.LOGIN,
    0,
    (
        Step("start", "start", encode_config(lowered(start.NODE)), {"success": 1}),
        Step("check", "condition", encode_config(CHECK), {"true": 0, "false": FAILURE}),
    ),
)
DATA = encode(PLAN)


def reads(plan: Plan) -> Program:
    data = encode(plan)
    return load(data, NODE_TYPES, expecting=name_of(data))


def test_a_plan_is_named_by_the_hash_of_its_bytes() -> None:
    assert name_of(DATA) == hashlib.sha256(DATA).hexdigest()


def test_the_same_plan_has_the_same_bytes_in_whatever_order_it_was_made() -> None:
    check = replace(PLAN.steps[1], to={"false": FAILURE, "true": 0})
    assert encode(replace(PLAN, steps=(PLAN.steps[0], check))) == DATA


def test_a_plan_that_is_read_is_ready_to_run() -> None:
    assert reads(PLAN) == Program(
        name_of(DATA),
        "flow_case",
        3,
        FlowType.LOGIN,
        0,
        (
            Instruction("start", start.NODE, lowered(start.NODE), {"success": 1}),
            Instruction("check", condition.NODE, CHECK, {"true": 0, "false": FAILURE}),
        ),
    )


def test_bytes_that_are_another_plans_are_refused() -> None:
    with pytest.raises(UnreadablePlan, match="are not that plan's"):
        load(DATA + b"\0", NODE_TYPES, expecting=name_of(DATA))


@pytest.mark.parametrize("data", [b"", b"\xc1", msgspec.msgpack.encode({"format": FORMAT})])
def test_bytes_that_are_no_plan_are_refused(data: bytes) -> None:
    with pytest.raises(UnreadablePlan, match="does not decode"):
        load(data, NODE_TYPES, expecting=name_of(data))


BEFORE: dict[str, Any] = {
    "format": 1,
    "flow": "flow_case",
    "version": 3,
    "type": "login",
    "start": 0,
    "steps": [
        ["start", "start", {}, {"success": 1}],
        [
            "check",
            "condition",
            {"condition": [["b", "===", ["m", ["r", "flow"], "type"], ["k", "login"]]]},
            {"true": 2, "false": 3, "error": FAILURE},
        ],
        ["done", "success", {"text": "Hi", "redirect": None, "sign_in": False}, {}],
        ["sorry", "failure", {"message": None, "redirect": None}, {}],
    ],
}
"""A plan as the release before this one wrote it."""


def test_a_plan_of_the_format_before_still_loads_and_runs() -> None:
    data = msgspec.msgpack.encode(BEFORE)
    program = load(data, NODE_TYPES, expecting=name_of(data))
    assert (program.units, program.planned, program.gate, program.demands) == ((), (), None, ())
    assert program.authentication == "none"
    assert not any(step.arrival or step.calls for step in program.steps)
    walk = Walk(program)
    assert walk.path == ["start:success", "check:true", "done"]
    assert walk.turn.shown == Over(succeeded=True, text="Hi")


def test_what_a_plan_does_not_have_is_not_in_its_bytes() -> None:
    assert msgspec.msgpack.decode(DATA).keys() == BEFORE.keys()


def test_a_step_says_whether_there_is_anything_to_do_before_it_runs() -> None:
    hook = trigger("hook", TriggerPoint.PRE_USER_REGISTRATION, "start > done")
    made = flow(
        "main",
        "start > open > gated > write > done",
        open=sets("a"),
        gated=when(sets("b"), "true", at_start=False, each_time=True),
        write=node("user_write"),
    )
    loaded = program(made, library(hook))
    assert [step.id for step in loaded.steps if step.arrival] == ["gated", "write"]
    assert [step.id for step in program(made).steps if step.arrival] == ["gated"]
    assert loaded.planned == ()


def test_a_plan_of_another_format_is_refused_by_its_number() -> None:
    with pytest.raises(UnreadablePlan, match=f"has format {FORMAT + 1}; this release reads"):
        reads(replace(PLAN, format=FORMAT + 1))


def test_a_node_type_that_this_release_does_not_have_is_named() -> None:
    later = Step("later", "time_travel", msgspec.Raw(msgspec.msgpack.encode({})), {})
    with pytest.raises(UnreadablePlan, match="node `later` has type `time_travel`"):
        reads(replace(PLAN, steps=(*PLAN.steps, later)))


def test_a_config_that_its_node_type_cannot_read_is_refused() -> None:
    wrong = replace(PLAN.steps[1], config=msgspec.Raw(msgspec.msgpack.encode({"condition": 1})))
    with pytest.raises(UnreadablePlan, match="does not decode"):
        reads(replace(PLAN, steps=(PLAN.steps[0], wrong)))
