"""What a simulation makes of its script: the persona, the inputs, and the answers of nodes."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest
from msgspec import UNSET

from libs.common.flow.model import FlowType, Json, Settings, TriggerPoint
from libs.common.flow.node import NodeType, Visit, fixed
from libs.common.flow.plan import Instruction
from libs.common.flow.questions import FindAccount
from libs.common.flow.simulate import make_program
from libs.common.flow.turn import Dialogue, Leave, ask
from libs.common.nodes.catalogue import NODE_TYPES
from tests.unit.libs.common.flow.plays import NAMED, made, play, refusal, seed_login
from tests.walks import asks, calls, checks, flow, library, node, policy, trigger


class Nothing(msgspec.Struct, frozen=True):
    """A config that says nothing."""


def test_nodes_of_flows_inside_are_answered_by_their_slug() -> None:
    inner = flow("inner", "start > who > done", who=node("identifier_input"))
    program = made("start > call > done", beside=library(inner), call=calls("inner"))
    asked = {"persona": {"user": {}}, "answers": {"inner/who": "failure"}}
    played = play(program, {"email": "a@example.com"}, **asked)
    assert (played.facts.account, played.facts.identified) == (None, True)


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
