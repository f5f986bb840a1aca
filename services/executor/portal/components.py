"""Turns seed 002's component tree into what a page draws. Pure.

Whatever the tree holds, there is a drawing: a component that is not known, or not as it should be,
is nothing. No text of it is markup but rich text, which is looked at again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import ClassVar, Final, TypeAlias
from urllib.parse import urlsplit

import msgspec

from libs.common.flow.model import Json
from libs.common.flow.node import InvalidConfig
from libs.common.flow.view import COPYABLE, KEY, Component
from libs.common.nodes.markup import read_markup
from services.executor.portal.captchas import WIDGETS

_HEADING: Final = re.compile("H[1-6]")
_ACTS: Final = frozenset({"INPUT", "BUTTON", "RESEND", "CAPTCHA"})
_SECRETS: Final = frozenset({"PASSWORD", "OTP"})
_DATA_IMAGE: Final = re.compile(r"data:image/(svg\+xml|png|jpeg|gif|webp)[;,][!-~]*")

_TYPES: Final[Mapping[str, Mapping[str, str]]] = {
    "PASSWORD": {"type": "password"},
    "EMAIL": {"type": "email", "inputmode": "email", "autocapitalize": "none"},
    "TELEPHONE": {"type": "tel", "inputmode": "tel", "autocomplete": "tel"},
    "NUMBER": {"type": "text", "inputmode": "decimal"},
    "DATE": {"type": "date"},
    "OTP": {"type": "text", "inputmode": "numeric", "autocomplete": "one-time-code"},
}
"""The attributes of an `<input>`, by the variant of the INPUT; of any other it is text."""

# By their usual names (HTML, 4.10.18.7).
_AUTOCOMPLETE: Final[Mapping[str, str]] = {
    "name": "name",
    "given_name": "given-name",
    "family_name": "family-name",
    "nickname": "nickname",
    "username": "username",
    "organization": "organization",
    "birthdate": "bday",
    "street": "address-line1",
    "city": "address-level2",
    "postal_code": "postal-code",
    "country": "country",
}
_NAMING: Final = frozenset(
    {
        "label.email",
        "label.username",
        "label.phone",
        "label.email_or_phone",
        "label.email_or_username",
        "label.username_or_phone",
        "label.identifier",
    }
)
"""Labels of inputs that ask who somebody is."""


class Heading(msgspec.Struct, frozen=True):
    macro: ClassVar = "heading"
    text: str
    level: str


class Words(msgspec.Struct, frozen=True):
    macro: ClassVar = "words"
    text: str
    small: bool


class Rich(msgspec.Struct, frozen=True):
    """An author's rich text, as HTML that is safe to show."""

    macro: ClassVar = "rich"
    html: str


class Codes(msgspec.Struct, frozen=True):
    """Texts to be copied, letter by letter."""

    macro: ClassVar = "codes"
    texts: tuple[str, ...]


class Picture(msgspec.Struct, frozen=True):
    macro: ClassVar = "picture"
    src: str
    alt: str
    link: str | None
    """Opens an authenticator app on the same device."""


class Line(msgspec.Struct, frozen=True):
    macro: ClassVar = "line"
    text: str


class Field(msgspec.Struct, frozen=True):
    macro: ClassVar = "field"
    id: str
    name: str
    label: str
    required: bool
    hint: str
    error: str
    attributes: Mapping[str, str | bool]
    """Of the `<input>`."""


class Tick(Field, frozen=True):
    macro: ClassVar = "tick"


class Choice(Field, frozen=True):
    macro: ClassVar = "choice"
    options: tuple[tuple[str, str, bool], ...]
    """Value, label, and whether it is chosen."""


class Press(msgspec.Struct, frozen=True):
    macro: ClassVar = "press"
    action: str
    text: str
    look: str
    """`primary`, `secondary` or `link`."""


class Captcha(msgspec.Struct, frozen=True):
    macro: ClassVar = "captcha"
    variant: str
    site_key: str
    name: str
    error: str


