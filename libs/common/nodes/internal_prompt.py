"""Asks the client app itself for parameters, as where it runs. The user sees nothing of it.

Nothing of it is proved: whoever speaks for the app may say what they like, as a user may.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Literal

import msgspec

from libs.common.errors import Problem
from libs.common.flow.node import InvalidConfig, NodeType, Site, Visit, fixed
from libs.common.flow.turn import Dialogue, FieldError, Leave, Stay, at_once
from libs.common.flow.view import View
from libs.common.nodes.countries import COUNTRIES
from libs.common.nodes.form import Choice, Field, Form, Kind, Name, Text, learn, read, refused
from libs.common.nodes.prompt import KIND_OF, RESERVED

KINDS: Final = {
    "text": Kind.TEXT,
    "number": Kind.NUMBER,
    "boolean": Kind.CHECKBOX,
    "date": Kind.DATE,
    "country": Kind.COUNTRY,
    "email": Kind.EMAIL,
    "username": Kind.USERNAME,
    "telephone": Kind.TELEPHONE,
}
MOST: Final = 50


class Param(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Name
    """What it is sent as, and `inputs.<name>`. `email`, `username` and `phone` need the type that
    is called so (`telephone` for `phone`)."""
    type: Literal[
        "text", "number", "boolean", "date", "country", "email", "username", "telephone"
    ] = "text"
    """How it is checked."""
    required: bool = True
    """It must be sent."""
    values: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1, max_length=100)] | None = None
    """Nothing else is taken for this `text`."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    params: Annotated[tuple[Param, ...], msgspec.Meta(min_length=1, max_length=MOST)]
    """What is asked for."""
    attributes: bool = False
    """Whether it is staged as attributes of the user as well, for `user_write`."""


class Lowered(msgspec.Struct, frozen=True):
    form: Form
    attributes: bool


def lower(config: Config, site: Site) -> Lowered:
    problems = tuple(_wrong(config.params))
    if problems:
        raise InvalidConfig(*problems)
    required = tuple(param.name for param in config.params if param.required)
    optional = tuple(param.name for param in config.params if not param.required)
    view = View((), required, optional, internal=True)
    return Lowered(Form(view, tuple(map(_field, config.params))), config.attributes)


def _wrong(params: tuple[Param, ...]) -> Iterator[Problem]:
    names: set[str] = set()
    for index, param in enumerate(params):
        for path, message in _wrong_in(param):
            yield Problem("invalid_config", message, path=f"params[{index}].{path}")
        if param.name in names:
            message = f"`{param.name}` is asked for already; remove one of them"
            yield Problem("invalid_config", message, path=f"params[{index}].name")
        names.add(param.name)


def _wrong_in(param: Param) -> Iterator[tuple[str, str]]:
    if param.name in RESERVED:
        yield "name", f"`{param.name}` is not an app's to say; choose another name"
    kind = KIND_OF.get(param.name)
    if kind is Kind.PASSWORD:
        yield "name", "A password is the user's alone; ask for it by a `prompt`"
    elif kind is not None and KINDS[param.type] is not kind:
        yield "type", f"A parameter that is called `{param.name}` has the type `{kind}`"
    if param.values is not None and param.type != "text":
        yield "values", f"Only a `text` is one of some values, and this is a `{param.type}`"


def _field(param: Param) -> Field:
    choices = param.values or ()
    if param.type == "country":
        choices = tuple(sorted(COUNTRIES))
    return Field(
        param.name,
        KINDS[param.type],
        # Of a box it would mean that it is ticked, and an app may say no.
        required=param.required and param.type != "boolean",
        choices=tuple(Choice(value, value) for value in choices),
    )


def run(config: Lowered, visit: Visit) -> Dialogue:
    return at_once(_move(config, visit))


def _move(config: Lowered, visit: Visit) -> Stay | Leave:
    form = config.form
    filled = read(form, visit.submitted)
    if isinstance(filled, Stay):
        return filled
    missing = [name for name in form.view.required if name not in filled.values]
    if missing:
        return refused(form, [FieldError(name, "field.required") for name in missing])
    return Leave("success", learn(visit.facts, form, filled, attributes=config.attributes))


NODE: NodeType[Config, Lowered] = NodeType(
    name="internal_prompt",
    summary="Asks the client app itself for parameters, without the user.",
    config=Config,
    lowered=Lowered,
    lower=lower,
    run=run,
    outcomes=fixed("success"),
    fallbacks=frozenset(),
    waits=frozenset({"success"}),
    writes=lambda config: (
        *((("user",),) if config.attributes else ()),
        *(("inputs", param.name) for param in config.params),
    ),
)
