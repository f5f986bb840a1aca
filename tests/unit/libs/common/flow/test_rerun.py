"""What a replay on another version makes of what was kept: it runs on what it has, or it stops.

Each test says where the same visitor would have gone; `test_any_replay` walks there.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace as changed

from libs.common.flow.model import Flow, FlowType, Library, TriggerPoint
from libs.common.flow.plan import Program
from libs.common.flow.replay import replay
from libs.common.flow.rerun import SUBMIT, Stopped
from libs.common.flow.signins import KeepSignIn
from libs.common.flow.turn import Question
from tests.recordings import Recorded
from tests.unit.libs.common.flow.reruns import CALLER, RED, ROLE, Sent, again, asking, path, session
from tests.walks import (
    ALICE,
    asks,
    calls,
    checks,
    flow,
    library,
    login,
    node,
    program,
    sets,
    trigger,
)
from tests.worlds import CODE, PASSWORD, World

# What is read of what was kept.


def test_another_condition_on_what_was_kept_is_really_evaluated() -> None:
    before = asking("flow.type === 'login'")
    found = again(before, asking("flow.type === 'registration'"), RED)
    assert path(found)[2:] == ["ask:success", "check:true*", "yes:success*", "done"]
    assert (found.result, found.diverged_at) == ("success", "check")


def test_another_condition_on_what_was_typed_stops_and_says_what_it_would_have_to_know() -> None:
    found = again(asking("inputs.colour === 'red'"), asking("inputs.colour === 'blue'"), RED)
    assert path(found) == ["start:success", "ask", "ask:success"]
    assert (found.result, found.same) == ("undecided", False)
    assert found.undecided == Stopped("check", ("inputs.colour",))


def test_the_same_condition_on_what_was_typed_comes_to_what_it_came_to() -> None:
    before = asking("inputs.colour === 'red'")
    found = again(before, asking("inputs.colour === 'red'", sets("yes", "7")), RED)
    assert path(found) == [
        *("start:success", "ask", "ask:success"),
        *("check:true", "yes:success*", "done"),
    ]
    assert found.same


def test_a_node_that_is_new_is_run_and_those_after_it_do_what_they_did() -> None:
    check = checks("inputs.colour === 'red'")
    ways = ("check:true > done", "check:false > failed")
    before = flow("main", "start > ask > check", *ways, ask=asks("colour"), check=check)
    after = flow(
        "main",
        "start > new > ask > check",
        *ways,
        new=sets("x"),
        ask=asks("colour"),
        check=check,
    )
    found = again(before, after, RED)
    assert path(found) == [
        *("start:success", "new:success*", "ask", "ask:success", "check:true", "done"),
    ]
    assert (found.result, found.diverged_at) == ("success", "start")


def test_what_the_language_tells_apart_is_another_config_though_python_calls_it_equal() -> None:
    def setting(value: str) -> Flow:
        return flow(
            "main",
            "start > set > check",
            "check:true > done",
            "check:false > failed",
            "check:error > failed",
            set=sets("x", value),
            check=checks("facts.x === true"),
        )

    found = again(setting("true"), setting("1"))
    assert path(found) == ["start:success", "set:success*", "check:error*", "failed*"]
    assert found.diverged_at == "check"


def test_what_a_node_set_that_was_so_before_is_set_where_it_was_not() -> None:
    ways = ("check:true > done", "check:false > failed")
    check = checks("facts.x ?? false")
    before = flow(
        "main", "start > one > two > check", *ways, one=sets("x"), two=sets("x"), check=check
    )
    after = flow("main", "start > two > check", *ways, two=sets("x"), check=check)
    found = again(before, after)
    assert path(found) == ["start:success", "two:success*", "check:true", "done"]


def test_an_attribute_that_was_set_to_what_was_typed_is_that_on_another_version_as_well() -> None:
    def copying(value: str) -> Flow:
        return flow(
            "main",
            "start > ask > copy > mark > check",
            "check:true > done",
            "check:false > failed",
            ask=asks("colour"),
            copy=sets("copy", "inputs.colour"),
            mark=sets("mark", value),
            check=checks("facts.copy === 'red'"),
        )

    found = again(copying("1"), copying("2"), RED)
    assert path(found)[2:] == [
        "ask:success",
        "copy:success",
        "mark:success*",
        "check:true",
        "done",
    ]


# What is known of users.

ENROLLED = flow(
    "main",
    "start > code > done",
    "code:not_enrolled > failed",
    code=node("mfa_verification"),
)


def test_who_was_looked_up_is_known_to_a_node_that_is_really_run() -> None:
    after = flow(
        "main",
        "start > check",
        "check:true > failed",
        "check:false > done",
        check=checks("user.role === 'admin'"),
    )
    found = again(ENROLLED, after, {"code": CODE}, facts=CALLER)
    assert path(found) == ["start:success", "check:true*", "failed*"]


def test_who_was_not_is_not() -> None:
    before = flow("main", "start > ask > done", ask=asks("colour"))
    after = flow("main", "start > code > done", code=node("mfa_verification"))
    found = again(before, after, RED, facts=CALLER)
    assert found.undecided == Stopped("code", ("a value of kind unknown",))
    assert path(found) == ["start:success"]


# What was sent.


def test_a_node_that_was_sent_nothing_stops_a_replay_where_there_was_more_to_come() -> None:
    before = flow("main", "start > ask > done", ask=asks("colour"))
    after = flow("main", "start > new > ask > done", new=asks("size"), ask=asks("colour"))
    found = again(before, after, RED)
    assert (found.undecided, found.result) == (Stopped("new", (SUBMIT,)), "undecided")


def test_a_node_that_was_sent_nothing_waits_where_there_was_no_more_to_come() -> None:
    before = flow("main", "start > ask > done", ask=asks("colour"))
    after = flow("main", "start > ask > new > done", new=asks("size"), ask=asks("colour"))
    found = again(before, after, RED)
    assert (found.undecided, found.result) == (None, "waiting")
    assert path(found) == ["start:success", "ask", "ask:success", "new*"]
    assert found.trace[-1].turn == 2


def test_what_was_sent_to_a_node_is_not_sent_to_another_of_that_name() -> None:
    before = flow("main", "start > ask > more > done", ask=asks("colour"), more=asks("x"))
    after = flow("main", "start > ask > more > done", ask=asks("size"), more=asks("x"))
    found = again(before, after, RED, {"x": "y"})
    assert found.undecided == Stopped("ask", (SUBMIT,))


def test_a_guess_says_nothing_where_something_else_was_proved_before_it() -> None:
    before = login("main", "start > who > password > code > done")
    after = login("main", "start > who > code > password > done")
    found = again(before, after, {"email": ALICE}, {"password": PASSWORD}, {"code": CODE})
    assert path(found) == ["start:success", "who", "who:success", "code*"]
    assert found.undecided == Stopped("code", (SUBMIT,))


def test_a_guess_is_what_it_was_though_something_was_set_in_between() -> None:
    before = login("main", "start > who > password > done")
    after = login("main", "start > who > mark > password > done", mark=sets("mark"))
    found = again(before, after, {"email": ALICE}, {"password": PASSWORD})
    assert path(found)[2:] == [
        *("who:success", "mark:success*", "password", "password:success", "done"),
    ]
    assert found.result == "success"


def registering(*paths: str) -> Flow:
    return flow(
        "main",
        *paths,
        ask=asks("email"),
        more=asks("nick"),
        city=asks("city"),
        mark=sets("mark"),
        write=node("user_write"),
    )


SASHA, NICK = {"email": "sasha@example.com"}, {"nick": "Sa"}


def test_who_is_written_with_the_same_staged_is_written() -> None:
    before = registering("start > ask > write > done")
    found = again(before, registering("start > ask > mark > write > done"), SASHA)
    assert path(found)[2:] == ["ask:success", "mark:success*", "write:success", "done"]
    assert found.result == "success"


def test_what_would_become_of_writing_more_or_less_is_not_known() -> None:
    before = registering("start > ask > more > write > done")
    after = registering("start > more > write > ask > done")
    found = again(before, after, SASHA, NICK)
    # Without an identifier nobody is written, and that can be told.
    assert path(found)[2:] == ["more:success", "write:failure*"]
    # Whose identifier was typed cannot be told what it is in its normal form.
    before = registering("start > ask > write > more > done")
    after = registering("start > ask > more > write > done")
    found = again(before, after, SASHA, NICK)
    assert found.undecided == Stopped("write", ("a value of kind input",))
    before = registering("start > more > write > city > done")
    after = registering("start > more > city > write > done")
    found = again(before, after, NICK, {"city": "Bern"}, facts=CALLER)
    assert found.undecided == Stopped("write", ("the answer to WriteUser",))


def test_triggers_run_at_the_points_that_were_passed() -> None:
    hook = trigger(
        "hook", TriggerPoint.POST_USER_REGISTRATION, "start > note > done", note=sets("seen")
    )
    before = registering("start > ask > write > done")
    after = registering("start > ask > mark > write > done")
    found = again(before, after, SASHA, then=library(hook))
    assert path(found)[4:] == [
        *("write:success", "hook/start:success*", "hook/note:success*", "hook/done*", "done"),
    ]


def test_subflows_that_changed_are_run() -> None:
    def inner(value: str) -> Library:
        return library(flow("inner", "start > note > done", note=sets("x", value)))

    outer = flow("main", "start > call > done", call=calls("inner"))
    found = again(outer, outer, beside=inner("1"), then=inner("2"))
    assert path(found)[2:] == ["inner/start:success", "inner/note:success*", "inner/done", "done"]
    assert found.same


def test_a_turn_without_an_end_is_given_up() -> None:
    plain = flow("main", "start > set > done", set=sets("x"))
    made = session(plain)
    plan = made.walk.program
    steps = tuple(
        changed(step, to={**step.to, "success": 1}) if step.id == "set" else step
        for step in plan.steps
    )
    endless: Program = changed(plan, steps=steps)
    found = replay(made.tape, plan, endless)
    assert found.undecided == Stopped("set", ("an end of this turn",))


# Sign-ins.

SIGNS_IN = login("main", "start > who > password > done")
PROVES_ONLY = changed(SIGNS_IN, type=FlowType.REGISTRATION)
PROVED: Sent = ({"email": ALICE}, {"password": PASSWORD})


class Gone(World):
    """Whoever has proved who they are is blocked by then."""

    def answer(self, question: Question[Any]) -> object:
        return False if isinstance(question, KeepSignIn) else super().answer(question)


def test_a_sign_in_that_was_kept_or_refused_is_so_again() -> None:
    for world, result in ((World(alice=ROLE), "success"), (Gone(alice=ROLE), "failure")):
        made = Recorded(program(SIGNS_IN, running=True), world)
        for each in PROVED:
            made.sends(**each)
        assert replay(made.tape, made.walk.program, program(SIGNS_IN)).result == result


def test_a_sign_in_that_the_session_did_not_make_stands() -> None:
    assert again(PROVES_ONLY, SIGNS_IN, *PROVED).result == "success"


def test_sign_ins_end_on_a_version_that_is_new() -> None:
    before = flow("main", "start > done")
    after = flow("main", "start > out > done", out=node("user_logout"))
    mine = changed(CALLER, sign_in="0f")
    replayed = again(before, after, facts=mine)
    assert (path(replayed), replayed.result) == (
        ["start:success", "out:success*", "done*"],
        "success",
    )
