"""What a replay knows of users: what the session was told of them, as long as it is so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from libs.common.flow.found import Found
from libs.common.flow.model import FlowType
from libs.common.flow.node import Visit
from libs.common.flow.record import Answered, Entry, Head, Learned, Passage
from libs.common.flow.tape import Tape, make_tape
from libs.common.flow.turn import Facts
from libs.common.flow.unknown import UnknownUser
from libs.common.flow.users import Users
from tests.worlds import NOW

HEAD = Head("0" * 64, "flow_main", 1, FlowType.LOGIN, 1, 2, Learned(), {})
WRITE, NAME, NOTHING = Answered("WriteUser", "written"), Answered("FindAccount", True), None
UNKNOWN = "unknown"


def load(role: str | None) -> Answered:
    return Answered("LoadUser", role is not None, None if role is None else {"role": role})


def tape(*turns: tuple[Answered | None, ...], asked: tuple[Answered, ...] = ()) -> Tape:
    """A tape of which each moment asked one question, or none; the last turn `asked` at its end."""
    entries = [
        Entry(
            number,
            0,
            tuple(Passage("x", "stay", answers=(each,) if each else ()) for each in turn),
            asked=asked if number == len(turns) else (),
            head=HEAD if number == 1 else None,
        )
        for number, turn in enumerate(turns, 1)
    ]
    made = make_tape(entries)
    assert made is not None
    return made


def found(*accounts: str | None) -> Mapping[int, Found]:
    """What the session found at each moment."""
    return {
        number: Found(Visit("", 0, "x", FlowType.LOGIN, Facts(account=account), NOW), None)
        for number, account in enumerate(accounts)
    }


def role(user: Any) -> str | None:  # noqa: ANN401 - a user, None, or that nobody knows
    if isinstance(user, UnknownUser):
        return UNKNOWN
    return None if user is None else str(user["role"])


# On the session's own plan.


def test_nobody_is_found_where_no_account_is_named() -> None:
    assert Users(tape((load("admin"),)), None).find(None, 0) is None


def test_a_user_is_as_the_turn_will_be_told_and_then_as_it_was() -> None:
    users = Users(tape((NOTHING, load("admin")), (load("staff"),), (NOTHING,)), None)
    assert role(users.find("alice", 0)) == "admin"
    users.pass_by(0, "alice")
    users.pass_by(1, "alice")
    assert role(users.find("alice", 0)) == role(users.find("alice", 1)) == "admin"
    users.pass_by(2, "alice")
    assert role(users.find("alice", 2)) == "staff"
    assert role(users.find("bob", 2)) == UNKNOWN


def test_a_user_who_is_gone_is_none() -> None:
    users = Users(tape((load(None),)), None)
    assert users.find("alice", 0) is None
    users.pass_by(0, "alice")
    assert users.find("alice", 0) is None


@pytest.mark.parametrize("question", [WRITE, NAME])
def test_what_is_told_after_a_write_or_another_name_says_nothing_of_before(
    question: Answered,
) -> None:
    users = Users(tape((question, load("admin"))), None)
    assert role(users.find("alice", 0)) == UNKNOWN
    users.pass_by(0, "alice")
    assert role(users.find("alice", 0)) == "admin"


def test_what_was_told_before_a_write_says_nothing_of_after() -> None:
    users = Users(tape((load("admin"), WRITE, NOTHING)), None)
    users.pass_by(0, "alice")
    users.pass_by(1, "alice")
    assert role(users.find("alice", 0)) == UNKNOWN


def test_what_is_asked_at_the_end_of_a_turn_counts_where_nothing_comes_between() -> None:
    users = Users(tape((NAME, NOTHING), asked=(load("admin"),)), None)
    assert role(users.find("alice", 0)) == UNKNOWN
    users.pass_by(0, None)
    assert role(users.find("alice", 0)) == "admin"


# On another.


def test_whom_a_moment_was_told_of_is_whom_the_session_found_there() -> None:
    users = Users(tape((load("admin"), NOTHING)), found("alice", None))
    assert role(users.find("bob", 0)) == UNKNOWN
    assert role(users.find("alice", 0)) == "admin"
    users.pass_by(0, "bob")
    assert role(users.find("bob", 0)) == UNKNOWN
    assert role(users.find("alice", 0)) == "admin"


def test_a_moment_that_the_session_did_not_come_to_tells_of_nobody() -> None:
    users = Users(tape((load("admin"),)), found())
    assert role(users.find("alice", 0)) == UNKNOWN
    users.pass_by(0, "alice")
    assert role(users.find("alice", 0)) == UNKNOWN


def test_what_is_asked_at_the_end_is_about_whom_the_session_ended_with() -> None:
    then = found("alice", "bob")
    users = Users(tape((NOTHING, NOTHING), asked=(load("admin"),)), then, then[1])
    assert role(users.find("alice", 0)) == UNKNOWN
    assert role(users.find("bob", 0)) == "admin"
    assert role(Users(tape((NOTHING,), asked=(load("admin"),)), then).find("bob", 0)) == UNKNOWN


def test_what_is_asked_at_the_end_says_nothing_where_a_write_before_it_did_not_come() -> None:
    then = found("alice", "alice")
    users = Users(tape((WRITE,), (NOTHING,), asked=(load("admin"),)), then, then[1])
    assert role(users.find("alice", 1)) == UNKNOWN
    users.pass_by(0, "alice")
    assert role(users.find("alice", 1)) == "admin"


def test_what_was_told_before_a_write_that_has_come_first_is_not_so_any_more() -> None:
    users = Users(tape((load("admin"), WRITE)), found("alice", "alice"))
    users.pass_by(1, "alice")
    assert role(users.find("alice", 0)) == UNKNOWN
    users.pass_by(0, "alice")
    assert role(users.find("alice", 0)) == UNKNOWN


def test_what_was_told_after_a_write_that_did_not_come_is_not_so_yet() -> None:
    users = Users(tape((WRITE,), (load("admin"), NOTHING)), found("alice", "alice", "alice"))
    assert role(users.find("alice", 1)) == UNKNOWN
    users.pass_by(1, "alice")
    assert role(users.find("alice", 1)) == UNKNOWN