Block: TypeAlias = Heading | Words | Rich | Codes | Picture | Line | Field | Press | Captcha


class Section(msgspec.Struct, frozen=True):
    """Things that stand together; what is in a form is sent together."""

    form: bool
    blocks: tuple[Block, ...]


class Filled(msgspec.Struct, frozen=True):
    """What becomes of the inputs."""

    errors: Mapping[str, str] = {}
    """By identifier."""
    typed: Mapping[str, str] = {}
    """By identifier; what is secret is never shown again."""

    def __repr__(self) -> str:
        """Say nothing: all of it is the user's."""
        return "Filled(***)"


def draw(components: Sequence[Component], filled: Filled) -> list[Section]:
    """Draw a whole view."""
    focus = _focus(components, filled)
    sections: list[Section] = []
    loose: list[Component] = []

    def gather() -> None:
        if loose:
            blocks = tuple(_blocks(loose, filled, focus))
            acts = any(each.type in _ACTS for each in loose)
            sections.append(Section(acts, blocks))
            loose.clear()

    for component in components:
        if component.type == "FORM":
            gather()
            sections.append(Section(True, tuple(_blocks(component.components, filled, focus))))
        else:
            loose.append(component)
    gather()
    return [each for each in sections if each.blocks]


def walk(components: Sequence[Component]) -> Iterator[Component]:
    """List every component of a view in order."""
    for component in components:
        yield component
        yield from walk(component.components)


def identifier_of(component: Component) -> str:
    """Say what an input is sent as."""
    return _text(component.config, "identifier") or component.id


def _focus(components: Sequence[Component], filled: Filled) -> str:
    names = [identifier_of(each) for each in walk(components) if each.type == "INPUT"]
    wrong = [name for name in names if name in filled.errors]
    return next(iter([*wrong, *names]), "")


def _blocks(components: Sequence[Component], filled: Filled, focus: str) -> Iterator[Block]:
    codes: list[str] = []
    for component in components:
        if _copied(component):
            codes.append(_text(component.config, "text"))
            continue
        if codes:
            yield Codes(tuple(codes))
            codes = []
        yield from _draw(component, filled, focus)
    if codes:
        yield Codes(tuple(codes))


def _copied(component: Component) -> bool:
    config = component.config or {}
    return component.type == "TYPOGRAPHY" and config.get(COPYABLE) is True


def _draw(component: Component, filled: Filled, focus: str) -> Iterator[Block]:
    config = component.config
    match component.type:
        case "FORM":
            # A form has no other inside of it (HTML, 4.10.3): its things stand among the others.
            yield from _blocks(component.components, filled, focus)
        case "TYPOGRAPHY":
            yield _typography(component)
        case "RICH_TEXT":
            yield _rich(_text(config, "text"))
        case "DIVIDER":
            yield Line(_text(config, "text"))
        case "IMAGE":
            yield from _picture(config)
        case "INPUT":
            yield _input(component, filled, focus)
        case "BUTTON":
            look = {"SECONDARY": "secondary", "TEXT": "link", "LINK": "link"}
            style = look.get(component.variant or "", "primary")
            yield Press(component.action_id or component.id, _words(component), style)
        case "RESEND":
            yield Press(component.action_id or component.id, _words(component), "link")
        case "CAPTCHA" if (variant := component.variant or "") in WIDGETS:
            name = identifier_of(component)
            key = _text(config, "siteKey")
            error = filled.errors.get(name, "")
            yield Captcha(variant, key, name, error)
        case _:
            # Of a newer release, or of nobody's.
            return


def _typography(component: Component) -> Heading | Words:
    text, variant = _text(component.config, "text"), component.variant or ""
    if _HEADING.fullmatch(variant):
        return Heading(text, variant.lower())
    return Words(text, variant in {"CAPTION", "BODY2", "OVERLINE"})


