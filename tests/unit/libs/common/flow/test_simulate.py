"""Simulations: the interpreter with a scripted world, and all that it tells."""

from __future__ import annotations

import msgspec
import pytest

from libs.common.errors import Invalid
from libs.common.flow import interpreter
from libs.common.flow import simulate as module
from libs.common.flow.model import FlowType, Invariant, TriggerPoint
from libs.common.flow.simulate import make_program
from libs.common.flow.simulation import FieldNotice, Notice
from libs.common.nodes.catalogue import NODE_TYPES
from tests.unit.libs.common.flow.plays import (
    NAMED,
    SECRETS,
    last,
    made,
    places,
    play,
    refusal,
    seed_login,
)
from tests.walks import asks, calls, checks, flow, library, login, node, sets, trigger, when


def test_the_login_of_the_seed_is_traced_down_to_sub_expressions() -> None:
    played = play(
        seed_login(),
        {"identifier": "a@example.com"},
        {"password": SECRETS[0]},
        {"password": SECRETS[0]},
        {"code": SECRETS[1]},
        persona={"user": {"email": "a@example.com", "mfa_enabled": True}},
        answers={"password": ["failure", "success"]},
    )
    assert played.result == "success"
    assert places(played) == [
        "start:success",
        "identifier:None",
        "identifier:success",
        "password:None",
        "password:None",
        "password:success",
        "mfa_check:true",
        "mfa_verify:None",
        "mfa_verify:success",
        "success:None",
    ]
    assert played.path == (
        "start", "identifier", "password", "mfa_check", "mfa_verify", "success"
    )  # fmt: skip
    (condition,) = last(played, "mfa_check").expressions
    assert (condition.path, condition.text) == ("config.condition", "user.mfa_enabled")
    assert [(part.text, part.depth) for part in condition.parts] == [
        ("user.mfa_enabled", 0),
        ("user", 1),
    ]
    assert condition.parts[0].value is True
    assert played.facts.amr == ("pwd", "otp")
    assert played.facts.factors == ("knowledge", "possession")
    assert last(played, "success").effects == (
        {"type": "SignedIn", "account": "simulated-account", "at": 1_767_225_600},
    )


def test_what_a_node_that_waits_would_have_sent_is_told() -> None:
    played = play(
        made(
            "start > who > code > done",
            who=node("identifier_input"),
            code=node("otp_input"),
            kind=FlowType.LOGIN,
        ),
        {"email": "a@example.com"},
        {"code": "123456"},
        persona={"user": {}},
    )
    assert played.result == "success"
    assert played.facts.amr == ("otp",)
    (sent,) = [passage for passage in played.trace if passage.node == "code" and passage.effects]
    assert sent.outcome is None
    assert sent.effects[0]["type"] == "SendMail"


def test_what_was_typed_as_a_secret_is_in_no_part_of_the_answer() -> None:
    registered = made(
        "start > ask > write > done", ask=asks("email", "password"), write=node("user_write")
    )
    signed_up = play(registered, {"email": "a@example.com", "password": SECRETS[0]})
    signed_in = play(
        seed_login(),
        {"identifier": "a@example.com"},
        {"password": SECRETS[0]},
        {"code": SECRETS[1]},
        persona={"user": {"mfa_enabled": True}},
    )
    assert signed_up.result == signed_in.result == "success"
    for told in (msgspec.json.encode(signed_up).decode(), repr(signed_in), str(signed_up)):
        assert not any(secret in told for secret in SECRETS)


def test_what_would_have_been_written_is_told_where_it_would_have_been() -> None:
    played = play(
        made("start > ask > write > done", ask=asks("email", "password"), write=node("user_write")),
        {"email": "A@Example.com", "password": "long enough"},
    )
    assert [each.node for each in played.trace if each.effects] == ["write"]
    (written,) = last(played, "write").effects
    assert written["type"] == "WriteUser"
    assert written["new"] is True
    assert written["attributes"] == {"email": "a@example.com"}
    assert written["password"] == "***"
    assert played.facts.created
    assert played.facts.account == written["account"]
    assert played.facts.staged == {}


def test_what_is_taken_is_not_told_as_written() -> None:
    played = play(
        made("start > ask > write > done", ask=asks("email"), write=node("user_write")),
        {"email": "a@example.com"},
        answers={"write": "taken"},
    )
    assert (played.result, played.path[-1]) == ("failure", "write")
    assert not any(each.effects for each in played.trace)


def test_inputs_that_run_out_leave_it_waiting_with_its_view() -> None:
    played = play(made("start > ask > done", ask=asks("name")))
    assert played.result == "waiting"
    view = last(played, "ask").view
    assert view is not None
    assert view.required_params == ("name",)
    assert view.components[0].id == "form_ask"
    assert (view.messages, view.field_errors) == ((), ())


def test_wrong_inputs_show_the_view_again_and_the_next_submit_goes_on() -> None:
    played = play(
        made("start > ask > done", ask=asks("email")), {"email": "no"}, {"email": "a@b.de"}
    )
    assert places(played) == ["start:success", "ask:None", "ask:None", "ask:success", "done:None"]
    assert played.path == ("start", "ask", "done")
    view = played.trace[2].view
    assert view is not None
    assert view.messages == (Notice("ERROR", "form.invalid"),)
    assert view.field_errors == (FieldNotice("email", "field.email"),)
    assert played.facts.inputs == {"email": "a@b.de"}


