"""Asks for whatever the author lists: a form of typed fields.

What is typed goes to `inputs`, and is staged for `user_write`. A password is hashed at once, and
its hash is staged instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Final

import msgspec
from msgspec.structs import replace

from libs.common.errors import Problem
from libs.common.flow.node import InvalidConfig, NodeType, Site, Visit, fixed
from libs.common.flow.questions import HashPassword
from libs.common.flow.turn import Dialogue, Leave, Stay, ask
from libs.common.flow.view import Component
from libs.common.nodes.fields import Input, InputField, Part, PasswordField
from libs.common.nodes.form import Button, Field, Form, Kind, Text, learn, make_form, read
from libs.common.nodes.parts import KINDS, draw_part, mistakes

RESERVED = frozenset(
    {
        "id",
        "tenant",
        "blocked",
        "email_verified",
        "phone_verified",
        "password_hash",
        "is_superuser",
        "role",
        "roles",
        "groups",
        "permissions",
        "mfa_enabled",
        "mfa_methods",
        "logins_count",
        "last_login",
        "created_at",
        "updated_at",
    }
)
"""What is true of a user, or allowed to them: nobody types these of themselves."""

KIND_OF = {
    "email": Kind.EMAIL,
    "username": Kind.USERNAME,
    "phone": Kind.TELEPHONE,
    "password": Kind.PASSWORD,
}
"""What identifies an account must be checked as such, and no password may be stored as text."""

MOST: Final = 50
"""Of what a prompt is made of."""

ComponentId = Annotated[str, msgspec.Meta(max_length=100, pattern=r"^[A-Za-z0-9_.:-]+$(?!\n)")]


class Submit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: ComponentId = "submit"
    """The button's id."""
    action_id: ComponentId | None = None
    """What the client sends as `actionId`; the button's id unless given, and that works too."""
    text: Text | None = None
    """What the button says; `Continue`, in the user's language, unless given."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    fields: Annotated[tuple[Part, ...], msgspec.Meta(min_length=1, max_length=MOST)]
    """What is asked for, and what is shown between that, in order."""
    id: ComponentId | None = None
    """The form's id; `form_` and the node's id unless given."""
    title: Text | None = None
    """A heading above the form."""
    submit: Submit = Submit()
    """The button that sends the form."""


class Lowered(msgspec.Struct, frozen=True):
    form: Form
    password: str | None
    """The name of the field that is a password."""


def lower(config: Config, site: Site) -> Lowered:
    problems = list(_wrong_fields(config.fields))
    name = config.id or f"form_{site.node}"
    parts: list[Field | Component] = []
    for index, part in enumerate(config.fields):
        try:
            parts.append(draw_part(part, f"{name}_{index}", f"fields[{index}]"))
        except InvalidConfig as error:
            problems.extend(error.problems)
    button = _button(config.submit)
    form = make_form(site.node, tuple(parts), id=name, title=config.title, button=button)
    problems.extend(_wrong_ids(form))
    if problems:
        raise InvalidConfig(*problems)
    passwords = [field.name for field in form.fields if field.kind is Kind.PASSWORD]
    return Lowered(form, passwords[0] if passwords else None)


def _button(submit: Submit) -> Button:
    action = submit.action_id or submit.id
    if submit.text is None:
        return Button(submit.id, action, key="button.continue")
    return Button(submit.id, action, submit.text)


def _wrong_fields(parts: tuple[Part, ...]) -> Iterator[Problem]:
    passwords = 0
    for index, part in enumerate(parts):
        if not isinstance(part, Input):
            continue
        for path, message in _wrong_in(part):
            yield Problem("invalid_config", message, path=f"fields[{index}].{path}")
        passwords += isinstance(part, PasswordField)
        if isinstance(part, PasswordField) and passwords > 1:
            message = "A prompt asks for one password; remove the others"
            yield Problem("invalid_config", message, path=f"fields[{index}].type")


def _wrong_in(part: InputField) -> Iterator[tuple[str, str]]:
    if part.name in RESERVED:
        yield "name", f"`{part.name}` is not the user's to say; choose another name"
    kind = KIND_OF.get(part.name)
    if kind is not None and KINDS[type(part)] is not kind:
        yield "type", f"A field that is called `{part.name}` has the type `{kind}`"
    yield from mistakes(part)


def _wrong_ids(form: Form) -> Iterator[Problem]:
    """Find each id that two components have: a client could not tell the one from the other."""
    ids = Counter(_ids(form.view.components))
    for name, times in ids.items():
        if times > 1:
            message = f"{times} things in this prompt are called `{name}`; rename all but one"
            yield Problem("invalid_config", message, path="fields")


def _ids(components: tuple[Component, ...]) -> Iterator[str]:
    for component in components:
        yield component.id
        yield from _ids(component.components)


def run(config: Lowered, visit: Visit) -> Dialogue:
    filled = read(config.form, visit.submitted)
    # Whether it is of a class that it is not of takes `isinstance` long to say.
    if type(filled) is Stay:
        return filled
    facts = learn(visit.facts, config.form, filled, attributes=True)
    if config.password is not None:
        password = filled.secrets.get(config.password)
        password_hash = None if password is None else (yield from ask(HashPassword(password)))
        facts = replace(facts, password_hash=password_hash)
    return Leave("success", facts)


NODE: NodeType[Config, Lowered] = NodeType(
    name="prompt",
    summary="Asks for what the author lists: a form of typed fields.",
    config=Config,
    lowered=Lowered,
    lower=lower,
    run=run,
    outcomes=fixed("success"),
    fallbacks=frozenset(),
    waits=frozenset({"success"}),
    writes=lambda config: (
        ("user",),
        *(("inputs", part.name) for part in config.fields if isinstance(part, Input)),
    ),
)
