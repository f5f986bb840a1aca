"""What a prompt stage becomes: a form, and conditions for what its policies say of it.

A field that cannot be asked for is left out, never asked for with fewer checks: what is then
missing fails whatever looks at it.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from libs.common.flow.model import Json
from libs.common.flow.node import InvalidConfig
from libs.common.misfit import misfits
from libs.common.nodes.fields import DropdownField, Part
from libs.common.nodes.form import LONGEST_PASSWORD, SHORTEST_PASSWORD
from libs.common.nodes.markup import read_markup
from libs.common.nodes.parts import mistakes
from libs.common.nodes.prompt import KIND_OF, MOST, RESERVED
from services.management.blueprints.entries import Blueprint, Entry
from services.management.blueprints.policies import (
    PASSWORD_MODEL,
    Policies,
    order_of,
    untranslated,
)
from services.management.blueprints.python import constant
from services.management.blueprints.steps import FAIL, Stage, Step
from services.management.blueprints.terms import InputKind, Untranslatable, input_name

PROMPT_MODEL: Final = "authentik_stages_prompt.prompt"
LONGEST_TEXT: Final = 200
"""Characters on the screen."""

_TYPES: Final[Mapping[str, str]] = {
    "text": "text",
    "text_area": "text",
    "username": "username",
    "email": "email",
    "password": "password",
    "number": "number",
    "checkbox": "checkbox",
    "date": "date",
    "ak-locale": "text",
    "dropdown": "dropdown",
    "radio-button-group": "dropdown",
}
"""The type of field here for authentik's; what is not here cannot be asked for."""

_CHOICES: Final = frozenset({"dropdown", "radio-button-group"})
_CHANGED: Final[Mapping[str, str]] = {
    "text_area": "it is asked for on one line",
    "ak-locale": "any text is taken for a locale",
    "radio-button-group": "its choices are listed in a dropdown",
}
_STORED: Final[Mapping[str, InputKind]] = {
    "number": "number",
    "checkbox": "boolean",
    "password": "secret",
}

_RULES_OF_PASSWORDS: Final = (
    "amount_uppercase",
    "amount_lowercase",
    "amount_symbols",
    "amount_digits",
    "check_have_i_been_pwned",
    "check_zxcvbn",
)


def inputs_of(blueprint: Blueprint) -> Mapping[str, InputKind]:
    """Say what the prompts of a file store; a name that means two things is a secret."""
    found: dict[str, InputKind] = {}
    for prompt in blueprint.of(PROMPT_MODEL):
        name = input_name(str(prompt.fields.get("field_key")))
        stored = _STORED.get(_type_of(prompt, name) or "", "string")
        # To read what may be one or the other is refused like to read a password.
        found[name] = stored if found.get(name, stored) == stored else "secret"
    return found


def prompt_steps(stage: Stage, policies: Policies) -> list[Step]:
    """Draw a prompt stage."""
    prompts = sorted(stage.blueprint.find_all(stage.take("fields", [])), key=order_of)
    checks = stage.blueprint.find_all(stage.take("validation_policies", []))
    form = _Form(stage, _least(stage, checks))
    for prompt in prompts:
        form.add(prompt)
    if not form.fields:
        stage.change("it asks for nothing that can be asked for here", "a node that only shows")
        first = Step(type="dummy")
    else:
        first = Step(type="prompt", config={"fields": form.fields})
    return [first, *_checks(stage, checks, policies)]


def _checks(stage: Stage, checks: list[Entry], policies: Policies) -> list[Step]:
    made: list[Step] = []
    for policy in checks:
        if policy.model == PASSWORD_MODEL and _only_length(policy):
            continue
        rule = policies.rule(policy, stage.entry)
        if rule.text is None:
            stage.blueprint.remark(
                policy, "closed", rule.reason, f"nobody comes past the condition after {stage.name}"
            )
        made.append(
            Step(
                type="condition",
                part=policy.name or str(policy.index),
                label=(policy.name or policy.model)[:LONGEST_TEXT],
                config={"condition": rule.text or untranslated(rule.name)},
                on="true",
                off={"false": ""} if rule.text is not None else {"false": FAIL},
            )
        )
    return made


def _least(stage: Stage, checks: list[Entry]) -> int:
    """Say how many characters a new password has to have."""
    least = SHORTEST_PASSWORD
    for policy in checks:
        length = policy.fields.get("length_min")
        if policy.model == PASSWORD_MODEL and _only_length(policy) and type(length) is int:
            least = max(least, min(length, LONGEST_PASSWORD))
            stage.blueprint.remark(
                policy, "changed", "the form itself checks its length", f"at least {least}"
            )
    return least


def _only_length(policy: Entry) -> bool:
    return not any(policy.fields.get(name) for name in _RULES_OF_PASSWORDS)


def _type_of(prompt: Entry, name: str) -> str | None:
    kind = _TYPES.get(str(prompt.fields.get("type")))
    # What identifies an account is checked as such wherever it is asked for.
    return kind and str(KIND_OF.get(name, "text" if kind == "username" else kind))


