from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from libs.common.flow.model import Json
from libs.common.flow.node import InvalidConfig
from libs.common.flow.questions import HashPassword
from libs.common.flow.turn import Facts, FieldError, Leave, Message, Stay
from libs.common.nodes.prompt import NODE, RESERVED, Config, run
from libs.common.secret import Secret
from tests.playbook import Playbook, lowered, visit

REGISTRATION = {
    "id": "form_1",
    "fields": [
        {"name": "email", "type": "email", "label": "Email"},
        {"name": "password", "type": "password", "label": "Password"},
    ],
    "submit": {"id": "submit", "action_id": "submit-registration", "text": "Continue"},
}
PAGE = [
    {
        "id": "form_1",
        "type": "FORM",
        "components": [
            {
                "id": "email",
                "type": "INPUT",
                "variant": "EMAIL",
                "config": {"identifier": "email", "label": "Email", "required": True},
            },
            {
                "id": "password",
                "type": "INPUT",
                "variant": "PASSWORD",
                "config": {"identifier": "password", "label": "Password", "required": True},
            },
            {
                "id": "submit",
                "type": "BUTTON",
                "actionId": "submit-registration",
                "variant": "PRIMARY",
                "config": {"text": "Continue"},
            },
        ],
    }
]
"""The components of seed 002's example response."""
ADDED = {
    "email": {"name": "email"},
    "password": {"name": "password"},
    "submit": {"identifier": "submit", "name": "submit"},
}
"""What real clients need beyond the page (DESIGN section 8)."""

STEP = lowered(NODE, REGISTRATION)
PROFILE = lowered(
    NODE,
    {
        "fields": [
            {"name": "name", "type": "text", "label": "Name"},
            {"name": "born", "type": "date", "label": "Born", "required": False},
        ]
    },
)
HASH = "$argon2id$…"


def problems_of(*fields: Mapping[str, Json], **more: Json) -> list[tuple[str | None, str]]:
    with pytest.raises(InvalidConfig) as refused:
        lowered(NODE, {"fields": list(fields), **more})
    assert {problem.code for problem in refused.value.problems} == {"invalid_config"}
    return [(problem.path, problem.message) for problem in refused.value.problems]


def field(name: str, type: str = "text", **more: Json) -> Mapping[str, Json]:
    return {"name": name, "type": type, "label": "Label", **more}


def test_the_registration_of_seed_002_can_be_said_exactly() -> None:
    shown = msgspec.json.decode(STEP.form.view.components_in({}))
    for component in shown[0]["components"]:
        for key, value in ADDED[component["id"]].items():
            assert component["config"].pop(key) == value
    assert shown == PAGE
    assert STEP.form.view.required == ("email", "password")


@pytest.mark.parametrize("action", ["", "submit-registration", "submit"])
def test_what_was_typed_is_staged_and_the_password_only_as_a_hash(action: str) -> None:
    typed = {"email": "Sasha@Example.com", "password": "MyP@ssw0rd!", "role": "admin"}
    dialogue = Playbook(run(STEP, visit(submitted=typed, action=action)))
    email = {"email": "sasha@example.com"}
    known = Facts(inputs=email, staged=email, password_hash=HASH)
    question = HashPassword(Secret("MyP@ssw0rd!"))
    dialogue.asks(question, answered=HASH).ends(Leave("success", known))


def test_all_that_is_wrong_is_said_at_once() -> None:
    typed = {"email": "sasha", "password": "short"}
    wrong = (FieldError("email", "field.email"), FieldError("password", "field.too_short"))
    refused = Stay(STEP.form.view, Message("form.invalid"), wrong)
    Playbook(run(STEP, visit(submitted=typed))).ends(refused)


def test_what_is_filled_in_again_replaces_what_was_there() -> None:
    before = Facts(
        inputs={"name": "Sasha", "born": "2001-02-03", "code": "SE"},
        staged={"name": "Sasha", "born": "2001-02-03", "email": "sasha@example.com"},
        password_hash=HASH,
    )
    Playbook(run(PROFILE, visit(before))).ends(Stay(PROFILE.form.view))
    known = Facts(
        inputs={"name": "Alex", "code": "SE"},
        staged={"name": "Alex", "email": "sasha@example.com"},
        password_hash=HASH,
    )
    Playbook(run(PROFILE, visit(before, {"name": "Alex"}))).ends(Leave("success", known))


def test_a_password_that_need_not_be_given_and_is_not_is_no_password() -> None:
    step = lowered(NODE, {"fields": [field("password", "password", required=False)]})
    before = Facts(password_hash=HASH)
    Playbook(run(step, visit(before, {}))).ends(Leave("success", Facts()))


def test_a_title_stands_above_the_form() -> None:
    step = lowered(NODE, {"fields": [field("name")], "title": "About you"})
    title, form = step.form.view.components
    assert (title.type, title.config) == ("TYPOGRAPHY", {"text": "About you"})
    assert (title.id, form.id) == ("form_step_title", "form_step")


