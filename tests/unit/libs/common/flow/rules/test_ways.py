"""What is certain of each way out of a node, with all that runs inside it and around it."""

from __future__ import annotations

from libs.common.flow.model import ALONE, Flow, FlowType, Library, TriggerPoint
from libs.common.flow.proof import Gain
from libs.common.flow.rules.links import survey
from libs.common.flow.rules.paths import NO_GAIN, Chart, Way
from libs.common.flow.rules.ways import chart
from libs.common.nodes.catalogue import NODE_TYPES
from tests.walks import asks, calls, checks, flow, library, node, sets, trigger, when

WHO, PASSWORD, WRITE = node("identifier_input"), node("password_input"), node("user_write")


def chart_of(written: Flow, beside: Library = ALONE) -> Chart:
    return chart(survey(written, NODE_TYPES, beside))


def ways(written: Flow, name: str, beside: Library = ALONE) -> dict[str, Way]:
    """The ways out of a node, by where they lead: `` where the flow ends."""
    found = chart_of(written, beside)[name]
    assert len({way.target for way in found}) == len(found)
    return {way.target: way for way in found}


def texts(way: Way) -> list[tuple[str, bool]]:
    return [(expression.text, value) for expression, value in way.reveals]


def test_a_node_that_asks_waits_and_one_that_branches_tells_what_was_true() -> None:
    written = flow(
        "main",
        "start > ask > fork:true > done",
        "fork:false > failed",
        ask=asks("name"),
        fork=checks("inputs.name === 'x'"),
    )
    (asked,) = ways(written, "ask").values()
    assert (asked.waits, asked.renews) == (True, True)
    assert asked.writes == {("user",), ("inputs", "name")}
    found = chart_of(written)["fork"]
    assert [(way.target, texts(way)) for way in found] == [
        ("done", [('inputs.name === "x"', True)]),
        ("failed", [('inputs.name === "x"', False)]),
        ("failed", []),
    ]
    assert not any(way.waits or way.renews or way.writes for way in found)


def test_what_falls_to_a_failure_that_nobody_drew_ends_the_flow() -> None:
    written = flow("main", "start > who > password > done", who=WHO, password=PASSWORD)
    assert ways(written, "password") == {
        "done": Way("done", gains=(Gain(("pwd",)),), waits=True, renews=True),
        "": Way("", ending=False, waits=True, renews=True),
    }
    assert chart_of(written)["done"] == (Way("", ending=True),)


def test_whoever_names_themselves_again_may_be_who_they_were_before() -> None:
    written = flow("main", "start > who > done", who=WHO)
    (way,) = ways(written, "who").values()
    assert set(way.gains) == {
        Gain(identified=True, afresh=True),
        Gain(identified=True),
    }


def test_a_node_of_which_nobody_knows_what_it_does_leads_nowhere() -> None:
    odd = flow("main", "start > odd > done", odd=node("riddle"))
    wrong = flow("main", "start > odd > done", odd=node("condition", condition=7))
    ghost = flow("main", "start > odd > done", odd=calls("ghost"))
    for written in (odd, wrong, ghost):
        assert chart_of(written)["odd"] == ()


def test_what_runs_inside_proves_writes_and_waits_for_whoever_calls_it() -> None:
    inner = flow(
        "inner",
        "start > note > who > password > done",
        note=sets("seen"),
        who=WHO,
        password=PASSWORD,
    )
    outer = flow("main", "start > call > done", "call:failure > failed", call=calls("inner"))
    found = ways(outer, "call", library(inner))
    succeeded, failed = found["done"], found["failed"]
    assert {gain.amr for gain in succeeded.gains} == {("pwd",)}
    assert all(gain.identified for gain in succeeded.gains)
    assert {gain.amr for gain in failed.gains} == {()}
    assert ("facts", "seen") in succeeded.writes
    # It fails unasked where what it notes cannot be told.
    assert (succeeded.waits, failed.waits) == (True, False)
    assert (succeeded.renews, failed.renews) == (True, True)


