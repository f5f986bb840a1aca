from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from libs.common.errors import Invalid
from libs.common.flow.model import Json
from libs.common.flow.node import InvalidConfig
from libs.common.flow.turn import Facts, FieldError, Leave, Message, Stay
from libs.common.flow.view import View
from libs.common.nodes.internal_prompt import KINDS, NODE, Config, run
from libs.common.nodes.prompt import RESERVED
from tests.playbook import Playbook, lowered, visit

PARAMS = [
    {"name": "origin"},
    {"name": "channel", "values": ["web", "app"], "required": False},
    {"name": "trusted", "type": "boolean"},
    {"name": "country", "type": "country", "required": False},
]
STEP = lowered(NODE, {"params": PARAMS})
VIEW = View((), ("origin", "trusted"), ("channel", "country"), internal=True)


def problems_of(*params: Mapping[str, Json]) -> list[tuple[str | None, str]]:
    with pytest.raises(InvalidConfig) as refused:
        lowered(NODE, {"params": list(params)})
    return [(problem.path, problem.message) for problem in refused.value.problems]


def test_the_app_is_asked_and_the_user_is_shown_nothing() -> None:
    Playbook(run(STEP, visit())).ends(Stay(VIEW))


def test_what_it_sends_is_among_the_inputs_in_its_normal_form_and_about_nobody() -> None:
    sent = {"origin": " https://a.example ", "trusted": "false", "country": "se", "role": "admin"}
    known = {"origin": "https://a.example", "trusted": False, "country": "SE", "age": 7}
    before = Facts(inputs={"channel": "app", "age": 7}, staged={"origin": "as typed"})
    after = Facts(inputs=known, staged={"origin": "as typed"})
    Playbook(run(STEP, visit(before, sent))).ends(Leave("success", after))


def test_it_is_staged_for_the_user_where_the_author_says_so() -> None:
    step = lowered(NODE, {"params": [{"name": "locale"}], "attributes": True})
    after = Facts(inputs={"locale": "sv"}, staged={"locale": "sv"})
    Playbook(run(step, visit(submitted={"locale": "sv"}))).ends(Leave("success", after))
    config = msgspec.convert({"params": [{"name": "locale"}], "attributes": True}, Config)
    assert NODE.writes(config) == (("user",), ("inputs", "locale"))
    config = msgspec.convert({"params": [{"name": "locale"}]}, Config)
    assert NODE.writes(config) == (("inputs", "locale"),)


@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        ({}, [("origin", "field.required")]),
        ({"origin": "a"}, [("trusted", "field.required")]),
        (
            {"origin": 7, "channel": "fax", "trusted": "yes", "country": "XX"},
            [
                ("origin", "field.invalid"),
                ("channel", "field.choice"),
                ("trusted", "field.invalid"),
                ("country", "field.choice"),
            ],
        ),
    ],
)
def test_what_is_missing_or_wrong_is_asked_for_again(
    sent: dict[str, Json], wrong: list[tuple[str, str]]
) -> None:
    errors = tuple(FieldError(name, key) for name, key in wrong)
    refused = Stay(VIEW, Message("form.invalid"), errors)
    Playbook(run(STEP, visit(submitted=sent))).ends(refused)


def test_there_is_no_button_to_press() -> None:
    with pytest.raises(Invalid):
        Playbook(run(STEP, visit(submitted={}, action="submit"))).ends(Stay(VIEW))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_type_can_be_asked_for(kind: str) -> None:
    step = lowered(NODE, {"params": [{"name": "it", "type": kind}]})
    assert [field.kind for field in step.form.fields] == [KINDS[kind]]


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_no_app_may_say_what_is_true_of_a_user(name: str) -> None:
    assert problems_of({"name": name}) == [
        ("params[0].name", f"`{name}` is not an app's to say; choose another name")
    ]


def test_what_identifies_has_its_own_type_and_a_password_none() -> None:
    lowered(NODE, {"params": [{"name": "phone", "type": "telephone"}]})
    assert problems_of({"name": "email"}, {"name": "password"}, {"name": "a"}, {"name": "a"}) == [
        ("params[0].type", "A parameter that is called `email` has the type `email`"),
        ("params[1].name", "A password is the user's alone; ask for it by a `prompt`"),
        ("params[3].name", "`a` is asked for already; remove one of them"),
    ]


def test_only_a_text_is_one_of_some_values() -> None:
    assert problems_of({"name": "a", "type": "number", "values": ["1"]}) == [
        ("params[0].values", "Only a `text` is one of some values, and this is a `number`")
    ]


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"params": []},
        {"params": [{"name": "a b"}]},
        {"params": [{"name": "a", "type": "password"}]},
        {"params": [{"name": "a", "values": []}]},
        {"params": [{"name": "a", "label": "A"}]},
        {"params": [{"name": f"a{index}"} for index in range(51)]},
    ],
)
def test_a_config_has_bounds(config: Mapping[str, Json]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(config, Config)
