from __future__ import annotations

import pytest

from libs.common.flow.federation import BeginSignIn, Begun, Came, FinishSignIn, LinkExternal
from libs.common.flow.model import FlowType
from libs.common.flow.replay import replay
from libs.common.flow.script import UNSCRIPTED, Answer, Cue, Persona
from libs.common.flow.turn import External
from libs.common.flow.world import ACCOUNT, BEGUN, SOMEBODY, World, answer
from libs.common.secret import Secret
from tests.recordings import Recorded
from tests.walks import flow, node, program
from tests.worlds import World as Known

HIDDEN = "hunter2"
BEGIN = BeginSignIn("google", None)
FINISH = FinishSignIn("google", None, Secret(HIDDEN), None, "nonce", Secret(HIDDEN))


def scripted(outcome: str) -> Cue:
    return Cue(Answer(outcome), "answers.node")


@pytest.mark.parametrize(
    "told",
    [
        FINISH,
        Begun("https://example.com", HIDDEN, HIDDEN, HIDDEN),
        External("https://example.com", HIDDEN),
        Came(External("https://example.com", HIDDEN), {"email": HIDDEN}, None),
    ],
)
def test_what_only_the_session_may_know_is_never_shown(told: object) -> None:
    assert HIDDEN not in repr(told)


def test_a_persona_comes_back_as_a_script_says() -> None:
    world = World(Persona(user={}))
    assert answer(world, BEGIN, UNSCRIPTED) == BEGUN
    assert answer(world, BEGIN, scripted("failure")) is None
    assert answer(world, FINISH, UNSCRIPTED) == Came(SOMEBODY, {}, ACCOUNT)
    assert answer(world, FINISH, scripted("new_user")) == Came(SOMEBODY, {}, None)
    assert answer(world, FINISH, scripted("failure")) is None
    assert answer(world, LinkExternal(ACCOUNT, SOMEBODY), UNSCRIPTED) is True


SIGN_IN = flow(
    "main",
    "start > select > done",
    "select:new_user > ask > write > done",
    kind=FlowType.LOGIN,
    select=node("social_provider_select", providers=["google"]),
    ask=node("prompt", fields=[{"name": "email", "type": "email", "label": "Email"}]),
    write=node("user_write"),
)


@pytest.mark.parametrize("name", ["alice", "newcomer"])
def test_a_session_is_replayed_as_it_went_and_keeps_nothing_of_who_came(name: str) -> None:
    made = Recorded(program(SIGN_IN), Known(alice={}))
    made.sends(state="state", code=name)
    if name != "alice":
        made.sends(email="newcomer@example.com")
    assert made.walk.turn.session.facts.proved == ("fed",)
    assert made.walk.turn.session.facts.external is None
    own = replay(made.tape, made.walk.program)
    assert (own.result, own.same) == ("success", True)
    kept = b"".join(made.data)
    assert b"newcomer" not in kept
    assert b"verifier" not in kept
