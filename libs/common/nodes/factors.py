"""The factors that `mfa_verification` asks for: who has which, and what is said of them.

Where a code goes is told to nobody but the account's owner, and never in whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from msgspec.structs import replace

from libs.common.flow.model import Json
from libs.common.flow.view import Component, View
from libs.common.nodes.form import Button, Form, draw_button, own_words

Factor: TypeAlias = Literal["totp", "webauthn", "sms", "email", "recovery_code"]

BUTTONS: Final[Mapping[Factor, Button]] = MappingProxyType(
    {
        "totp": Button("use_totp", "totp", key="button.use_totp"),
        "webauthn": Button("use_webauthn", "webauthn", key="button.use_webauthn"),
        "sms": Button("use_sms", "sms", key="button.use_sms"),
        "email": Button("use_email", "email", key="button.use_email"),
        "recovery_code": Button(
            "use_recovery_code", "recovery_code", key="button.use_recovery_code"
        ),
    }
)
"""What leads to each from another. They are offered in this order: what costs nobody a message
first, and what is used up last."""

_SHOWN_BEFORE: Final[Mapping[Factor, frozenset[str]]] = MappingProxyType(
    {
        "webauthn": frozenset({"hwk", "swk"}),
        "sms": frozenset({"sms"}),
        "email": frozenset({"otp"}),
    }
)
"""By the `amr` values that they prove, those that are no second factor where they were a first."""

_TITLES: Final[Mapping[Factor, str]] = MappingProxyType(
    {"sms": "title.sent_sms", "email": "title.sent_email"}
)


def enrolled(
    wanted: Iterable[Factor], user: Mapping[str, Json], proved: Iterable[str]
) -> tuple[Factor, ...]:
    """Say which of `wanted` an account has beside what was `proved` already."""
    before = frozenset(proved)
    return tuple(
        factor
        for factor in wanted
        if before.isdisjoint(_SHOWN_BEFORE.get(factor, ())) and _has(user, factor)
    )


def _has(user: Mapping[str, Json], factor: Factor) -> bool:
    match factor:
        case "sms":
            return bool(user.get("phone"))
        case "email":
            # Of an address that nobody has verified, a stranger may be the one who reads it.
            return user.get("email_verified") is True and bool(user.get("email"))
        case _:
            return factor in (user.get("mfa_methods") or ())


def hints(factors: Iterable[Factor], user: Mapping[str, Json]) -> dict[str, str]:
    """Say of those of `factors` that are sent where they go, so that only its owner knows it."""
    said: dict[str, str] = {}
    for factor in factors:
        if factor == "email":
            name, _, domain = str(user["email"]).rpartition("@")
            # One letter of two would be half of it.
            said[factor] = f"{name[:1] if len(name) > 2 else ''}•••@{domain}"  # noqa: PLR2004
        elif factor == "sms":
            said[factor] = f"•••{str(user['phone'])[-2:]}"
    return said


def hinted(view: View, factor: Factor, hint: str) -> View:
    """Put above a form where its code went."""
    name, title = view.components[-1].id, own_words("text", _TITLES[factor])
    return View(
        (
            Component(f"{name}_title", "TYPOGRAPHY", "H3", config=title),
            Component(f"{name}_sent_to", "TYPOGRAPHY", "BODY1", config={"text": hint}),
            *view.components,
        ),
        view.required,
    )


def draw_others(factor: Factor, factors: Sequence[Factor]) -> tuple[Component, ...]:
    """Draw what leads from `factor` to the others of `factors`."""
    return tuple(draw_button(BUTTONS[each], "SECONDARY") for each in factors if each != factor)


def add_to(form: Form, buttons: tuple[Component, ...]) -> Form:
    """Put `buttons` below what a form has."""
    *above, drawn = form.view.components
    drawn = replace(drawn, components=(*drawn.components, *buttons))
    return replace(form, view=View((*above, drawn), form.view.required))


def offering(view: View, factors: Sequence[Factor]) -> View:
    """Return `view` without what leads to any factor but `factors`."""
    hidden = {button.id for factor, button in BUTTONS.items() if factor not in factors}
    if hidden.isdisjoint(view.actions):
        # The very same, which keeps what it was drawn as.
        return view
    return replace(view, components=_without(view.components, hidden))


def _without(components: tuple[Component, ...], hidden: set[str]) -> tuple[Component, ...]:
    return tuple(
        replace(each, components=_without(each.components, hidden))
        for each in components
        if each.id not in hidden
    )


def picked(factors: Sequence[Factor], action: str) -> Factor | None:
    """Say which of `factors` a button with this id or action leads to."""
    for factor in factors:
        button = BUTTONS[factor]
        if action in (button.action, button.id):
            return factor
    return None
