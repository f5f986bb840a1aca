"""What the user is shown: seed 002's tree of components, and what may be sent back from it."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from libs.common.flow.model import Json

KEY = "i18nKey"
"""What a component's config has where its words are not the author's, or one of its options: their
key."""
OPTIONS = "options"
"""What an input's config has where the user picks: a list of `value` and `label`."""

COPYABLE = "copyable"
"""What a text's config has where it is to be copied letter by letter, as a code."""

_WORDS = ("label", "text")
_JSON = msgspec.json.Encoder()


class Component(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A thing on the screen. Field names on the wire are those of seed 002 (`actionId`)."""

    id: str
    type: str
    """`FORM`, `INPUT`, `BUTTON`, `TYPOGRAPHY`, `RICH_TEXT`, `DIVIDER`, `IMAGE`, `CAPTCHA` or
    `RESEND`."""
    variant: str | None = None
    action_id: str | None = None
    config: Mapping[str, Json] | None = None
    components: tuple[Component, ...] = ()


class View(msgspec.Struct, frozen=True, dict=True):
    """A whole screen."""

    components: tuple[Component, ...]
    required: tuple[str, ...] = ()
    """Identifiers of the inputs that must be sent: `requiredParams`."""
    optional: tuple[str, ...] = ()
    """Of those that may be, where no component says so: `optionalParams`."""
    internal: bool = False
    """It asks the client app itself, and shows the user nothing."""

    def components_in(self, words: Mapping[str, str]) -> msgspec.Raw:
        """Return the components as JSON; what is not the author's is said in `words`."""
        return msgspec.Raw(_JSON.encode([_say(one, words) for one in self.components]))

    @functools.cached_property
    def kept(self) -> dict[str, Any]:
        """What whoever shows it makes of it, by language: a plan's views are shown again and again.

        Nothing may be in it but what the view itself says.
        """
        return {}

    @functools.cached_property
    def actions(self) -> frozenset[str]:
        """What a submit of this view may name as its action: either name of a button, or none."""
        return frozenset(("", *_names(self.components, "BUTTON", "RESEND")))

    @functools.cached_property
    def needed(self) -> frozenset[str]:
        """The inputs that must be sent."""
        return frozenset(self.required)

    @functools.cached_property
    def resends(self) -> frozenset[str]:
        """Those of them by which another message is asked for, whatever else was typed."""
        return frozenset(_names(self.components, "RESEND"))


def _say(component: Component, words: Mapping[str, str]) -> Component:
    config = component.config
    if config is not None:
        config = _worded(config, words)
        if OPTIONS in config:
            config = {**config, OPTIONS: _options(config[OPTIONS], words)}
    inner = tuple(_say(one, words) for one in component.components)
    return msgspec.structs.replace(component, config=config, components=inner)


def _worded(config: Mapping[str, Json], words: Mapping[str, str]) -> Mapping[str, Json]:
    # A newer compiler knows words that this release does not: those of the plan stay.
    said = words.get(config[KEY]) if KEY in config else None
    if said is None:
        return config
    return {**config, **{name: said for name in _WORDS if name in config}}


def _options(options: list[Json], words: Mapping[str, str]) -> list[Json]:
    said = [_worded(option, words) for option in options]
    if any(KEY in option for option in said):
        # Ours have no order but that of their names, which is another one in each language.
        said.sort(key=lambda option: _bare(str(option["label"])))
    return said


def _bare(text: str) -> str:
    """Return `text` as it is sorted: without case and accents."""
    parts = unicodedata.normalize("NFD", text.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))


def _names(components: tuple[Component, ...], *types: str) -> Iterator[str]:
    for component in components:
        if component.type in types:
            yield component.id
            yield component.action_id or component.id
        yield from _names(component.components, *types)
