"""What policies come to in a replay on another version: what they came to, or nothing."""

from __future__ import annotations

import pytest

from libs.common.flow.model import Flow
from libs.common.flow.replay import replay
from libs.common.flow.rerun import Stopped
from tests.unit.libs.common.flow.reruns import CALLER, RED, YES, again, asking, path, session
from tests.walks import asks, flow, node, program, sets, when


def gated(
    *policies: str,
    value: str = "true",
    at_start: bool = False,
    each_time: bool = True,
    mark: str = "1",
) -> Flow:
    return flow(
        "main",
        "start > mark > ask > gated > done",
        "gated:error > failed",
        mark=sets("mark", mark),
        ask=asks("colour"),
        gated=when(sets("x", value), *policies, at_start=at_start, each_time=each_time),
    )


@pytest.mark.parametrize(
    ("policies", "outcome"),
    [
        (("inputs.colour === 'red'",), "success"),
        (("not inputs.colour === 'red'",), "skipped"),
        (("inputs.colour === 'blue'",), "skipped"),
        (("not inputs.colour === 'blue'",), "success"),
        (("inputs.colour > 3",), "error"),
        (("false", "inputs.colour === 'red'"), "success"),
    ],
)
def test_policies_on_what_was_typed_come_to_what_they_came_to(
    policies: tuple[str, ...], outcome: str
) -> None:
    before = gated(*policies)
    made = session(before, (RED,))
    own = replay(made.tape, made.walk.program)
    found = replay(made.tape, made.walk.program, program(gated(*policies, value="7")))
    assert path(own)[-2] == f"gated:{outcome}"
    assert path(found)[-2] == f"gated:{outcome}{'*' if outcome == 'success' else ''}"
    assert found.same


def test_a_node_that_ran_and_left_by_error_is_told_from_one_whose_policies_kept_it() -> None:
    before = gated("inputs.colour === 'red'", value="user.nothing.at_all")
    found = again(before, gated("inputs.colour === 'red'", value="7"), RED)
    assert path(found)[-2:] == ["gated:success*", "done*"]


def test_policies_of_which_one_reads_something_else_say_nothing() -> None:
    policies = ("facts.mark === 1", "inputs.colour === 'blue'")
    found = again(gated(*policies), gated(*policies, mark="2"), RED)
    assert found.undecided == Stopped("gated", ("inputs.colour",))


def test_policies_that_were_not_there_or_others_say_nothing() -> None:
    plain = flow("main", "start > ask > done", ask=asks("colour"))
    here = ("inputs.colour === 'red'",)
    for before in (plain, gated("inputs.colour === 'blue'"), gated(*here, "false")):
        assert again(before, gated(*here), RED).undecided is not None
    found = again(gated("inputs.colour === 'blue'"), gated(*here), RED)
    assert found.undecided == Stopped("gated", ("inputs.colour",))


def test_null_that_was_set_is_read_as_null() -> None:
    made = session(
        flow(
            "main",
            "start > one > two > three > done",
            one=sets("one"),
            two=sets("two", "null"),
            three=when(sets("three"), "facts.two === null", at_start=False, each_time=True),
        )
    )
    assert path(replay(made.tape, made.walk.program)) == [
        *("start:success", "one:success", "two:success", "three:success", "done"),
    ]


def test_policies_decided_at_the_start_stay_what_they_were() -> None:
    policy = "request.ip === '192.0.2.7'"
    before = gated(policy, at_start=True, each_time=False)
    found = again(before, gated(policy, at_start=True, each_time=False, value="7"), RED)
    assert path(found)[-2:] == ["gated:success*", "done"]


def test_policies_that_could_be_decided_at_the_start_are() -> None:
    before = gated("true", at_start=True, each_time=False)
    found = again(before, gated("request.time === 7", at_start=True, each_time=False), RED)
    assert path(found)[-2] == "gated:skipped*"


@pytest.mark.parametrize("each_time", [False, True])
def test_policies_that_could_not_be_decided_at_the_start_stop_where_they_are_asked(
    *, each_time: bool
) -> None:
    before = gated("true")
    after = gated("request.ip === '192.0.2.7'", at_start=True, each_time=each_time)
    found = again(before, after, RED)
    assert path(found)[-1] == "ask:success"
    assert found.undecided == Stopped("gated", ("request.ip",))


def test_policies_that_nobody_asks_need_not_be_decided() -> None:
    after = asking("flow.type === 'login'", when(YES, "request.ip === '192.0.2.7'"))
    assert again(asking("flow.type === 'login'"), after, RED).same


def test_policies_that_were_forgotten_with_who_the_caller_was_are_not_what_they_were() -> None:
    def naming(*paths: str) -> Flow:
        policies = ("user.role === 'none'", "inputs.colour === 'red'")
        return flow(
            "main",
            *paths,
            "gated:error > failed",
            ask=asks("colour"),
            who=node("identifier_input"),
            gated=when(sets("x"), *policies, mode="all", each_time=True),
        )

    before = naming("start > ask > gated > who > done")
    after = naming("start > ask > who > gated > done")
    found = again(before, after, RED, {"email": "bob@example.com"}, facts=CALLER)
    assert path(found)[-1] == "who:success"
    assert found.undecided == Stopped("gated", ("inputs.colour",))


# What is shown.


def test_it_is_shown_what_each_expression_came_to_and_what_nobody_knows() -> None:
    made = session(gated("inputs.colour === 'red'", value="flow.type"), (RED,))
    trace = replay(made.tape, made.walk.program).trace
    assert [(each.turn, each.node, each.type) for each in trace] == [
        (1, "start", "start"),
        (1, "mark", "set_attribute"),
        (1, "ask", "prompt"),
        (2, "ask", "prompt"),
        (2, "gated", "set_attribute"),
        (2, "done", "success"),
    ]
    assert [(each.path, each.value) for each in trace[4].expressions] == [
        ("policies[0].expression", {"unknown": True}),
        ("config.value", "registration"),
    ]
    assert trace[3].expressions == ()


def test_of_a_node_that_did_not_run_its_policies_are_shown_as_of_when_they_were_decided() -> None:
    made = session(gated("has(facts.mark)", "false", at_start=True, each_time=False), (RED,))
    (shown,) = [each for each in replay(made.tape, made.walk.program).trace if each.node == "gated"]
    assert [(each.path, each.value) for each in shown.expressions] == [
        ("policies[0].expression", False),
        ("policies[1].expression", False),
    ]
    made = session(gated("!has(facts.mark)"), (RED,))
    (shown,) = [each for each in replay(made.tape, made.walk.program).trace if each.node == "gated"]
    assert [(each.path, each.value) for each in shown.expressions] == [
        ("policies[0].expression", False)
    ]