@lru_cache(512)
def _rich(text: str) -> Rich | Words:
    # Written so by the compiler; but whoever wrote a plan, nothing here has to be believed.
    try:
        return Rich(read_markup(text, "text"))
    except InvalidConfig:
        return Words(text, False)


def _picture(config: Mapping[str, Json] | None) -> Iterator[Picture]:
    src = _text(config, "src")
    if image_origin(src) is None and not _DATA_IMAGE.fullmatch(src):
        return
    link = _text(config, "uri")
    yield Picture(src, _text(config, "alt"), link if link.startswith("otpauth://") else None)


def image_origin(src: str) -> str | None:
    """Return the origin that a picture comes from; None where it comes with the page."""
    try:
        parts = urlsplit(src)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    host = parts.hostname or ""
    if parts.scheme != "https" or not re.fullmatch(r"[a-z0-9.-]+", host):
        return None
    return f"https://{host}{port}"


def pictures(sections: Sequence[Section]) -> Iterator[str]:
    """List the origins that the pictures of a view come from."""
    for section in sections:
        for block in section.blocks:
            origin = image_origin(block.src) if isinstance(block, Picture) else None
            if origin is not None:
                yield origin


def _input(component: Component, filled: Filled, focus: str) -> Field:
    config, variant = component.config or {}, component.variant or "TEXT"
    name = identifier_of(component)
    error, hint = filled.errors.get(name, ""), _text(config, "hint")
    id = f"in-{name}"
    required = config.get("required") is True
    typed = "" if variant in _SECRETS else filled.typed.get(name, "")
    attributes: dict[str, str | bool] = {"id": id, "name": name}
    told = [f"{id}-{what}" for what, text in (("hint", hint), ("error", error)) if text]
    if told:
        attributes["aria-describedby"] = " ".join(told)
    if error:
        attributes["aria-invalid"] = "true"
    if required:
        attributes["required"] = True
    if name == focus:
        attributes["autofocus"] = True
    common = (id, name, _text(config, "label") or name, required, hint, error)
    match variant:
        case "CHECKBOX":
            ticked: dict[str, str | bool] = {"checked": True} if typed == "true" else {}
            return Tick(*common, {**attributes, **ticked, "type": "checkbox", "value": "true"})
        case "DROPDOWN" | "COUNTRY":
            if variant == "COUNTRY":
                attributes["autocomplete"] = "country"
            return Choice(*common, attributes, tuple(_options(config, typed)))
        case _:
            attributes |= _TYPES.get(variant, {"type": "text"})
            attributes |= _filling(variant, name, config)
            if placeholder := _text(config, "placeholder"):
                attributes["placeholder"] = placeholder
            if typed:
                attributes["value"] = typed
            return Field(*common, attributes)


def _filling(variant: str, name: str, config: Mapping[str, Json]) -> Mapping[str, str]:
    """Say what a browser may fill in (HTML, 4.10.18.7)."""
    key = config.get(KEY)
    if variant == "PASSWORD":
        known = {"label.password": "current-password"}
        codes = {"label.recovery_code", "label.invitation"}
        return {"autocomplete": "off" if key in codes else known.get(str(key), "new-password")}
    if key in _NAMING:
        return {"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
    if variant in {"EMAIL", "TELEPHONE", "OTP"}:
        return {"autocomplete": "email"} if variant == "EMAIL" else {}
    return {"autocomplete": _AUTOCOMPLETE[name]} if name in _AUTOCOMPLETE else {}


def _options(config: Mapping[str, Json], typed: str) -> Iterator[tuple[str, str, bool]]:
    given = config.get("options")
    for option in given if isinstance(given, list) else ():
        if isinstance(option, str):
            yield option, option, option == typed
        elif isinstance(option, dict):
            value = _text(option, "value")
            yield value, _text(option, "label") or value, value == typed


def _words(component: Component) -> str:
    return _text(component.config, "text") or component.id


def _text(config: Mapping[str, Json] | None, name: str) -> str:
    found = None if config is None else config.get(name)
    return found if isinstance(found, str) else ""