def test_a_client_is_told_what_the_author_says_of_a_field() -> None:
    written = field("nick", min_length=2, max_length=20, placeholder="Ally", hint="Short.")
    step = lowered(NODE, {"fields": [written, field("full", max_length=90)]})
    nick, full, _ = step.form.view.components[0].components
    assert nick.config == {
        "identifier": "nick",
        "name": "nick",
        "label": "Label",
        "required": True,
        "placeholder": "Ally",
        "hint": "Short.",
        "validations": [length(("min.length", "2"), ("max.length", "20"))],
    }
    assert full.config == {
        "identifier": "full",
        "name": "full",
        "label": "Label",
        "required": True,
        "validations": [length(("max.length", "90"))],
    }


def length(*conditions: tuple[str, str]) -> Json:
    said = [{"key": key, "value": value} for key, value in conditions]
    return {"type": "RULE", "name": "LengthValidator", "conditions": said}


def test_what_is_shown_stands_where_the_author_put_it_and_is_not_asked_for() -> None:
    written = [
        {"type": "typography", "text": "About you", "variant": "h2"},
        field("name"),
        {"type": "divider"},
        {"type": "rich_text", "text": "See <a href='/terms'>the terms</a>."},
        {"type": "image", "src": "https://cdn.example.com/a.png", "alt": "A lock"},
    ]
    step = lowered(NODE, {"fields": written})
    (form,) = step.form.view.components
    assert [(one.id, one.type, one.variant) for one in form.components] == [
        ("form_step_0", "TYPOGRAPHY", "H2"),
        ("name", "INPUT", "TEXT"),
        ("form_step_2", "DIVIDER", "HORIZONTAL"),
        ("form_step_3", "RICH_TEXT", None),
        ("form_step_4", "IMAGE", "IMAGE_BLOCK"),
        ("submit", "BUTTON", "PRIMARY"),
    ]
    assert step.form.view.required == ("name",)
    named = {"name": "Sasha"}
    Playbook(run(step, visit(submitted={**named, "form_step_2": "x"}))).ends(
        Leave("success", Facts(inputs=named, staged=named))
    )
    config = msgspec.convert({"fields": written}, Config)
    assert NODE.writes(config) == (("user",), ("inputs", "name"))


def test_a_prompt_may_only_show() -> None:
    step = lowered(NODE, {"fields": [{"type": "typography", "text": "Welcome"}]})
    Playbook(run(step, visit(submitted={}))).ends(Leave("success", Facts()))


def test_all_that_makes_no_sense_is_found_at_once_and_says_where() -> None:
    found = problems_of(
        {"type": "rich_text", "text": "<script>"},
        field("role"),
        field("age", "number", minimum=2, maximum=1),
        field("a"),
        field("a"),
    )
    assert [path for path, _ in found] == [
        "fields[1].name",
        "fields[2].minimum",
        "fields[0].text",
        "fields",
    ]


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_nobody_may_type_what_is_not_theirs_to_say(name: str) -> None:
    message = f"`{name}` is not the user's to say; choose another name"
    assert problems_of(field(name)) == [("fields[0].name", message)]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("email", "email"),
        ("username", "username"),
        ("phone", "telephone"),
        ("password", "password"),
    ],
)
def test_what_identifies_or_proves_has_its_own_type(name: str, kind: str) -> None:
    message = f"A field that is called `{name}` has the type `{kind}`"
    assert problems_of(field(name)) == [("fields[0].type", message)]
    lowered(NODE, {"fields": [field(name, kind)]})


def test_lengths_that_make_no_sense_are_refused() -> None:
    assert problems_of(
        field("nick", min_length=5, max_length=4),
        field("fine", min_length=4, max_length=4),
    ) == [
        ("fields[0].min_length", "No text is 5 characters or more and 4 or fewer"),
    ]


def test_a_password_that_could_not_have_its_least_length_is_refused() -> None:
    message = "No text is 8 characters or more and 4 or fewer"
    assert problems_of(field("password", "password", max_length=4)) == [
        ("fields[0].min_length", message)
    ]


def test_a_prompt_asks_for_one_password() -> None:
    message = "A prompt asks for one password; remove the others"
    assert problems_of(field("password", "password"), field("again", "password")) == [
        ("fields[1].type", message)
    ]


def test_no_two_components_share_an_id() -> None:
    message = "{} things in this prompt are called `{}`; rename all but one"
    assert problems_of(field("a"), field("a"), field("b"), id="b") == [
        ("fields", message.format(2, "b")),
        ("fields", message.format(2, "a")),
    ]
    assert problems_of(field("submit")) == [("fields", message.format(2, "submit"))]


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"fields": []},
        {"fields": [field("a b")]},
        {"fields": [field("a", "otp")]},
        {"fields": [field("a", colour="red")]},
        {"fields": [field("a", min_length=0)]},
        {"fields": [field("a", max_length=1_001)]},
        {"fields": [field("a", "date", min_length=10)]},
        {"fields": [field("password", "password", max_length=257)]},
        {"fields": [{"type": "divider", "name": "a"}]},
        {"fields": [field("a", label="")]},
        {"fields": [field(f"a{index}") for index in range(51)]},
        {"fields": [field("a")], "id": "form 1"},
        {"fields": [field("a")], "submit": {"action_id": ""}},
    ],
)
def test_a_config_has_bounds(config: Mapping[str, Json]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(config, Config)