def test_a_flow_that_cannot_fail_is_never_left_so() -> None:
    inner = flow("inner", "start > ask > done", ask=asks("name"))
    outer = flow("main", "start > call > done", "call:failure > failed", call=calls("inner"))
    assert [*ways(outer, "call", library(inner))] == ["done"]


def test_flows_that_run_inside_one_another_in_a_ring_have_no_end() -> None:
    one = flow("one", "start > call > done", call=calls("two"))
    two = flow("two", "start > call > done", call=calls("one"))
    outer = flow("main", "start > call > done", call=calls("one"))
    assert chart_of(outer, library(one, two))["call"] == ()


def test_a_node_that_may_be_skipped_may_have_done_nothing() -> None:
    gated = when(PASSWORD, "request.language === 'en'", at_start=False, each_time=True)
    written = flow(
        "main",
        "start > who > password > done",
        "password:skipped > past > done",
        "password:error > failed",
        who=WHO,
        password=gated,
        past=sets("past"),
    )
    told = 'request.language === "en"'
    found = {
        (way.target, way.waits): (way.gains, texts(way)) for way in chart_of(written)["password"]
    }
    assert found == {
        ("done", True): ((Gain(("pwd",)),), [(told, True)]),
        # `failure` falls to the one failure that is drawn, and so does what cannot be told.
        ("failed", True): (NO_GAIN, [(told, True)]),
        ("past", False): (NO_GAIN, [(told, False)]),
        ("failed", False): (NO_GAIN, []),
    }


def test_an_outcome_that_is_the_nodes_own_and_of_its_policies_tells_of_neither() -> None:
    gated = when(sets("a", "user.plan"), "request.language === 'en'", each_time=True)
    written = flow(
        "main", "start > set > done", "set:error > other > done", set=gated, other=sets("b")
    )
    (way,) = (each for each in chart_of(written)["set"] if each.target == "other")
    assert (way.reveals, way.waits) == ((), False)


ALICE = trigger(
    "alice",
    TriggerPoint.POST_USER_REGISTRATION,
    "start > who > password > note > done",
    who=WHO,
    password=PASSWORD,
    note=sets("noted"),
)


def test_what_runs_around_a_node_may_have_run_or_not() -> None:
    written = flow("main", "start > ask > write > done", ask=asks("email"), write=WRITE)
    way = chart_of(written, library(ALICE))["write"][0]
    assert way.target == "done"
    assert {(gain.amr, gain.afresh) for gain in way.gains} >= {
        # Nothing ran; it ran after the user was written, who proved to be somebody else then.
        ((), False),
        (("pwd",), True),
    }
    assert ("facts", "noted") in way.writes
    assert way.renews
    assert not way.waits
    # It is reached, and runs; then the password is answered inside, and two more are passed.
    assert way.passes == 1 + 1 + 3


def test_what_runs_at_the_end_of_a_sign_in_has_run_by_then() -> None:
    hook = trigger(
        "hook", TriggerPoint.POST_LOGIN, "start > code > done", code=node("mfa_verification")
    )
    written = flow(
        "main", "start > who > password > done", kind=FlowType.LOGIN, who=WHO, password=PASSWORD
    )
    (end,) = chart_of(written, library(hook))["done"]
    assert [gain.amr for gain in end.gains] == [("otp",)]
    assert (end.ending, end.renews, end.passes) == (True, True, 1 + 1 + 2)


def test_the_end_of_a_flow_that_is_called_runs_nothing() -> None:
    hook = trigger(
        "hook", TriggerPoint.POST_LOGIN, "start > code > done", code=node("mfa_verification")
    )
    inner = flow("inner", "start > ask > done", kind=FlowType.LOGIN, ask=asks("name"))
    outer = flow("main", "start > call > done", kind=FlowType.LOGIN, call=calls("inner"))
    found = chart_of(outer, library(hook, inner))
    assert [gain.amr for gain in found["call"][0].gains] == [()]
    assert [gain.amr for gain in found["done"][0].gains] == [("otp",)]
