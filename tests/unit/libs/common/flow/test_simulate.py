"""Simulations: the interpreter with a scripted world, and all that it tells."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from msgspec import UNSET

from libs.common.errors import Invalid, Problem
from libs.common.flow import interpreter
from libs.common.flow import simulate as module
from libs.common.flow.model import (
    ALONE,
    Flow,
    FlowType,
    Graph,
    Invariant,
    Json,
    Library,
    Node,
    Settings,
    TriggerPoint,
)
from libs.common.flow.node import NodeType, Visit, fixed
from libs.common.flow.plan import Instruction, Program
from libs.common.flow.questions import FindAccount
from libs.common.flow.script import Script
from libs.common.flow.simulate import make_program, simulate
from libs.common.flow.simulation import FieldNotice, Notice, Passage, Simulation
from libs.common.flow.turn import Dialogue, Leave, ask
from libs.common.nodes.catalogue import NODE_TYPES
from tests.walks import asks, calls, checks, flow, library, node, policy, sets, trigger, when

SEED = Path(__file__).parents[5] / "deploy" / "local" / "flows" / "mfa-login.graph.json"


class Nothing(msgspec.Struct, frozen=True):
    """A config that says nothing."""


NAMED = {"name": "Ada"}
SECRETS = ("hunter22-secret", "918273")


def seed_login() -> Program:
    graph = msgspec.convert(json.loads(SEED.read_text()), Graph)
    written = Flow("flow_login_mfa", 1, FlowType.LOGIN, graph, name="mfa-login")
    return make_program(written, NODE_TYPES)


def play(program: Program, *inputs: Json, **script: Json) -> Simulation:
    return simulate(program, msgspec.convert({"inputs": list(inputs), **script}, Script))


def made(
    *paths: str,
    beside: Library = ALONE,
    kind: FlowType = FlowType.REGISTRATION,
    settings: Settings = Settings(),  # noqa: B008 - it is immutable
    **nodes: Node,
) -> Program:
    written = flow("outer", *paths, kind=kind, settings=settings, **nodes)
    return make_program(written, NODE_TYPES, beside)


def refusal(program: Program, *inputs: Json, **script: Json) -> tuple[Problem, ...]:
    with pytest.raises(Invalid) as refused:
        play(program, *inputs, **script)
    return refused.value.problems


def places(simulation: Simulation) -> list[str]:
    """Where it went, as in `check:true`."""
    return [f"{each.node}:{each.outcome}" for each in simulation.trace]


def last(simulation: Simulation, name: str) -> Passage:
    return next(each for each in reversed(simulation.trace) if each.node == name)


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


def test_nodes_of_flows_inside_are_answered_by_their_slug() -> None:
    inner = flow("inner", "start > who > done", who=node("identifier_input"))
    program = made("start > call > done", beside=library(inner), call=calls("inner"))
    asked = {"persona": {"user": {}}, "answers": {"inner/who": "failure"}}
    played = play(program, {"email": "a@example.com"}, **asked)
    assert (played.facts.account, played.facts.identified) == (None, True)


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


def test_answers_are_for_the_visits_that_ask_in_turn() -> None:
    who = {"email": "a@example.com"}
    wrong = {"password": "x"}
    program = made(
        "start > who > pw > done",
        "pw:failure > who",
        kind=FlowType.LOGIN,
        who=node("identifier_input"),
        pw=node("password_input", attempts=3),
    )
    played = play(
        program, who, wrong, wrong, wrong, who, wrong,
        persona={"user": {}}, answers={"pw": ["failure", "failure", {"outcome": "failure"}]},
    )  # fmt: skip
    # Going back buys no tries, so the fourth is not looked at.
    assert [each.outcome for each in played.trace if each.node == "pw"] == [
        *(None, None, None, "failure"),
        *(None, "failure"),
    ]


def test_a_visit_that_asks_twice_gets_one_answer_for_both() -> None:
    found: list[str | None] = []

    def asks_twice(_config: Nothing, _visit: Visit) -> Dialogue:
        first = yield from ask(FindAccount(("email",), "a@example.com"))
        second = yield from ask(FindAccount(("email",), "a@example.com"))
        found.extend((first, second))
        return Leave("success")

    kind = NodeType(
        name="twice",
        summary="Asks twice.",
        config=Nothing,
        lowered=Nothing,
        lower=lambda config, _site: config,
        run=asks_twice,
        outcomes=fixed("success"),
    )
    step = Instruction("twice", kind, Nothing(), {"success": 0})
    program = made("start > done")
    made_up = msgspec.structs.replace(program, start=1, steps=(program.steps[1], step))
    play(made_up, persona={"user": {"id": "a"}}, answers={"twice": ["failure", "success"]})
    assert found == [None, None]


def test_a_persona_without_an_account_passes_no_password() -> None:
    played = play(seed_login(), {"identifier": "a@example.com"}, {"password": "x"})
    assert (played.result, played.facts.amr) == ("waiting", ())


def test_who_has_no_second_factor_is_not_asked_for_one() -> None:
    sent = ({"identifier": "a@example.com"}, {"password": "x"})
    played = play(seed_login(), *sent, persona={"user": {"mfa_enabled": False}})
    assert (played.result, played.path[-2:]) == ("success", ("mfa_check", "success"))


def test_a_button_can_be_named() -> None:
    program = made("start > ask > done", ask=asks("name"))
    assert play(program, {"action": "submit", "inputs": NAMED}).result == "success"


def test_a_button_that_is_not_there_is_refused_where_it_is_written() -> None:
    program = made("start > ask > done", ask=asks("name"))
    (problem,) = refusal(program, {}, {"action": "fly", "inputs": NAMED})
    assert (problem.code, problem.path) == ("unknown_action", "inputs[1].action")


LINK = node("email_verification", method="link")


def test_a_link_may_be_followed_on_another_device() -> None:
    program = made("start > ask > verify > done", ask=asks("email", "city"), verify=LINK)
    sent = {"email": "a@example.com", "city": "Rome"}
    for elsewhere in (False, True):
        follows = {"inputs": {"token": "t"}, "elsewhere": elsewhere}
        played = play(program, sent, follows)
        assert played.result == "success"
        assert ("city" in played.facts.staged) is not elsewhere


def test_a_link_that_nobody_waits_for_is_refused_where_it_is_written() -> None:
    program = made("start > ask > done", ask=asks("name"))
    (problem,) = refusal(program, {"inputs": {"token": "t"}, "elsewhere": True})
    assert (problem.code, problem.path) == ("unknown_link", "inputs[0].elsewhere")


def test_inputs_that_nobody_waits_for_are_counted() -> None:
    program = made("start > ask > done", ask=asks("name"))
    assert play(program, NAMED, {}, {}).unused_inputs == 2
    assert play(program, NAMED).unused_inputs is UNSET


def test_answers_of_nodes_that_are_not_there_are_refused_all_at_once() -> None:
    found = refusal(made("start > done"), answers={"pw": "success", "start/x": "failure"})
    assert [(each.code, each.path) for each in found] == [
        ("unknown_node", "answers.pw"),
        ("unknown_node", "answers.start/x"),
    ]


def test_an_answer_that_the_node_cannot_use_is_refused_where_it_is_written() -> None:
    (problem,) = refusal(
        seed_login(),
        {"identifier": "a@example.com"},
        {"password": "x"},
        {"password": "x"},
        persona={"user": {}},
        answers={"password": ["failure", "expired"]},
    )
    assert (problem.code, problem.path) == ("invalid_answer", "answers.password[1]")


def test_an_answer_cannot_choose_a_branch() -> None:
    program = made("start > check:true > done", "check:false > done", check=checks("true"))
    (problem,) = refusal(program, answers={"check": "false"})
    assert (problem.code, problem.path) == ("unused_answer", "answers.check")


def test_an_answer_for_a_node_that_still_waits_may_be_there() -> None:
    played = play(seed_login(), answers={"password": "failure", "mfa_verify": "failure"})
    assert played.result == "waiting"


@pytest.mark.parametrize(
    ("authentication", "persona", "reason"),
    [
        ("require_authenticated", {"user": {}}, "unauthenticated"),
        ("require_unauthenticated", {"user": {}, "authenticated": True}, "denied"),
        ("require_superuser", {"user": {}, "authenticated": True}, "denied"),
        ("require_outpost", {}, "denied"),
    ],
)
def test_who_may_not_start_it_is_denied_by_its_denied_action(
    authentication: str, persona: Json, reason: str
) -> None:
    written = {"authentication": authentication, "denied_action": "continue"}
    program = made("start > done", settings=msgspec.convert(written, Settings))
    played = play(program, {"a": 1}, persona=persona)
    assert (played.result, played.trace, played.path) == ("denied", (), ())
    assert not isinstance(played.denied, msgspec.UnsetType)
    assert (played.denied.reason, played.denied.action) == (reason, "continue")
    assert played.unused_inputs == 1


@pytest.mark.parametrize(
    ("authentication", "persona"),
    [
        ("require_authenticated", {"user": {}, "authenticated": True}),
        ("require_unauthenticated", {"user": {}}),
        ("require_superuser", {"user": {"is_superuser": True}, "authenticated": True}),
        ("require_outpost", {"outpost": True}),
    ],
)
def test_who_may_start_it_does(authentication: str, persona: Mapping[str, Json]) -> None:
    settings = msgspec.convert({"authentication": authentication}, Settings)
    played = play(made("start > done", settings=settings), persona=persona)
    assert played.result == "success"
    assert played.facts.authenticated is persona.get("authenticated", False)


def test_nobody_is_authenticated_without_an_account() -> None:
    (problem,) = refusal(made("start > done"), persona={"authenticated": True})
    assert problem.path == "persona.authenticated"


def test_the_policies_of_a_flow_that_deny_are_told() -> None:
    settings = Settings(policies=(policy("client.id === 'app'"),))
    program = made("start > done", settings=settings)
    denied = play(program, persona={"client": {"id": "web"}}).denied
    assert not isinstance(denied, msgspec.UnsetType)
    assert [(each.path, each.value) for each in denied.expressions] == [
        ("policies[0].expression", False)
    ]
    assert play(program, persona={"client": {"id": "app"}}).denied is UNSET


def test_the_invariants_that_a_run_breaks_are_named() -> None:
    mfa = Invariant("mfa", FlowType.LOGIN, "size(factors) >= 2")
    written = flow(
        "login",
        "start > who > pw > done",
        kind=FlowType.LOGIN,
        who=node("identifier_input"),
        pw=node("password_input"),
    )
    program = make_program(written, NODE_TYPES, library(invariants=(mfa,)), running=True)
    played = play(program, {"email": "a@example.com"}, {"password": "x"}, persona={"user": {}})
    assert (played.result, played.facts.broken) == ("failure", ("mfa",))
    assert not any(each.effects for each in played.trace)


def test_a_flow_that_cannot_run_has_no_program() -> None:
    with pytest.raises(Invalid):
        made("start > ask", ask=asks("name"))


@pytest.mark.parametrize(
    ("persona", "result"),
    [
        ({"message": {"text": "1 is your code", "purpose": "code"}}, "success"),
        ({"message": {"recipient": "+4930901820", "purpose": "code"}}, "failure"),
        ({}, "failure"),
    ],
)
def test_a_flow_in_place_of_the_gateway_has_a_message_to_deliver(
    persona: dict[str, Json], result: str
) -> None:
    condition = "facts.message.purpose === 'code' && startsWith(facts.message.recipient, '+1')"
    sender = trigger(
        "sender",
        TriggerPoint.SEND_PHONE_MESSAGE,
        "start > check:true > done",
        "check:false > failed",
        check=checks(condition),
    )
    program = make_program(sender, NODE_TYPES)
    assert play(program, persona=persona).result == result


def test_other_flows_have_none() -> None:
    greets = trigger(
        "greets",
        TriggerPoint.POST_LOGIN,
        "start > check:true > done",
        "check:false > failed",
        check=checks("has(facts.message)"),
    )
    assert play(make_program(greets, NODE_TYPES)).result == "failure"


def test_the_same_script_tells_the_same_again() -> None:
    program = made("start > ask > write > done", ask=asks("email"), write=node("user_write"))
    once, again = (play(program, {"email": "a@example.com"}) for _ in range(2))
    assert msgspec.json.encode(once) == msgspec.json.encode(again)


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
