"""Looks at a page as people do: on a phone by day and at a desk by night, and with axe-core.

What a test holds to is what axe-core finds, that nothing is wider than the screen, and that fingers
hit what they are to press. Whoever wants to see the pages names a folder in `PICTURES`.
"""

from __future__ import annotations

import os
from pathlib import Path

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 800}
SERIOUS = frozenset({"serious", "critical"})
FOLDER = os.environ.get("PICTURES")
_FIND = """async () => (await axe.run({resultTypes: ["violations"]})).violations.map(
  ({id, impact, nodes}) => ({id, impact, nodes: nodes.map((each) => each.html)}))"""
_TARGETS = """() => [...document.querySelectorAll("button, a.button, input, select")]
  .filter((each) => each.type !== "hidden" && each.offsetParent !== null)
  .filter((each) => each.type !== "checkbox" && each.getBoundingClientRect().height < 44)
  .map((each) => each.outerHTML)"""
_WIDE = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"


async def look_at(page: Page, name: str) -> None:
    """Hold that everybody can use `page` as it is, once all of it is there."""
    await page.wait_for_load_state()
    await page.evaluate(Axe().axe_script)
    for place, size, light in (("phone", PHONE, "light"), ("desk", DESK, "dark")):
        await page.set_viewport_size(size)  # type: ignore[arg-type]  # a TypedDict of the same keys
        await page.emulate_media(color_scheme=light)  # type: ignore[arg-type]  # one of its words
        found = await page.evaluate(_FIND)
        serious = [each for each in found if each["impact"] in SERIOUS]
        assert not serious, (name, place, light, serious)
        assert not await page.evaluate(_WIDE), f"{name} is wider than a {place}"
        assert not await page.evaluate(_TARGETS), f"{name} has what fingers miss"
        if FOLDER is not None:
            await page.screenshot(path=Path(FOLDER) / f"{name}-{place}.png", full_page=True)
