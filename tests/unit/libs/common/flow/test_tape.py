"""A step log that is ready to be replayed: what there is of it, and what each node did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.flow.model import FlowType, Json, TriggerPoint
from libs.common.flow.record import Answered, Entry, Head, How, Learned, Masked, Passage
from libs.common.flow.recorder import learned
from libs.common.flow.tape import Moment, Tape, make_tape
from libs.common.flow.turn import Enter, External, Facts, Leave, Move, Over, Stay
from libs.common.flow.unknown import Mask, UnknownUser, same

HEAD = Head("0" * 64, "flow_main", 1, FlowType.LOGIN, 1, 2, Learned(), {})
START = Passage("start", "leave", "success")


def entry(revision: int, *passages: Passage, **more: Any) -> Entry:  # noqa: ANN401 - as declared
    head = HEAD if revision == 1 else None
    return msgspec.structs.replace(Entry(revision, 7, passages, head=head), **more)


def tape(*entries: Entry) -> Tape:
    made = make_tape(entries)
    assert made is not None
    return made


def only(passage: Passage) -> Moment:
    (moment,) = tape(entry(1, passage)).moments
    return moment


# As much as there is.


@pytest.mark.parametrize(
    "entries",
    [(), (entry(2),), (entry(2), entry(3)), (msgspec.structs.replace(entry(1), head=None),)],
)
def test_without_its_beginning_there_is_no_tape(entries: tuple[Entry, ...]) -> None:
    assert make_tape(entries) is None


@pytest.mark.parametrize(
    ("revisions", "whole"),
    [((1, 2, 3), 3), ((1, 2, 4, 5), 2), ((1, 3), 1), ((1, 1, 3), 1), ((1, 3, 3), 1)],
)
def test_nothing_after_a_gap_is_on_the_tape(revisions: tuple[int, ...], whole: int) -> None:
    made = tape(*(entry(revision, START) for revision in revisions))
    assert [each.revision for each in made.entries] == list(range(1, whole + 1))
    assert len(made.surroundings) == len(made.asked) == len(made.turns) == whole
    assert len(made.kept) == whole


def test_a_moment_says_in_which_turn_it_was_and_whether_the_node_was_sent_something() -> None:
    ask, done = Passage("ask", "stay"), Passage("done", "succeed")
    made = tape(entry(1, START, ask), entry(2, ask), entry(3, ask, done))
    assert [(each.passage.node, each.turn, each.submitted) for each in made.moments] == [
        ("start", 0, False),
        ("ask", 0, False),
        ("ask", 1, True),
        ("ask", 2, True),
        ("done", 2, False),
    ]
    assert made.turns == ((0, 1), (2,), (3, 4))


# What each node did.


@pytest.mark.parametrize(
    ("how", "move"),
    [
        ("enter", Enter()),
        ("succeed", Over(succeeded=True)),
        ("sign_in", Over(succeeded=True, sign_in=True)),
        ("fail", Over(succeeded=False)),
    ],
)
def test_a_node_moves_as_it_did(how: How, move: Move) -> None:
    assert only(Passage("node", how)).move(Facts()) == move


def test_a_node_that_waited_waits() -> None:
    assert isinstance(only(Passage("ask", "stay")).move(Facts()), Stay)


def test_a_node_leaves_as_it_did() -> None:
    point = TriggerPoint.POST_LOGIN
    assert only(Passage("x", "leave", "true")).move(Facts()) == Leave("true")
    assert only(Passage("x", "leave", "on", points=(point.value,))).move(Facts()) == Leave(
        "on", points=(point,)
    )
    assert only(Passage("x", "bypass", "skipped")).move(Facts()) == Leave("skipped")
    learns = Passage("x", "leave", "success", Learned(consented=True))
    assert only(learns).move(Facts(created=True)) == Leave(
        "success", Facts(created=True, consented=True)
    )


def test_whom_a_node_looked_up_and_what_it_wrote_is_told() -> None:
    answers = (
        Answered("LoadUser", False),
        Answered("LoadUser", True),
        Answered("LoadUser", True, {"role": "admin", "nick": Masked("string")}),
    )
    gone, unknown, known = only(Passage("x", "stay", answers=answers)).users
    assert gone is None
    assert isinstance(unknown, UnknownUser)
    assert (known["role"], known["nick"].kind) == ("admin", "string")
    for question, writes, names in [
        ("WriteUser", True, False),
        ("FindAccount", False, True),
        ("CheckPassword", False, False),
    ]:
        moment = only(Passage("x", "stay", answers=(Answered(question, True),)))
        assert (moment.users, moment.writes, moment.names) == ((), writes, names)


def test_who_was_looked_up_at_the_end_of_a_turn_is_told_by_turn() -> None:
    made = tape(entry(1, START), entry(2, START, asked=(Answered("LoadUser", True, {"x": True}),)))
    assert made.asked == ((), ({"x": True},))


def test_what_a_request_came_with_is_not_known_but_when_and_from_which_app() -> None:
    client = {"name": "shop", "scopes": Masked("list")}
    one, other = tape(entry(1, START, client=client), entry(2, START, at=9)).surroundings
    assert (one.time, other.time) == (7, 9)
    assert one.client["name"] == "shop"
    masks: list[Any] = [one.ip, one.user_agent, one.language, one.client["scopes"], other.ip]
    assert [each.kind for each in masks] == ["string", "string", "string", "list", "string"]
    assert not any(same(masks[0], each) for each in masks[1:])


# What it learned, put back.

VALUES: st.SearchStrategy[Json] = st.sampled_from([None, True, False, "red", 7, ["x"]])
MAPS: st.SearchStrategy[Mapping[str, Json]] = st.dictionaries(st.sampled_from("abc"), VALUES)
FACTS = st.builds(
    Facts,
    identifier=st.sampled_from([None, "alice", "bob"]),
    account=st.sampled_from([None, "a1", "a2"]),
    proved=st.lists(st.sampled_from(["pwd", "otp", "sms"]), max_size=3, unique=True).map(tuple),
    created=st.booleans(),
    authenticated=st.booleans(),
    consented=st.booleans(),
    staged=MAPS,
    password_hash=st.sampled_from([None, "$1$", "$2$"]),
    verified=st.sampled_from([None, "a@example.com", "b@example.com"]),
    external=st.sampled_from([None, External("https://a", "1"), External("https://a", "2")]),
    inputs=MAPS,
    attributes=MAPS,
)


def shape(facts: Facts) -> object:
    """All that is kept of facts: of most, that there is something."""
    kept = {
        name: value if value is None or isinstance(value, bool) else "something"
        for name, value in facts.attributes.items()
    }
    return (
        facts.identifier is None,
        facts.account is None,
        facts.password_hash is None,
        facts.verified is None,
        facts.external is None,
        facts.proved,
        facts.created,
        facts.authenticated,
        facts.consented,
        facts.staged.keys(),
        facts.inputs.keys(),
        kept,
    )


def passed(facts: Facts, after: Facts) -> Passage:
    return Passage("x", "leave", "success", msgspec.convert(learned(facts, after), Learned))


@given(FACTS, FACTS, FACTS)
def test_what_was_learned_leads_to_facts_of_the_same_shape(
    start: Facts, then: Facts, last: Facts
) -> None:
    head = msgspec.structs.replace(HEAD, facts=msgspec.convert(learned(Facts(), start), Learned))
    made = tape(entry(1, passed(start, then), passed(then, last), head=head))
    facts = made.facts
    assert shape(facts) == shape(start)
    for moment, wanted in zip(made.moments, (then, last), strict=True):
        move = moment.move(facts)
        assert isinstance(move, Leave)
        assert move.facts is not None
        facts = move.facts
        assert shape(facts) == shape(wanted)


@given(FACTS, FACTS)
def test_what_stayed_is_the_very_same_and_what_is_new_is_not(before: Facts, after: Facts) -> None:
    head = msgspec.structs.replace(HEAD, facts=msgspec.convert(learned(Facts(), before), Learned))
    made = tape(entry(1, passed(before, after), head=head))
    move = made.moments[0].move(made.facts)
    assert isinstance(move, Leave)
    assert move.facts is not None
    assert (move.facts.account == made.facts.account) is (after.account == before.account)
    for name in before.inputs.keys() & after.inputs.keys():
        stayed = after.inputs[name] is before.inputs[name]
        assert same(move.facts.inputs[name], made.facts.inputs[name]) is stayed


def test_what_is_typed_is_a_mask_whatever_it_is() -> None:
    made = only(Passage("ask", "leave", "success", Learned(inputs=("a",), staged=("a",))))
    move = made.move(Facts())
    assert isinstance(move, Leave)
    assert move.facts is not None
    values: list[Any] = [move.facts.inputs["a"], move.facts.staged["a"]]
    assert [type(each) for each in values] == [Mask, Mask]
    assert {each.kind for each in values} == {"input"}
