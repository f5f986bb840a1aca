"""Asks for whatever the author lists: a form of typed fields.

What is typed goes to `inputs`, and is staged for `user_write`. A password is hashed at once, and
its hash is staged instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec.structs import replace

from libs.common.errors import Problem
from libs.common.flow.model import Json
from libs.common.flow.node import InvalidConfig, NodeType, Site, Visit, fixed
from libs.common.flow.questions import HashPassword
from libs.common.flow.turn import Dialogue, Leave, Stay, ask
from libs.common.flow.view import Component
from libs.common.nodes.form import (
    LONGEST,
    LONGEST_PASSWORD,
    SHORTEST_PASSWORD,
    Button,
    Field,
    Form,
    Kind,
    Name,
    Text,
    make_form,
    read,
)

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

UNMEASURED = frozenset({Kind.NUMBER, Kind.DATE, Kind.CHECKBOX})
"""Kinds that are not counted in characters."""

ComponentId = Annotated[str, msgspec.Meta(max_length=100, pattern=r"^[A-Za-z0-9_.:-]+$(?!\n)")]


class PromptField(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Name
    """Names the input, `inputs.<name>`, and the user's attribute. `email`, `username`, `phone` and
    `password` need the type that is called so (`telephone` for `phone`)."""
    type: Literal[
        "text", "password", "email", "username", "telephone", "number", "date", "checkbox"
    ]
    """What is typed into it, and how it is checked."""
    label: Text
    """What it is called on the screen."""
    required: bool = True
    """It must be filled; a checkbox must be ticked."""
    placeholder: Text | None = None
    """Shown while it is empty."""
    hint: Text | None = None
    """Shown beside it."""
    min_length: Annotated[int, msgspec.Meta(ge=1, le=LONGEST)] | None = None
    """The fewest characters taken; 8 for a password unless given."""
    max_length: Annotated[int, msgspec.Meta(ge=1, le=LONGEST)] | None = None
    """The most characters taken; 1,000 unless given, and never more than 256 for a password."""


class Submit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: ComponentId = "submit"
    """The button's id."""
    action_id: ComponentId | None = None
    """What the client sends as `actionId`; the button's id unless given, and that works too."""
    text: Text | None = None
    """What the button says; `Continue`, in the user's language, unless given."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    fields: Annotated[tuple[PromptField, ...], msgspec.Meta(min_length=1, max_length=50)]
    """What is asked for, in order."""
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
    form = make_form(
        site.node,
        tuple(map(_field, config.fields)),
        id=config.id,
        title=config.title,
        button=_button(config.submit),
    )
    problems = (*_wrong_fields(config.fields), *_wrong_ids(form))
    if problems:
        raise InvalidConfig(*problems)
    passwords = [field.name for field in config.fields if field.type == "password"]
    return Lowered(form, passwords[0] if passwords else None)


def _button(submit: Submit) -> Button:
    action = submit.action_id or submit.id
    if submit.text is None:
        return Button(submit.id, action, key="button.continue")
    return Button(submit.id, action, submit.text)


def _field(field: PromptField) -> Field:
    return Field(
        field.name,
        Kind(field.type),
        field.label,
        required=field.required,
        placeholder=field.placeholder,
        hint=field.hint,
        shortest=_shortest(field),
        longest=field.max_length,
        bounds_shown=field.min_length is not None or field.max_length is not None,
    )


def _shortest(field: PromptField) -> int | None:
    if field.min_length is None and field.type == "password":
        return SHORTEST_PASSWORD
    return field.min_length


def _wrong_fields(fields: tuple[PromptField, ...]) -> Iterator[Problem]:
    passwords = 0
    for index, field in enumerate(fields):
        for path, message in _wrong_in(field):
            yield Problem("invalid_config", message, path=f"fields[{index}].{path}")
        passwords += field.type == "password"
        if field.type == "password" and passwords > 1:
            message = "A prompt asks for one password; remove the others"
            yield Problem("invalid_config", message, path=f"fields[{index}].type")


def _wrong_in(field: PromptField) -> Iterator[tuple[str, str]]:
    if field.name in RESERVED:
        yield "name", f"`{field.name}` is not the user's to say; choose another name"
    kind = KIND_OF.get(field.name)
    if kind is not None and field.type != kind:
        yield "type", f"A field that is called `{field.name}` has the type `{kind}`"
    shortest, longest = _shortest(field), field.max_length
    if (shortest or longest) and field.type in UNMEASURED:
        yield "type", f"A `{field.type}` has no length; remove `min_length` and `max_length`"
    if shortest is not None and longest is not None and shortest > longest:
        yield "min_length", f"No text is {shortest} characters or more and {longest} or fewer"
    if field.type == "password" and max(shortest or 0, longest or 0) > LONGEST_PASSWORD:
        yield "max_length", f"A password has at most {LONGEST_PASSWORD} characters"


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
    if isinstance(filled, Stay):
        return filled
    facts = visit.facts
    password_hash = facts.password_hash
    if config.password is not None:
        password = filled.secrets.get(config.password)
        password_hash = None if password is None else (yield from ask(HashPassword(password)))
    # What was asked for again and now left empty is gone.
    gone = [field.name for field in config.form.fields if field.name not in filled.values]
    facts = replace(
        facts,
        inputs=_updated(facts.inputs, filled.values, gone),
        staged=_updated(facts.staged, filled.values, gone),
        password_hash=password_hash,
    )
    return Leave("success", facts)


def _updated(
    known: Mapping[str, Json], values: Mapping[str, Json], gone: Sequence[str]
) -> dict[str, Json]:
    updated = {**known, **values}
    for name in gone:
        updated.pop(name, None)
    return updated


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
    writes=lambda config: (("user",), *(("inputs", field.name) for field in config.fields)),
)
