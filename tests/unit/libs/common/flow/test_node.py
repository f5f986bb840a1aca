from __future__ import annotations

import pytest
from msgspec.structs import replace

from libs.common.errors import Problem
from libs.common.flow.expression import Expression
from libs.common.flow.model import Json
from libs.common.flow.node import InvalidConfig, fixed, parse_expression, scope_for
from libs.common.flow.questions import LoadUser
from libs.common.flow.turn import Facts
from tests.playbook import Playbook, visit

ANONYMOUS = visit(Facts(inputs={"country": "SE"}, attributes={"risk": 1}))
KNOWN: dict[str, Json] = {"facts": {"risk": 1}, "inputs": {"country": "SE"}}
REQUEST: Json = {
    "time": ANONYMOUS.surroundings.time,
    "ip": "192.0.2.7",
    "user_agent": "",
    "language": "",
}


def expression(text: str) -> Expression:
    return parse_expression(text, "value")


def test_an_expression_reads_the_run_the_request_and_the_flow() -> None:
    Playbook(scope_for(ANONYMOUS, expression("facts.risk"))).ends(KNOWN)
    reading = (expression("flow.type"), expression("request.ip"))
    flow: Json = {"type": "login"}
    Playbook(scope_for(ANONYMOUS, *reading)).ends({**KNOWN, "flow": flow, "request": REQUEST})


def test_an_expression_reads_the_app_that_calls() -> None:
    surroundings = replace(ANONYMOUS.surroundings, client={"name": "portal"})
    called = replace(ANONYMOUS, surroundings=surroundings)
    reading = expression("client.name")
    Playbook(scope_for(called, reading)).ends({**KNOWN, "client": {"name": "portal"}})


def test_the_user_is_loaded_once_and_only_where_somebody_reads_it() -> None:
    named = replace(ANONYMOUS, facts=replace(ANONYMOUS.facts, account="alice", proved=("pwd",)))
    Playbook(scope_for(named, expression("inputs.country"))).ends(KNOWN)
    several = (expression("facts.risk"), expression("user.name"), expression("user.email"))
    dialogue = Playbook(scope_for(named, *several))
    user: dict[str, Json] = {"name": "Alice"}
    dialogue.asks(LoadUser("alice"), answered=user).ends({**KNOWN, "user": user})


def test_an_account_that_is_gone_is_missing() -> None:
    named = replace(ANONYMOUS, facts=replace(ANONYMOUS.facts, account="alice", proved=("pwd",)))
    dialogue = Playbook(scope_for(named, expression("user.name")))
    dialogue.asks(LoadUser("alice"), answered=None).ends(KNOWN)


def test_an_account_that_was_just_made_is_its_makers_to_read() -> None:
    made = replace(ANONYMOUS, facts=replace(ANONYMOUS.facts, account="alice", created=True))
    user: dict[str, Json] = {"name": "Alice"}
    dialogue = Playbook(scope_for(made, expression("user.name")))
    dialogue.asks(LoadUser("alice"), answered=user).ends({**KNOWN, "user": user})


def test_who_is_only_named_is_missing_whether_or_not_anybody_has_that_name() -> None:
    for account in ("alice", None):
        facts = replace(
            ANONYMOUS.facts, identifier="a@example.com", account=account, staged={"name": "Sasha"}
        )
        Playbook(scope_for(replace(ANONYMOUS, facts=facts), expression("user.name"))).ends(KNOWN)


def test_before_anybody_is_named_the_user_is_what_is_staged() -> None:
    staged = replace(ANONYMOUS, facts=replace(ANONYMOUS.facts, staged={"name": "Sasha"}))
    reading = expression("user.name")
    Playbook(scope_for(staged, reading)).ends({**KNOWN, "user": {"name": "Sasha"}})
    Playbook(scope_for(ANONYMOUS, reading)).ends(KNOWN)


def test_a_mistake_in_an_expression_is_a_problem_of_its_field_and_says_where() -> None:
    with pytest.raises(InvalidConfig) as refused:
        parse_expression("user.a &", "cases[0].when")
    (problem,) = refused.value.problems
    assert (problem.code, problem.path) == ("invalid_expression", "cases[0].when")
    assert problem.message.endswith("(at character 8)")


def test_an_expression_of_another_kind_than_is_wanted_is_refused() -> None:
    with pytest.raises(InvalidConfig):
        parse_expression("'text'", "condition", "boolean")
    assert parse_expression("'text'", "value").text == '"text"'


def test_an_invalid_config_carries_all_its_problems_and_says_them() -> None:
    problems = (Problem("a", "First"), Problem("b", "Second"))
    error = InvalidConfig(*problems)
    assert error.problems == problems
    assert error.args == ("First", "Second")


def test_fixed_outcomes_do_not_depend_on_the_config() -> None:
    assert fixed("success", "failure")({"any": "config"}) == ("success", "failure")
