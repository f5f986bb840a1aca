"""The interpreter, on programs of node types made for it: each says what it was told."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from msgspec.structs import replace

from libs.common.flow.interpreter import FAILED, LONGEST, Endless, advance, begin
from libs.common.flow.model import FlowType
from libs.common.flow.node import NodeType, Site, Visit, fixed
from libs.common.flow.plan import FAILURE, Instruction, Program
from libs.common.flow.questions import LoadUser, SignedIn
from libs.common.flow.signins import KeepSignIn
from libs.common.flow.turn import (
    Dialogue,
    Effect,
    Facts,
    Leave,
    Message,
    Over,
    Passed,
    Session,
    Stay,
    Submission,
    Surroundings,
    Turn,
    ask,
    at_once,
)
from libs.common.flow.view import Component, View
from tests.playbook import SESSION, Playbook

NOW = Surroundings(time=1_790_000_000)
VIEW = View((Component("form", "FORM"),))
ALICE = Facts(account="alice", proved=("pwd",))
SUBMITTED = Submission("go", {"a": 1})
KEEP = KeepSignIn(SESSION, "alice", NOW.time, ("pwd",), "aal1")


class Nothing(msgspec.Struct, frozen=True):
    """These node types have no config."""


class Happened(Effect, frozen=True):
    what: str


def lower(config: Nothing, site: Site) -> Nothing:
    return config


def step(
    run: Callable[[Visit], Dialogue], to: dict[str, int] | None = None, name: str = "step"
) -> Instruction:
    def run_without_config(config: Nothing, visit: Visit) -> Dialogue:
        return run(visit)

    kind: NodeType[Nothing, Nothing] = NodeType(
        name="made_up",
        summary="Does what its test says.",
        config=Nothing,
        lowered=Nothing,
        lower=lower,
        run=run_without_config,
        outcomes=fixed(*(to or {})),
    )
    return Instruction(name, kind, Nothing(), to or {})


def program(*steps: Instruction) -> Program:
    return Program("0" * 64, "flow_case", 3, FlowType.LOGIN, 0, steps)


def session(node: int = 0, facts: Facts | None = None) -> Session:
    return Session(
        id=SESSION,
        tenant="default",
        plan="0" * 64,
        type=FlowType.LOGIN,
        node=node,
        started_at=NOW.time,
        expires_at=NOW.time + 600,
        idle_until=NOW.time + 300,
        revision=7,
        facts=facts or Facts(),
    )


def waits(visit: Visit) -> Dialogue:
    return at_once(Stay(VIEW))


def passes(visit: Visit) -> Dialogue:
    return at_once(Leave("success"))


def ends(sign_in: bool) -> Callable[[Visit], Dialogue]:
    return lambda _visit: at_once(Over(succeeded=True, sign_in=sign_in))


def turn_of(made: Program, at: Session, submitted: Submission = SUBMITTED) -> Turn:
    return Playbook(advance(made, at, submitted, NOW)).result()


def test_a_turn_passes_nodes_until_one_waits() -> None:
    made = program(step(passes, {"success": 1}, "a"), step(passes, {"success": 2}), step(waits))
    turn = Playbook(begin(made, session(), NOW)).result()
    assert turn.shown == Stay(VIEW)
    assert turn.session == replace(session(), node=2, revision=8)
    assert turn.path == (
        Passed("a", "made_up", "success"),
        Passed("step", "made_up", "success"),
        Passed("step", "made_up", None),
    )


def test_a_node_is_told_where_it_is_and_what_is_known() -> None:
    told: list[Visit] = []

    def listens(visit: Visit) -> Dialogue:
        told.append(visit)
        return at_once(Stay(VIEW))

    at = replace(session(facts=ALICE), tries={"here": 2, "there": 9}, kept={"sent": 1})
    turn_of(program(step(listens, name="here")), at)
    assert told == [
        Visit(
            session=SESSION,
            revision=7,
            node="here",
            flow=FlowType.LOGIN,
            facts=ALICE,
            surroundings=NOW,
            submitted=SUBMITTED,
            tries=2,
            kept={"sent": 1},
        )
    ]


def test_the_first_turn_submits_nothing() -> None:
    def listens(visit: Visit) -> Dialogue:
        assert visit.submitted is None
        return at_once(Stay(VIEW))

    Playbook(begin(program(step(listens)), session(), NOW)).result()


def test_what_was_submitted_and_kept_is_for_the_node_that_waited_alone() -> None:
    def forwards(visit: Visit) -> Dialogue:
        assert visit.submitted == SUBMITTED
        assert visit.kept == {"code": "sent"}
        return at_once(Leave("success"))

    def expects_nothing(visit: Visit) -> Dialogue:
        assert visit.submitted is None
        assert visit.kept == {}
        return at_once(Stay(VIEW))

    made = program(step(forwards, {"success": 1}), step(expects_nothing))
    turn = turn_of(made, replace(session(), kept={"code": "sent"}))
    assert turn.session.kept == {}


def test_a_node_that_comes_round_to_itself_is_not_answered_by_the_same_submit() -> None:
    def once(visit: Visit) -> Dialogue:
        return at_once(Stay(VIEW) if visit.submitted is None else Leave("again"))

    assert turn_of(program(step(once, {"again": 0})), session()).shown == Stay(VIEW)


def test_what_a_node_asks_is_put_to_the_world() -> None:
    def asks(visit: Visit) -> Dialogue:
        user = yield from ask(LoadUser("alice"))
        return Stay(VIEW, Message(str(user)))

    dialogue = Playbook(advance(program(step(asks)), session(), SUBMITTED, NOW))
    turn = dialogue.asks(LoadUser("alice"), answered={"name": "Alice"}).result()
    assert turn.shown == Stay(VIEW, Message("{'name': 'Alice'}"))


def test_what_a_waiting_node_keeps_replaces_what_it_kept() -> None:
    def keeps(visit: Visit) -> Dialogue:
        return at_once(Stay(VIEW, kept={"new": 1}))

    turn = turn_of(program(step(keeps)), replace(session(), kept={"old": 1}))
    assert turn.session.kept == {"new": 1}


def test_facts_reach_the_nodes_that_follow_and_the_session() -> None:
    def learns(visit: Visit) -> Dialogue:
        return at_once(Leave("success", ALICE))

    def knows(visit: Visit) -> Dialogue:
        assert visit.facts == ALICE
        return at_once(Stay(VIEW))

    made = program(step(learns, {"success": 1}), step(passes, {"success": 2}), step(knows))
    assert turn_of(made, session()).session.facts == ALICE


def test_tries_are_counted_by_node_whether_it_stays_or_leaves_and_never_forgotten() -> None:
    def guesses(visit: Visit) -> Dialogue:
        if visit.submitted is None:
            return at_once(Stay(VIEW))
        last = visit.tries >= 1
        return at_once(Leave("failure", tried=True) if last else Stay(VIEW, tried=True))

    made = program(step(guesses, {"failure": 1}, "guess"), step(passes, {"success": 0}, "other"))
    at, tries = session(), []
    for _ in range(4):
        at = turn_of(made, at).session
        tries.append(at.tries["guess"])
    assert tries == [1, 2, 3, 4]


def test_a_submit_that_was_no_guess_is_no_try() -> None:
    at = replace(session(), tries={"step": 1})
    assert turn_of(program(step(waits)), at).session.tries == {"step": 1}


def test_an_outcome_that_falls_to_failure_ends_the_flow_there() -> None:
    def fails(visit: Visit) -> Dialogue:
        return at_once(Leave("failure", ALICE, (Happened("it"),), tried=True))

    made = program(step(passes, {"success": 1}, "a"), step(fails, {"failure": FAILURE}, "b"))
    turn = turn_of(made, replace(session(), kept={"a": 1}))
    assert turn.shown == FAILED
    assert turn.session == replace(
        session(),
        node=1,
        revision=8,
        facts=ALICE,
        tries={"b": 1},
        over=True,
        proved_at=NOW.time,
    )
    assert turn.effects == (Happened("it"),)
    assert turn.path == (Passed("a", "made_up", "success"), Passed("b", "made_up", "failure"))


def test_an_end_keeps_its_words_and_closes_the_session() -> None:
    over = Over(succeeded=True, text="Done.", redirect="/home")
    turn = turn_of(program(step(lambda _visit: at_once(over))), session(facts=ALICE))
    assert turn.shown == over
    assert turn.session == replace(session(facts=ALICE), revision=8, over=True)
    assert turn.effects == ()
    assert turn.path == (Passed("step", "made_up", None),)


def test_a_node_that_waits_may_cause_something_as_well() -> None:
    def waits(_visit: Visit) -> Dialogue:
        return at_once(Stay(VIEW, effects=(Happened("asked"),)))

    turn = turn_of(program(step(waits)), session())
    assert turn.effects == (Happened("asked"),)


def test_effects_happen_in_the_order_of_the_nodes_and_the_sign_in_last() -> None:
    def causes(what: str) -> Callable[[Visit], Dialogue]:
        return lambda _visit: at_once(
            Leave("success", effects=(Happened(what), Happened(what + "!")))
        )

    made = program(
        step(causes("a"), {"success": 1}), step(causes("b"), {"success": 2}), step(ends(True))
    )
    turn = Playbook(advance(made, session(facts=ALICE), SUBMITTED, NOW))
    assert turn.asks(KEEP, answered=True).result().effects == (
        Happened("a"),
        Happened("a!"),
        Happened("b"),
        Happened("b!"),
        SignedIn("alice", NOW.time),
    )


@pytest.mark.parametrize(
    ("facts", "acr"), [(ALICE, "aal1"), (Facts(account="alice", created=True), "0")]
)
def test_who_has_proved_who_they_are_is_signed_in(facts: Facts, acr: str) -> None:
    turn = Playbook(advance(program(step(ends(True))), session(facts=facts), SUBMITTED, NOW))
    kept = turn.asks(replace(KEEP, amr=facts.proved, acr=acr), answered=True).result()
    assert kept.shown == Over(succeeded=True, sign_in=True)
    assert kept.effects == (SignedIn("alice", NOW.time),)


def test_whose_account_is_gone_by_then_is_not_signed_in_and_nothing_is_counted() -> None:
    turn = Playbook(advance(program(step(ends(True))), session(facts=ALICE), SUBMITTED, NOW))
    gone = turn.asks(KEEP, answered=False).result()
    assert (gone.shown, gone.effects, gone.session.over) == (FAILED, (), True)


BOTH = replace(ALICE, proved=("pwd", "otp"))
MADE = Facts(account="alice", created=True)
EARLIER = NOW.time - 60


@pytest.mark.parametrize(
    ("before", "after", "since"),
    [
        # The first of it.
        (Facts(account="alice"), ALICE, NOW.time),
        (Facts(account="alice", authenticated=True), ALICE, NOW.time),
        (Facts(), MADE, NOW.time),
        # More of it.
        (ALICE, replace(ALICE, consented=True), EARLIER),
        (ALICE, BOTH, EARLIER),
        (MADE, replace(MADE, proved=("pwd",)), EARLIER),
        # Something else.
        (BOTH, ALICE, NOW.time),
        (ALICE, replace(ALICE, account="bob"), NOW.time),
        # None of it any more.
        (ALICE, Facts(account="alice"), None),
        (ALICE, Facts(), None),
    ],
)
def test_it_is_noted_when_the_first_of_what_is_proved_was(
    before: Facts, after: Facts, since: int | None
) -> None:
    def learns(visit: Visit) -> Dialogue:
        return at_once(Leave("success", after))

    at = replace(session(facts=before), proved_at=EARLIER if before.earned else None)
    turn = turn_of(program(step(learns, {"success": 1}), step(waits)), at)
    assert turn.session.proved_at == since


def test_a_sign_in_says_when_the_first_of_it_was_proved() -> None:
    at = replace(session(facts=BOTH), proved_at=EARLIER)
    turn = Playbook(advance(program(step(ends(True))), at, SUBMITTED, NOW))
    asked = replace(KEEP, auth_time=EARLIER, amr=BOTH.proved, acr="aal2")
    assert turn.asks(asked, answered=True).result().session.proved_at == EARLIER


def test_a_session_of_a_release_that_noted_no_time_was_proved_now() -> None:
    turn = Playbook(advance(program(step(ends(True))), session(facts=ALICE), SUBMITTED, NOW))
    assert turn.asks(KEEP, answered=True).result().session.proved_at == NOW.time


@pytest.mark.parametrize(
    "facts",
    [Facts(), Facts(account="alice"), Facts(proved=("pwd",)), Facts(created=True)],
)
def test_who_has_proved_nothing_is_not_signed_in_whatever_the_author_drew(facts: Facts) -> None:
    turn = turn_of(program(step(ends(True))), session(facts=facts))
    assert turn.shown == FAILED
    assert turn.session.over
    assert turn.effects == ()


def test_an_end_that_signs_nobody_in_needs_no_proof() -> None:
    assert turn_of(program(step(ends(False))), session()).shown == Over(succeeded=True)


def test_a_turn_that_never_waits_is_stopped() -> None:
    made = program(step(passes, {"success": 0}))
    with pytest.raises(Endless, match=f"flow_case version 3 passed {LONGEST} nodes"):
        Playbook(begin(made, session(), NOW))


def test_a_turn_may_pass_as_many_nodes_as_that() -> None:
    chain = [step(passes, {"success": index + 1}) for index in range(LONGEST - 1)]
    turn = Playbook(begin(program(*chain, step(waits)), session(), NOW)).result()
    assert turn.session.node == LONGEST - 1
    assert len(turn.path) == LONGEST


def test_the_session_that_a_turn_came_from_is_left_as_it_was() -> None:
    at = session(facts=ALICE)
    before = msgspec.msgpack.encode(at)
    turn_of(program(step(passes, {"success": 1}), step(waits)), at)
    assert msgspec.msgpack.encode(at) == before
