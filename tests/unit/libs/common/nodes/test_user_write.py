from __future__ import annotations

from typing import Any

import msgspec
import pytest

from libs.common.flow.federation import LinkExternal
from libs.common.flow.model import FlowType, Json, TriggerPoint
from libs.common.flow.node import Visit
from libs.common.flow.questions import Taken, Uninvited, WriteUser, Written
from libs.common.flow.signins import EndSignIns
from libs.common.flow.turn import External, Facts, Leave
from libs.common.nodes.user_write import NODE, run
from tests.playbook import Playbook, lowered, visit

STEP = lowered(NODE)
HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"
STAGED = {"email": "Sasha@Example.com", "name": "Sasha"}
NORMAL = {"email": "sasha@example.com", "name": "Sasha"}
NEW = Facts(staged=STAGED, password_hash=HASH, inputs={"name": "Sasha"})
NEWCOMER = TriggerPoint.POST_USER_REGISTRATION
KEY = "6ee5ee03-82b2-5f8a-bba1-31901abc815b"


def test_a_new_account_is_written_and_is_the_callers() -> None:
    known = Facts(account="sasha", created=True, proved=("pwd",), inputs={"name": "Sasha"})
    dialogue = Playbook(run(STEP, visit(NEW)))
    question = WriteUser(KEY, None, NORMAL, HASH)
    dialogue.asks(question, answered=Written("sasha")).ends(
        Leave("success", known, points=(NEWCOMER,))
    )


@pytest.mark.parametrize(
    ("verified", "written"),
    [("sasha@example.com", True), ("other@example.com", False), (None, False)],
)
def test_an_address_is_written_as_verified_only_if_it_is_the_one_that_was(
    verified: str | None, written: bool
) -> None:
    staged = Facts(staged={"email": "Sasha@example.com"}, verified=verified)
    question = next(run(STEP, visit(staged)))
    assert question == WriteUser(KEY, None, {"email": "sasha@example.com"}, None, written)


def test_who_has_verified_an_address_and_is_written_without_one_has_none() -> None:
    staged = Facts(staged={"username": "sasha"}, verified="sasha@example.com")
    assert next(run(STEP, visit(staged))) == WriteUser(KEY, None, {"username": "sasha"}, None)


def test_an_account_without_a_password_proves_none() -> None:
    staged = Facts(staged={"username": "Sasha"})
    dialogue = Playbook(run(STEP, visit(staged)))
    question = WriteUser(KEY, None, {"username": "sasha"}, None)
    known = Facts(account="sasha", created=True)
    dialogue.asks(question, answered=Written("sasha")).ends(
        Leave("success", known, points=(NEWCOMER,))
    )


def test_what_somebody_else_has_leaves_by_taken_and_stays_staged() -> None:
    dialogue = Playbook(run(STEP, visit(NEW)))
    question = WriteUser(KEY, None, NORMAL, HASH)
    dialogue.asks(question, answered=Taken("email")).ends(Leave("taken"))
    assert {"taken", "failure"} <= NODE.fallbacks


def key_of(at: Visit) -> str:
    question = next(run(STEP, at))
    assert isinstance(question, WriteUser)
    return question.key


def test_a_repeat_has_the_same_key_and_every_other_visit_another() -> None:
    here = visit(NEW)
    others = [
        msgspec.structs.replace(here, session="00000000-0000-4000-8000-000000000000"),
        msgspec.structs.replace(here, node="another"),
        msgspec.structs.replace(here, revision=4),
    ]
    retyped = visit(msgspec.structs.replace(NEW, staged={"username": "sasha"}))
    assert key_of(here) == key_of(retyped) == KEY
    assert len({KEY, *map(key_of, others)}) == 4


@pytest.mark.parametrize(
    "mine", [Facts(account="alice", proved=("pwd",)), Facts(account="alice", created=True)]
)
def test_an_account_that_is_proved_to_be_the_callers_is_written_onto(mine: Facts) -> None:
    facts = msgspec.structs.replace(mine, staged={"name": "Alice"}, password_hash=HASH)
    dialogue = Playbook(run(STEP, visit(facts)))
    question = WriteUser(KEY, "alice", {"name": "Alice"}, HASH)
    dialogue.asks(question, answered=Written("alice"))
    dialogue.asks(EndSignIns("alice", None), answered=True).ends(
        Leave("success", mine, points=(TriggerPoint.POST_CHANGE_PASSWORD,))
    )


@pytest.mark.parametrize(
    ("config", "staged", "ends"),
    [
        ({}, {"password_hash": HASH}, True),
        ({"end_sign_ins": False}, {"password_hash": HASH}, False),
        ({}, {"staged": {"name": "Alice"}}, False),
    ],
)
def test_another_password_ends_all_sign_ins_but_the_callers_own(
    config: dict[str, Json], staged: dict[str, Any], ends: bool
) -> None:
    mine = Facts(account="alice", proved=("pwd",), sign_in="0f")
    facts = msgspec.structs.replace(mine, **staged)
    dialogue = Playbook(run(lowered(NODE, config), visit(facts)))
    question = WriteUser(KEY, "alice", facts.staged, facts.password_hash)
    dialogue.asks(question, answered=Written("alice"))
    if ends:
        dialogue.asks(EndSignIns("alice", "0f"), answered=True)
    assert dialogue.result().outcome == "success"  # type: ignore[union-attr]  # it leaves