def test_a_view_reads_as_the_wire_has_it() -> None:
    played = play(made("start > ask > done", ask=asks("email")), {})
    view = msgspec.json.decode(msgspec.json.encode(played.trace[-1].view))
    assert view.keys() == {"components", "requiredParams", "messages", "fieldErrors"}
    assert view["messages"] == [{"type": "ERROR", "i18nKey": "form.invalid"}]
    assert view["fieldErrors"] == [{"identifier": "email", "i18nKey": "field.required"}]


def test_the_words_and_the_redirect_of_an_end_are_shown() -> None:
    done = node("success", message="Welcome", redirect="/home")
    view = play(made("start > done", done=done)).trace[-1].view
    assert view is not None
    assert (view.messages, view.url) == ((Notice("INFO", message="Welcome"),), "/home")


def test_the_author_s_words_for_a_failure_take_the_place_of_ours() -> None:
    program = made(
        "start > check:true > done",
        "check:false > failed",
        check=checks("request.time < 0"),
        failed=node("failure", message="Sorry"),
    )
    view = play(program).trace[-1].view
    assert view is not None
    assert view.messages == (Notice("ERROR", message="Sorry"),)


def test_an_end_without_a_word_shows_nothing() -> None:
    assert play(made("start > done")).trace[-1].view is None


def test_a_failure_that_nobody_drew_is_shown_at_the_last_node() -> None:
    played = play(made("start > check:true > done", "check:false > done", check=checks("user.vip")))
    assert (played.result, places(played)[-1]) == ("failure", "check:error")
    assert played.trace[-1].view is not None
    assert played.trace[-1].view.messages == (Notice("ERROR", "flow.failed"),)
    assert played.trace[-1].expressions[0].value == {"missing": True}


def test_only_what_was_evaluated_is_told() -> None:
    cases = [
        {"outcome": "young", "when": "inputs.name === 'Ada'"},
        {"outcome": "old", "when": "inputs.name === 'Bob'"},
    ]
    program = made(
        "start > ask > pick:young > done",
        "pick:old > done",
        "pick > done",
        ask=asks("name"),
        pick=node("switch", cases=cases),
    )
    first = last(play(program, NAMED), "pick")
    assert [each.path for each in first.expressions] == ["config.cases[0].when"]
    second = last(play(program, {"name": "Bob"}), "pick")
    assert [each.value for each in second.expressions] == [False, True]


def test_the_policies_of_a_node_are_told_with_it() -> None:
    gated = when(asks("name"), "request.language === 'en'", "not true", mode="all")
    played = play(made("start > ask > done", ask=gated), persona={"request": {"language": "de"}})
    assert places(played) == ["start:success", "ask:skipped", "done:None"]
    assert [(each.path, each.value) for each in last(played, "ask").expressions] == [
        ("policies[0].expression", False),
        ("policies[1].expression", True),
    ]


def test_policies_are_told_each_time_they_are_looked_at() -> None:
    gated = when(asks("more"), "has(inputs.name)", at_start=False, each_time=True)
    program = made("start > ask > extra > done", ask=asks("name"), extra=gated)
    played = play(program, NAMED, {"more": "x"})
    assert [len(each.expressions) for each in played.trace if each.node == "extra"] == [1, 0]
    assert played.result == "success"


def test_a_flow_inside_is_traced_by_its_slug_and_told_of_when_it_ends() -> None:
    inner = flow("inner", "start > ask > done", ask=asks("name"))
    played = play(made("start > call > done", beside=library(inner), call=calls("inner")), NAMED)
    assert places(played) == [
        "start:success",
        "call:None",
        "inner/start:success",
        "inner/ask:None",
        "inner/ask:success",
        "inner/done:None",
        "call:success",
        "done:None",
    ]
    assert played.path == (
        "start", "call", "inner/start", "inner/ask", "inner/done", "done"
    )  # fmt: skip


def test_triggers_are_traced_where_they_run() -> None:
    before = trigger(
        "terms", TriggerPoint.PRE_USER_REGISTRATION, "start > set > done", set=sets("terms")
    )
    program = made(
        "start > ask > write > done",
        beside=library(before),
        ask=asks("email"),
        write=node("user_write"),
    )
    played = play(program, {"email": "a@example.com"})
    assert played.path[2:] == ("terms/start", "terms/set", "terms/done", "write", "done")
    assert played.facts.attributes == {"terms": True}


def test_the_invariants_that_a_run_breaks_are_named() -> None:
    mfa = Invariant("mfa", FlowType.LOGIN, "size(factors) >= 2")
    written = login("login", "start > who > password > done")
    program = make_program(written, NODE_TYPES, library(invariants=(mfa,)), running=True)
    played = play(program, {"email": "a@example.com"}, {"password": "x"}, persona={"user": {}})
    assert (played.result, played.facts.broken) == ("failure", ("mfa",))
    assert not any(each.effects for each in played.trace)


def test_a_flow_that_cannot_run_has_no_program() -> None:
    with pytest.raises(Invalid):
        made("start > ask", ask=asks("name"))


def test_a_turn_that_would_be_stopped_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    program = made("start > set > done", set=sets("a"))
    monkeypatch.setattr(interpreter, "LONGEST", 2)
    assert [each.code for each in refusal(program)] == ["endless"]


def test_a_simulation_passes_a_bounded_number_of_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_NODES", 3)
    program = made("start > ask > done", ask=asks("name"))
    assert play(program, {}).result == "waiting"
    assert [each.code for each in refusal(program, {}, {})] == ["too_long"]


def test_a_simulation_shows_a_bounded_number_of_expressions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_PARTS", 2)
    program = made("start > set > done", set=sets("a", "1 === 1"))
    assert [each.code for each in refusal(program)] == ["too_long"]
