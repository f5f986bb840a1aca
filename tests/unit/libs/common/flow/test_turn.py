from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from libs.common.flow.model import FlowType
from libs.common.flow.questions import LoadUser
from libs.common.flow.turn import Facts, Leave, Session, Submission, ask, at_once
from tests.playbook import SESSION, Playbook

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
MAPS = st.dictionaries(st.text(max_size=5), JSON, max_size=3)
NAMES = st.none() | st.text(max_size=20)
FACTS = st.builds(
    Facts,
    identifier=NAMES,
    account=NAMES,
    proved=st.lists(st.text(max_size=3), max_size=2).map(tuple),
    created=st.booleans(),
    staged=MAPS,
    password_hash=NAMES,
    inputs=MAPS,
    attributes=MAPS,
)


@given(facts=FACTS, kept=MAPS, tries=st.dictionaries(st.text(max_size=5), st.integers(0, 10)))
def test_a_session_that_was_stored_is_the_same_again(
    facts: Facts, kept: dict[str, object], tries: dict[str, int]
) -> None:
    session = Session(
        SESSION, "default", "hash", FlowType.LOGIN, 3, 1, 2, 3, 4, facts, tries, kept, over=True
    )
    stored = msgspec.msgpack.encode(session)
    assert msgspec.msgpack.decode(stored, type=Session) == session


def test_what_a_session_does_not_hold_takes_no_room_in_it() -> None:
    session = Session(SESSION, "default", "hash", FlowType.LOGIN, 3, 1, 2, 3, facts=Facts())
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(session))
    assert not {"tries", "kept", "over"} & stored.keys()
    assert not stored.get("facts")


def test_facts_show_how_far_the_run_is_and_nothing_of_the_user() -> None:
    facts = Facts(
        identifier="alice@example.com",
        account="a1",
        proved=("pwd",),
        staged={"name": "Alice"},
        password_hash="$argon2id$secret",
        inputs={"name": "Alice"},
    )
    assert repr(facts) == "Facts(account='a1', proved=('pwd',))"


def test_a_submission_shows_nothing() -> None:
    shown = repr(Submission("go", {"password": "hunter2"}))
    assert shown == "Submission(***)"


def test_asking_gives_what_is_answered() -> None:
    dialogue = Playbook(ask(LoadUser("alice")))
    dialogue.asks(LoadUser("alice"), answered={"name": "Alice"}).ends({"name": "Alice"})


def test_a_move_made_at_once_asks_nothing() -> None:
    Playbook(at_once(Leave("success"))).ends(Leave("success"))
