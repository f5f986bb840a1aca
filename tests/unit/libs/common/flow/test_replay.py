"""Where a session goes, on its own plan or another, and where the ways part."""

from __future__ import annotations

import pytest

from libs.common.flow.model import Flow
from libs.common.flow.replay import Replay, replay
from libs.common.flow.tape import make_tape
from libs.common.flow.turn import Facts
from tests.recordings import Recorded
from tests.walks import asks, checks, flow, node, program, sets, when
from tests.worlds import World


def shopping(*paths: str, condition: str = "true") -> Flow:
    return flow(
        "main",
        *paths,
        "check:true > yes > done",
        ask=asks("colour"),
        check=checks(condition),
        yes=sets("yes"),
        more=sets("more"),
    )


PLAIN = shopping("start > ask > check", "check:false > failed")


def walked(*, far: bool = True) -> Recorded:
    made = Recorded(program(PLAIN))
    if far:
        made.sends(colour="red")
    return made


def on(after: Flow, *, far: bool = True) -> Replay:
    made = walked(far=far)
    return replay(made.tape, made.walk.program, program(after))


def test_on_its_own_plan_it_is_told_which_that_is() -> None:
    made = walked()
    plan = made.walk.program
    found = replay(made.tape, plan)
    assert (found.plan, found.version, found.result, found.same) == (
        *(plan.plan, 1, "success", True),
    )
    assert (found.diverged_at, found.undecided) == (None, None)


def test_a_session_that_still_waits_waits() -> None:
    made = walked(far=False)
    found = replay(made.tape, made.walk.program)
    assert (found.result, found.same, [each.node for each in found.trace]) == (
        *("waiting", True, ["start", "ask"]),
    )


def test_what_policies_decided_before_the_user_was_forgotten_is_decided_so_again() -> None:
    out = when(node("user_logout"), "not user.role === 'admin'")
    plan = program(flow("main", "start > out > done", "out:error > failed", out=out))
    world = World(alice={"role": "member"})
    made = Recorded(plan, world, Facts(account="alice", authenticated=True))
    assert made.path == [("start", "success"), ("out", "success"), ("done", None)]
    found = replay(made.tape, plan)
    assert [(each.node, each.outcome) for each in found.trace] == made.path


def test_of_a_log_with_a_gap_as_much_is_replayed_as_there_is_before_it() -> None:
    made = walked()
    tape = make_tape(made.entries[:1])
    assert tape is not None
    found = replay(tape, made.walk.program)
    assert (found.result, len(found.trace)) == ("waiting", 2)


def test_on_another_plan_it_is_told_which_that_is() -> None:
    after = shopping("start > ask > check", "check:false > done")
    found = on(after)
    assert (found.plan, found.same) == (program(after).plan, True)


@pytest.mark.parametrize(
    ("after", "node", "result"),
    [
        # By another outcome.
        (
            shopping("start > ask > check", "check:false > failed", condition="false"),
            *("check", "failure"),
        ),
        # By an edge that leads elsewhere.
        (shopping("start > more > ask > check", "check:false > failed"), "start", "success"),
        (shopping("start > ask > more > check", "check:false > failed"), "ask", "success"),
    ],
)
def test_the_ways_part_after_the_last_node_that_they_have_in_common(
    after: Flow, node: str, result: str
) -> None:
    found = on(after)
    assert (found.diverged_at, found.result, found.same) == (node, result, False)


def test_the_ways_part_where_one_goes_on_and_the_other_does_not() -> None:
    falls = flow("main", "start > set > done", set=sets("x", "user.nothing"))
    leads = flow("main", "start > set > done", "set:error > done", set=sets("x", "user.nothing"))
    for before, after, result in ((falls, leads, "success"), (leads, falls, "failure")):
        made = Recorded(program(before))
        found = replay(made.tape, made.walk.program, program(after))
        assert (found.diverged_at, found.result, found.same) == ("set", result, False)


def test_one_that_stops_has_not_parted_yet() -> None:
    found = on(
        shopping("start > ask > check", "check:false > failed", condition="inputs.colour === 'x'")
    )
    assert found.undecided is not None
    assert (found.result, found.same, found.diverged_at) == ("undecided", False, None)


def test_a_log_of_another_plan_than_its_own_is_not_replayed_on_a_third() -> None:
    made = walked()
    plans = [
        program(flow("main", "start > other > done", other=asks("size"))),
        program(shopping("start > ask > check", "check:false > failed", condition="false")),
    ]
    found = replay(made.tape, plans[0], plans[1])
    assert (found.plan, found.result, found.same) == (plans[0].plan, "undecided", False)