class _Form:
    def __init__(self, stage: Stage, shortest: int) -> None:
        self.fields: list[dict[str, Json]] = []
        self._names: set[str] = set()
        self._stage = stage
        self._shortest = shortest
        self._blueprint = stage.blueprint

    def add(self, prompt: Entry) -> None:
        """Ask for one more field, or show what stands between; or say why not."""
        if len(self.fields) == MOST:
            self._leave_out(prompt, f"a form has at most {MOST} fields")
            return
        match prompt.fields.get("type"):
            case "separator":
                text = self._placeholder(prompt)
                self.fields.append(_without_none({"type": "divider", "text": text}))
            case "static":
                self._show(prompt)
            case wanted:
                self._add_input(prompt, str(wanted))

    def _placeholder(self, prompt: Entry) -> str | None:
        if not _is_python(prompt, "placeholder"):
            return self._shown(prompt, "placeholder")
        self._blueprint.remark(prompt, "left_out", "its placeholder is Python", "none is shown")
        return None

    def _show(self, prompt: Entry) -> None:
        """Show the words of `prompt`, as they are and not mended."""
        name = "initial_value" if prompt.fields.get("initial_value") else "placeholder"
        text = str(prompt.fields.get(name) or "").strip()
        if _is_python(prompt, name):
            self._leave_out(prompt, "its words are made by Python")
        elif not text:
            self._leave_out(prompt, "it says nothing")
        else:
            try:
                read_markup(text, name)
            except InvalidConfig as error:
                self._leave_out(prompt, f"its words cannot be shown: {error}"[:LONGEST_TEXT])
                return
            part: dict[str, Json] = {"type": "rich_text", "text": text}
            if "<" not in text:
                part = {"type": "typography", "text": html.unescape(text)}
            if any(misfits(part, Part)):
                self._leave_out(prompt, "its words are too many")
            else:
                self.fields.append(part)

    def _add_input(self, prompt: Entry, wanted: str) -> None:
        key = str(prompt.fields.get("field_key") or "")
        name = input_name(key)
        kind = _type_of(prompt, name)
        options = _options(prompt) if wanted in _CHOICES else ()
        if kind is None:
            self._leave_out(prompt, f"a field of type `{wanted[:50]}` cannot be asked for")
        elif name in RESERVED:
            self._leave_out(prompt, f"`{name}` is not the user's to say")
        elif name in self._names:
            self._leave_out(prompt, f"`{name}` is asked for already")
        elif kind == "password" and any(each["type"] == "password" for each in self.fields):
            self._leave_out(prompt, "a password is sent once; a client may ask for it twice")
        elif wanted in _CHOICES and kind != "dropdown":
            self._leave_out(prompt, f"`{name}` is typed, and cannot be picked")
        elif options is None:
            self._leave_out(prompt, "its choices are made by Python, or cannot be listed")
        else:
            self._ask(prompt, name, kind, options)
            if name != key:
                self._blueprint.remark(prompt, "changed", "its name is none here", f"`{name}`")
            if (change := _CHANGED.get(wanted)) is not None:
                self._blueprint.remark(prompt, "changed", "there is no such field", change)

    def _ask(
        self, prompt: Entry, name: str, kind: str, options: Sequence[Mapping[str, Json]]
    ) -> None:
        fields = prompt.fields
        field: dict[str, Json] = {"name": name, "type": kind}
        field["label"] = self._shown(prompt, "label") or name
        # A box of authentik's need not be ticked.
        if fields.get("required") is False or kind == "checkbox":
            field["required"] = False
        if options:
            field["options"] = options
        else:
            field["placeholder"] = self._placeholder(prompt)
        field["hint"] = self._shown(prompt, "sub_text")
        if kind == "password" and self._shortest > SHORTEST_PASSWORD:
            field["min_length"] = self._shortest
        if fields.get("initial_value"):
            self._blueprint.remark(
                prompt,
                "left_out",
                "a field begins empty here",
                "its initial value is not filled in",
            )
        self._names.add(name)
        self.fields.append(_without_none(field))

    def _shown(self, prompt: Entry, name: str) -> str | None:
        text = str(prompt.fields.get(name) or "").strip()
        if len(text) > LONGEST_TEXT:
            self._blueprint.remark(prompt, "changed", f"its {name} is too long", "it is cut")
        return text[:LONGEST_TEXT] or None

    def _leave_out(self, prompt: Entry, reason: str) -> None:
        became = f"it is not asked for by {self._stage.name}"
        self._blueprint.remark(prompt, "left_out", reason, became)


def _is_python(prompt: Entry, name: str) -> bool:
    return bool(prompt.fields.get(f"{name}_expression"))


def _without_none(said: Mapping[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in said.items() if value is not None}


def _options(prompt: Entry) -> Sequence[Mapping[str, Json]] | None:
    """Say what can be picked; None where that cannot be told, or not be listed here."""
    source = str(prompt.fields.get("placeholder") or "")
    try:
        found = constant(source) if _is_python(prompt, "placeholder") else [source]
    except Untranslatable:
        return None
    listed = [_option(each) for each in (found if isinstance(found, list | tuple) else [found])]
    field = {"type": "dropdown", "name": "picked", "label": "Picked", "options": listed}
    if any(misfits(field, Part)):
        return None
    return None if any(mistakes(msgspec.convert(field, DropdownField))) else listed


def _option(choice: object) -> dict[str, Json]:
    if not isinstance(choice, Mapping):
        return {"value": choice}
    return _without_none({"value": choice.get("value"), "label": choice.get("label")})
