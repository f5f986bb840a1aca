"""How a tenant's pages look: its colours and its background, as a stylesheet. Pure.

Management takes no colours that many people could not read. What is made of them here can be read
as well: whatever is quieter than the text, or lies on our own dark surface, keeps its contrast.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

import msgspec

from libs.common.wire.tenants import Branding, Colors, contrast

DEFAULT: Final = Branding()
DARK: Final = "#1a1f26"
"""What a form stands on in the dark, where a tenant says nothing of surfaces: `portal.css`."""
_TEXT: Final = 4.5
_EDGE: Final = 3.0
"""Contrasts of text, and of what an input is told apart by (WCAG 2.2, 1.4.3 and 1.4.11)."""
_STEPS: Final = 20


class Theme(msgspec.Struct, frozen=True):
    """A stylesheet of variables."""

    css: str
    version: str
    """Another for each that is different."""


@lru_cache(512)
def theme(branding: Branding) -> Theme:
    """Return the stylesheet that goes over `portal.css`."""
    css = "".join(_blocks(branding))
    return Theme(css, hashlib.sha256(css.encode()).hexdigest()[:12])


def _blocks(branding: Branding) -> Iterator[str]:
    colors, usual = branding.colors, Colors()
    own = msgspec.structs.replace(usual, primary=colors.primary, on_primary=colors.on_primary)
    if colors not in {own, usual}:
        # Whoever chose surfaces chose them for the dark as well.
        yield _block(_all(colors))
    elif colors != usual:
        yield _block(_buttons(colors, colors.primary))
        link = _moved(colors.primary, "#ffffff", DARK, _TEXT)
        yield f"@media (prefers-color-scheme: dark) {{ {_block(_buttons(colors, link))}}}\n"
    if branding.background_url is not None:
        # Links at the foot of the page may stand on anything then.
        yield _block({"backdrop": f'url("{branding.background_url}")', "foot": "var(--page)"})


def _buttons(colors: Colors, link: str) -> Mapping[str, str]:
    return {"accent": colors.primary, "on-accent": colors.on_primary, "link": link}


def _all(colors: Colors) -> Mapping[str, str]:
    text, surface = colors.text, colors.surface
    return {
        "page": colors.background,
        "card": surface,
        "text": text,
        "quiet": _moved(_mixed(text, surface, 0.4), text, surface, _TEXT),
        "line": _moved(_mixed(text, surface, 0.6), text, surface, _EDGE),
        **_buttons(colors, colors.primary),
        "wrong": colors.error,
        "wrong-back": surface,
        "info-back": surface,
    }


def _block(values: Mapping[str, str]) -> str:
    lines = "".join(f"--{name}: {value}; " for name, value in values.items())
    return f":root {{ {lines}}}\n"


def _moved(color: str, towards: str, on: str, least: float) -> str:
    """Return the colour nearest to `color`, on the way `towards`, that stands out `on` another."""
    steps = (_mixed(color, towards, step / _STEPS) for step in range(_STEPS + 1))
    return next((each for each in steps if contrast(each, on) >= least), towards)


def _mixed(one: str, other: str, share: float) -> str:
    """Mix `one` with a `share` of the other."""
    parts = (
        round(int(one[at : at + 2], 16) * (1 - share) + int(other[at : at + 2], 16) * share)
        for at in (1, 3, 5)
    )
    return "#" + "".join(f"{part:02x}" for part in parts)
