"""What the user is shown: seed 002's tree of components, and what may be sent back from it."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping

import msgspec

from libs.common.flow.model import Json

_JSON = msgspec.json.Encoder()


class Component(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A thing on the screen. Field names on the wire are those of seed 002 (`actionId`)."""

    id: str
    type: str
    """`FORM`, `INPUT`, `CAPTCHA`, `BUTTON`, `RESEND` or `TYPOGRAPHY`."""
    variant: str | None = None
    action_id: str | None = None
    config: Mapping[str, Json] | None = None
    components: tuple[Component, ...] = ()


class View(msgspec.Struct, frozen=True, dict=True):
    """A whole screen."""

    components: tuple[Component, ...]
    required: tuple[str, ...] = ()
    """Identifiers of the inputs that must be sent: `requiredParams`."""

    @functools.cached_property
    def components_json(self) -> msgspec.Raw:
        """The components as JSON. Kept, since a plan's views are sent again and again."""
        return msgspec.Raw(_JSON.encode(self.components))

    @functools.cached_property
    def actions(self) -> frozenset[str]:
        """What a submit of this view may name as its action: either name of a button, or none."""
        return frozenset(("", *_names(self.components, "BUTTON", "RESEND")))

    @functools.cached_property
    def resends(self) -> frozenset[str]:
        """Those of them by which another message is asked for, whatever else was typed."""
        return frozenset(_names(self.components, "RESEND"))


def _names(components: tuple[Component, ...], *types: str) -> Iterator[str]:
    for component in components:
        if component.type in types:
            yield component.id
            yield component.action_id or component.id
        yield from _names(component.components, *types)
