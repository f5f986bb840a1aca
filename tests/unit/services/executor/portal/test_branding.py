from __future__ import annotations

import re

import pytest

from libs.common.wire.tenants import Branding, Colors, contrast
from services.executor.portal.branding import DARK, DEFAULT, theme
from services.executor.portal.pages import STATIC


def variables(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): ([^;]+);", css))


def test_who_says_nothing_looks_as_the_portal_does() -> None:
    assert theme(DEFAULT).css == ""


def test_the_portals_own_colours_are_those_that_tenants_have_by_default() -> None:
    light, _, dark = (STATIC / "portal.css").read_text().partition("prefers-color-scheme: dark")
    colors, own = Colors(), variables(light)
    assert [own[each] for each in ("page", "card", "text", "accent", "on-accent", "wrong")] == [
        *(colors.background, colors.surface, colors.text),
        *(colors.primary, colors.on_primary, colors.error),
    ]
    assert variables(dark)["card"] == DARK


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_the_portals_own_colours_can_be_read(scheme: int) -> None:
    css = (STATIC / "portal.css").read_text()
    own = variables(re.findall(r":root \{[^}]+\}", css)[scheme])
    for upper, lower, least in (
        *(("text", "card", 4.5), ("quiet", "card", 4.5), ("link", "card", 4.5)),
        *(("text", "page", 4.5), ("text", "info-back", 4.5), ("wrong", "wrong-back", 4.5)),
        *(("wrong", "card", 4.5), ("on-accent", "accent", 4.5), ("line", "card", 3.0)),
    ):
        assert contrast(own[upper], own[lower]) >= least, (upper, lower)


@pytest.mark.parametrize("primary", ["#0a58ca", "#7a0019", "#003300", "#5b21b6", "#000000"])
def test_a_button_of_another_colour_leaves_links_that_can_be_read_in_the_dark(primary: str) -> None:
    css = theme(Branding(colors=Colors(primary=primary))).css
    if primary == Colors().primary:
        assert css == ""
        return
    light, _, dark = css.partition("@media (prefers-color-scheme: dark)")
    assert variables(light)["accent"] == variables(light)["link"] == primary
    assert variables(dark)["accent"] == primary
    assert contrast(variables(dark)["link"], DARK) >= 4.5


@pytest.mark.parametrize(
    ("text", "surface"), [("#1f2328", "#fffbe6"), ("#ffffff", "#101010"), ("#595959", "#ffffff")]
)
def test_what_is_quieter_than_the_text_can_still_be_read(text: str, surface: str) -> None:
    css = theme(Branding(colors=Colors(text=text, surface=surface))).css
    assert "@media" not in css
    made = variables(css)
    assert (made["text"], made["card"]) == (text, surface)
    assert contrast(made["quiet"], surface) >= 4.5
    assert contrast(made["line"], surface) >= 3.0


def test_a_background_is_a_picture() -> None:
    made = theme(Branding(background_url="https://cdn.example/a.jpg?b=1"))
    assert '--backdrop: url("https://cdn.example/a.jpg?b=1"); --foot: var(--page);' in made.css
    assert made.version != theme(DEFAULT).version