def test_an_account_that_was_only_named_is_not_written_onto() -> None:
    named = Facts(identifier="alice@example.com", account="alice", staged=STAGED)
    Playbook(run(STEP, visit(named))).ends(Leave("failure"))
    armed = msgspec.structs.replace(named, password_hash=HASH)
    Playbook(run(STEP, visit(armed))).ends(Leave("failure"))


@pytest.mark.parametrize(
    "staged",
    [{}, {"name": "Sasha"}, {"email": "sasha"}, {"email": None}, {"phone": "12", "email": "a@b.c"}],
)
def test_an_account_that_nobody_could_name_is_not_made(staged: dict[str, object]) -> None:
    Playbook(run(STEP, visit(Facts(staged=staged, password_hash=HASH)))).ends(Leave("failure"))


def test_only_where_nobody_was_named_is_a_new_user_about_to_be_written() -> None:
    before = TriggerPoint.PRE_USER_REGISTRATION
    assert NODE.points(STEP, NEW) == (before,)
    assert NODE.points(STEP, Facts(account="alice")) == ()
    after = (NEWCOMER, TriggerPoint.POST_CHANGE_PASSWORD)
    assert set(NODE.reaches(STEP)) == {before, *after}


def test_writing_onto_an_account_without_a_new_password_is_no_point() -> None:
    mine = Facts(account="alice", proved=("pwd",))
    facts = msgspec.structs.replace(mine, staged={"name": "Alice"})
    dialogue = Playbook(run(STEP, visit(facts)))
    question = WriteUser(KEY, "alice", {"name": "Alice"}, None)
    dialogue.asks(question, answered=Written("alice")).ends(Leave("success", mine))


def test_who_came_from_a_provider_is_known_so_from_then_on() -> None:
    external = External("https://accounts.example.com", "s1")
    came = Facts(staged=STAGED, proved=("fed",), external=external)
    dialogue = Playbook(run(STEP, visit(came)))
    dialogue.asks(WriteUser(KEY, None, NORMAL, None), answered=Written("sasha"))
    known = Facts(account="sasha", created=True, proved=("fed",))
    dialogue.asks(LinkExternal("sasha", external), answered=True).ends(
        Leave("success", known, points=(NEWCOMER,))
    )


def test_a_password_of_a_new_account_adds_to_what_was_proved() -> None:
    came = msgspec.structs.replace(NEW, proved=("fed",))
    dialogue = Playbook(run(STEP, visit(came)))
    left = dialogue.asks(WriteUser(KEY, None, NORMAL, HASH), answered=Written("sasha")).result()
    assert isinstance(left, Leave)
    assert left.facts is not None
    assert left.facts.proved == ("fed", "pwd")


INVITED = msgspec.structs.replace(NEW, invitation="i1")


def test_an_invitation_is_used_up_with_the_account() -> None:
    dialogue = Playbook(run(STEP, visit(INVITED)))
    question = WriteUser(KEY, None, NORMAL, HASH, invitation="i1")
    left = dialogue.asks(question, answered=Written("sasha")).result()
    assert isinstance(left, Leave)
    assert left.facts is not None
    assert (left.outcome, left.facts.invitation) == ("success", None)


def test_who_comes_with_one_that_is_used_is_not_written() -> None:
    dialogue = Playbook(run(STEP, visit(INVITED)))
    question = WriteUser(KEY, None, NORMAL, HASH, invitation="i1")
    dialogue.asks(question, answered=Uninvited()).ends(Leave("failure"))


def test_what_it_gives_to_an_account_that_there_is_uses_it_up_as_well() -> None:
    facts = Facts(account="alice", created=True, staged={"role": "editor"}, invitation="i1")
    dialogue = Playbook(run(STEP, visit(facts)))
    question = WriteUser(KEY, "alice", {"role": "editor"}, None, invitation="i1")
    dialogue.asks(question, answered=Uninvited()).ends(Leave("failure"))


def test_a_registration_of_the_invited_writes_nobody_else() -> None:
    here = msgspec.structs.replace(visit(NEW), flow=FlowType.INVITED_REGISTRATION)
    Playbook(run(STEP, here)).ends(Leave("failure"))
    invited = msgspec.structs.replace(here, facts=INVITED)
    dialogue = Playbook(run(STEP, invited))
    question = WriteUser(KEY, None, NORMAL, HASH, invitation="i1")
    dialogue.asks(question, answered=Taken("email")).ends(Leave("taken"))
