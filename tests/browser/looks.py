"""Looks at a page as people do: on a phone and on a desk, by day and by night, and with axe-core.

The pictures are for whoever wants to see them; what a test holds to is what axe-core finds.
"""

from __future__ import annotations

from pathlib import Path

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 800}
CHECKED = {("phone", "light"), ("desk", "dark")}
"""Each place and each light once: axe-core takes as long as all the rest."""
SERIOUS = frozenset({"serious", "critical"})
_TARGETS = """() => [...document.querySelectorAll("button, a.button, input, select")]
  .filter((each) => each.type !== "hidden" && each.offsetParent !== null)
  .filter((each) => each.type !== "checkbox" && each.getBoundingClientRect().height < 44)
  .map((each) => each.outerHTML)"""
_WIDE = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"


async def look_at(page: Page, name: str, folder: Path) -> None:
    """Hold that everybody can use `page` as it is; leave pictures of it in `folder`."""
    for place, size in (("phone", PHONE), ("desk", DESK)):
        await page.set_viewport_size(size)  # type: ignore[arg-type]  # a TypedDict of the same keys
        for light in ("light", "dark"):
            await page.emulate_media(color_scheme=light)
            await page.screenshot(path=folder / f"{name}-{place}-{light}.png", full_page=True)
            if (place, light) in CHECKED:
                found = (await Axe().run(page)).response["violations"]
                serious = [each for each in found if each["impact"] in SERIOUS]
                assert not serious, (name, place, light, serious)
        assert not await page.evaluate(_WIDE), f"{name} is wider than a {place}"
        assert not await page.evaluate(_TARGETS), f"{name} has what fingers miss"
