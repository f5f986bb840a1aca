"""Whole flows, compiled and walked with the real node types, and a script for the world."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from libs.common.flow.compile import compile_flow
from libs.common.flow.interpreter import FAILED, advance, begin
from libs.common.flow.model import Flow, FlowType, Graph, Json
from libs.common.flow.plan import Program, encode, load, name_of
from libs.common.flow.questions import (
    CheckPassword,
    CheckTotp,
    FindAccount,
    HashPassword,
    LoadUser,
    SignedIn,
    Verdict,
    WriteUser,
    Written,
)
from libs.common.flow.signins import KeepSignIn
from libs.common.flow.turn import (
    Facts,
    Message,
    Over,
    Session,
    Stay,
    Submission,
    Surroundings,
    Turn,
)
from libs.common.nodes.catalogue import NODE_TYPES
from libs.common.secret import Secret
from tests.playbook import SESSION, Playbook

MFA_LOGIN = Path(__file__).parents[4] / "fixtures/compile/mfa_login.yaml"
NOW = Surroundings(time=1_790_000_000)
HASH = "$argon2id$…"


def compiled(written: Mapping[str, Any]) -> Program:
    graph = msgspec.convert({"nodes": written["nodes"], "edges": written["edges"]}, Graph)
    data = encode(compile_flow(Flow("flow_case", 1, FlowType(written["type"]), graph), NODE_TYPES))
    return load(data, NODE_TYPES, expecting=name_of(data))


class Run:
    """A session that goes from turn to turn, stored and read back in between."""

    def __init__(self, program: Program) -> None:
        self.program = program
        session = Session(SESSION, "default", program.plan, program.type, 0, 1, 2, 3)
        self.turn = Playbook(begin(program, session, NOW)).result()

    def sends(self, **inputs: Json) -> Playbook[Turn]:
        stored = msgspec.msgpack.encode(self.turn.session)
        session = msgspec.msgpack.decode(stored, type=Session)
        return Playbook(advance(self.program, session, Submission("", inputs), NOW))

    @property
    def waits_at(self) -> str:
        return self.program.steps[self.turn.session.node].id


def keep(account: str, *amr: str) -> KeepSignIn:
    return KeepSignIn(SESSION, account, NOW.time, amr, f"aal{len(amr)}")


def sign_in(run: Run, name: str, verdict: Verdict = Verdict.RIGHT) -> Playbook[Turn]:
    found = run.sends(identifier=f"{name}@example.com")
    email = f"{name}@example.com"
    run.turn = found.asks(FindAccount(("email",), email), answered=name).result()
    question = CheckPassword(name, email, Secret("correct horse"))
    return run.sends(password="correct horse").asks(question, answered=verdict)


def test_a_user_without_mfa_signs_in_with_a_password() -> None:
    run = Run(compiled(yaml.safe_load(MFA_LOGIN.read_text())))
    assert run.waits_at == "identifier"
    known = sign_in(run, "alice").asks(LoadUser("alice"), answered={"mfa_enabled": False})
    done = known.asks(keep("alice", "pwd"), answered=True).result()
    assert done.shown == Over(succeeded=True, sign_in=True)
    assert done.effects == (SignedIn("alice", NOW.time),)
    assert done.session.over
    assert done.session.facts.proved == ("pwd",)


def test_a_user_with_mfa_is_asked_for_a_code_as_well() -> None:
    run = Run(compiled(yaml.safe_load(MFA_LOGIN.read_text())))
    user: Mapping[str, Json] = {"mfa_enabled": True, "mfa_methods": ["totp"]}
    named = sign_in(run, "bo").asks(LoadUser("bo"), answered=user)
    run.turn = named.asks(LoadUser("bo"), answered=user).result()
    assert run.waits_at == "mfa_verify"
    check = CheckTotp("bo", "bo@example.com", Secret("123456"), f"{SESSION}:3")
    checked = run.sends(code="123456").asks(check, answered=Verdict.RIGHT)
    done = checked.asks(keep("bo", "pwd", "otp"), answered=True).result()
    assert done.shown == Over(succeeded=True, sign_in=True)
    assert done.session.facts.proved == ("pwd", "otp")


def test_a_user_of_whom_nobody_knows_whether_they_have_mfa_does_not_pass() -> None:
    run = Run(compiled(yaml.safe_load(MFA_LOGIN.read_text())))
    assert sign_in(run, "alice").asks(LoadUser("alice"), answered={}).result().shown == FAILED


def test_five_wrong_passwords_end_the_session_and_no_secret_is_in_it() -> None:
    run = Run(compiled(yaml.safe_load(MFA_LOGIN.read_text())))
    email = "alice@example.com"
    find = FindAccount(("email",), email)
    run.turn = run.sends(identifier=email).asks(find, answered="alice").result()
    question = CheckPassword("alice", email, Secret("hunter2"))
    for tried in range(1, 6):
        run.turn = run.sends(password="hunter2").asks(question, answered=Verdict.WRONG).result()
        assert run.turn.session.tries == {"password": tried}
        assert b"hunter2" not in msgspec.msgpack.encode(run.turn.session)
        if tried < 5:
            assert isinstance(run.turn.shown, Stay)
            assert run.turn.shown.message == Message("password.wrong")
    assert run.turn.shown == FAILED


ROUND = {
    "type": "account_recovery",
    "nodes": [
        {"id": "start", "type": "start"},
        {
            "id": "who",
            "type": "identifier_input",
            "config": {"identifier_types": ["email", "username"]},
        },
        {"id": "password", "type": "password_input", "config": {"attempts": 1}},
        {
            "id": "seen",
            "type": "set_attribute",
            "config": {"attribute": "seen", "value": "true"},
        },
        {
            "id": "who_else",
            "type": "identifier_input",
            "config": {"identifier_types": ["email", "username"]},
        },
        {"id": "success", "type": "success", "config": {"auto_login": True}},
    ],
    "edges": [
        {"source": "start", "target": "who"},
        {"source": "who", "target": "password"},
        {"source": "password", "target": "seen"},
        {"source": "password", "target": "who", "condition": "failure"},
        {"source": "seen", "target": "who_else"},
        {"source": "who_else", "target": "success"},
    ],
}
"""Lets a user name an account after the proof, and try again after the last wrong password. No rule
lets a login do the first; the run sees to it whatever the flow."""


def test_proving_one_account_and_naming_another_signs_nobody_in() -> None:
    run = Run(compiled(ROUND))
    run.turn = sign_in(run, "mallory").result()
    assert run.waits_at == "who_else"
    find = FindAccount(("email",), "alice@example.com")
    done = run.sends(identifier="alice@example.com").asks(find, answered="alice").result()
    assert done.shown == FAILED
    assert done.effects == ()
    assert done.session.facts == Facts(
        identifier="alice@example.com",
        account="alice",
        inputs={"identifier": "alice@example.com"},
    )


def test_naming_the_account_again_that_was_proved_signs_it_in() -> None:
    run = Run(compiled(ROUND))
    run.turn = sign_in(run, "alice").result()
    find = FindAccount(("email",), "alice@example.com")
    named = run.sends(identifier="alice@example.com").asks(find, answered="alice")
    done = named.asks(keep("alice", "pwd"), answered=True).result()
    assert done.effects == (SignedIn("alice", NOW.time),)


def test_a_way_back_buys_no_further_guess() -> None:
    run = Run(compiled(ROUND))
    run.turn = sign_in(run, "alice", Verdict.WRONG).result()
    assert run.waits_at == "who"
    find = FindAccount(("username",), "bo")
    run.turn = run.sends(identifier="bo").asks(find, answered="bo").result()
    assert run.waits_at == "password"
    run.turn = run.sends(password="right at last").result()
    assert run.waits_at == "who"


def test_who_registers_may_be_signed_in_and_what_they_typed_is_written_once() -> None:
    registration = {
        "type": "registration",
        "nodes": [
            {"id": "start", "type": "start"},
            {
                "id": "form",
                "type": "prompt",
                "config": {
                    "fields": [
                        {"name": "email", "type": "email", "label": "Email"},
                        {"name": "password", "type": "password", "label": "Password"},
                    ]
                },
            },
            {"id": "write", "type": "user_write"},
            {"id": "success", "type": "success", "config": {"auto_login": True}},
        ],
        "edges": [
            {"source": "start", "target": "form"},
            {"source": "form", "target": "write"},
            {"source": "write", "target": "success"},
        ],
    }
    run = Run(compiled(registration))
    sent = run.sends(email="Sasha@Example.com", password="MyP@ssw0rd!")
    hashed = sent.asks(HashPassword(Secret("MyP@ssw0rd!")), answered=HASH)
    write = WriteUser(
        "3f6e3dfe-28be-5c1c-a2bb-f721684286ee", None, {"email": "sasha@example.com"}, HASH
    )
    written = hashed.asks(write, answered=Written("sasha"))
    done = written.asks(keep("sasha", "pwd"), answered=True).result()
    assert done.effects == (SignedIn("sasha", NOW.time),)
    assert done.session.facts == Facts(
        account="sasha", created=True, proved=("pwd",), inputs={"email": "sasha@example.com"}
    )
