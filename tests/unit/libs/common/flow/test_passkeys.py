from __future__ import annotations

import pytest
from msgspec.structs import replace

from libs.common.flow.model import FlowType
from libs.common.flow.passkeys import CheckPasskey, KeepPasskey, OfferPasskey, SeekPasskey, Shown
from libs.common.flow.questions import LoadUser
from libs.common.flow.replay import replay
from libs.common.flow.rerun import Stopped
from libs.common.flow.script import UNSCRIPTED, Answer, Cue, Persona
from libs.common.flow.turn import Question
from libs.common.flow.world import ACCOUNT, NO_CEREMONY, World, answer
from libs.common.secret import Secret
from tests.recordings import Recorded
from tests.walks import Walk, flow, node, program
from tests.worlds import World as Known

CREDENTIAL = '{"id": "hunter2"}'
CHECK = CheckPasskey(Secret(CREDENTIAL), "challenge", "required", "session:1")
KEEP = KeepPasskey(ACCOUNT, Secret(CREDENTIAL), "challenge", "required", 10, "session")
OFFER = OfferPasskey(ACCOUNT, "required", "required", None, 10, 300)
FAILURE = Cue(Answer("failure"), "answers.node")


def seek(account: str | None) -> SeekPasskey:
    return SeekPasskey(account, "required", 300)


@pytest.mark.parametrize("question", [CHECK, KEEP])
def test_a_question_never_shows_what_was_sent(question: Question[object]) -> None:
    assert CREDENTIAL not in repr(question)


def test_nobody_named_may_show_any_passkey() -> None:
    assert answer(World(Persona()), seek(None), UNSCRIPTED) == NO_CEREMONY


@pytest.mark.parametrize(
    ("methods", "ceremony"), [(["totp", "webauthn"], NO_CEREMONY), (["totp"], None), (None, None)]
)
def test_a_persona_has_the_passkey_that_their_methods_name(
    methods: list[str] | None, ceremony: object
) -> None:
    world = World(Persona(user={"mfa_methods": methods}))
    assert answer(world, seek(ACCOUNT), UNSCRIPTED) == ceremony


def test_a_persona_shows_the_passkey_of_their_account() -> None:
    world = World(Persona(user={}))
    assert answer(world, CHECK, UNSCRIPTED) == Shown(ACCOUNT, bound=False, verified=True)
    assert answer(world, CHECK, FAILURE) is None


def test_a_persona_without_an_account_has_none_to_show() -> None:
    assert answer(World(Persona()), CHECK, UNSCRIPTED) is None


def test_who_made_a_passkey_has_one_from_then_on() -> None:
    world = World(Persona(user={"mfa_enabled": False}))
    assert answer(world, OFFER, UNSCRIPTED) == NO_CEREMONY
    assert answer(world, KEEP, FAILURE) is False
    assert answer(world, seek(ACCOUNT), UNSCRIPTED) is None
    for _ in range(2):
        assert answer(world, KEEP, UNSCRIPTED) is True
        user = world.load(LoadUser(ACCOUNT))
        assert user is not None
        assert (user["mfa_enabled"], user["mfa_methods"]) == (True, ["webauthn"])
    assert answer(world, seek(ACCOUNT), UNSCRIPTED) == NO_CEREMONY


def passkey(account: str) -> dict[str, str]:
    return {"tokenResponse": f'{{"id": "{account}"}}'}


ENROL = flow(
    "main",
    "start > show > make > check",
    "check:true > done",
    "check:false > failed",
    "check:error > failed",
    kind=FlowType.LOGIN,
    show=node("webauthn"),
    make=node("webauthn_setup"),
    check=node("condition", condition="user.mfa_enabled"),
)


def test_a_passkey_signs_in_with_nobody_named_and_what_it_proves_is_known_from_then_on() -> None:
    walk = Walk(program(ENROL), Known(alice={"mfa_enabled": False}))
    walk.sends(**passkey("mallory"))
    assert walk.at == "show"
    walk.sends(**passkey("alice"))
    assert walk.at == "make"
    walk.sends(**passkey("new"))
    assert walk.path == ["make:success", "check:true", "done"]
    assert walk.turn.session.facts.proved == ("hwk", "user", "mfa")


def test_a_session_with_passkeys_is_replayed_as_it_went_and_shows_nothing_of_them() -> None:
    made = Recorded(program(ENROL), Known(alice={"mfa_enabled": False}))
    for account in ("mallory", "alice", "new"):
        made.sends(**passkey(account))
    own = replay(made.tape, made.walk.program)
    assert (own.result, own.same) == ("success", True)
    kept = b"".join(made.data)
    assert b"mallory" not in kept
    assert b"challenge" not in kept


def test_another_version_is_not_told_who_showed_a_passkey_that_it_asks_otherwise_for() -> None:
    made = Recorded(program(ENROL), Known(alice={"mfa_enabled": False}))
    for account in ("alice", "new"):
        made.sends(**passkey(account))
    other = replace(
        ENROL,
        graph=replace(
            ENROL.graph,
            nodes=tuple(
                replace(each, config={"user_verification": "preferred"})
                if each.type == "webauthn"
                else each
                for each in ENROL.graph.nodes
            ),
        ),
    )
    found = replay(made.tape, made.walk.program, program(other))
    assert found.undecided == Stopped("show", ("the answer to SeekPasskey",))
