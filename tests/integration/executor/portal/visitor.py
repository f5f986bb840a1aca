"""A browser without JavaScript, for tests of the portal: what it sends, keeps and is shown."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookies import Morsel
from typing import NamedTuple

import aiohttp
from yarl import URL

from tests.integration.executor.conftest import Executor

DEVICE = "gatehouse.device"
BACK = re.compile(r'name="_step" value="([0-9a-f]+)"')


class Seen(NamedTuple):
    status: int
    text: str
    headers: dict[str, str]
    url: URL

    @property
    def step(self) -> str:
        found = BACK.search(self.text)
        assert found is not None, self.text
        return found[1]


class Visitor:
    """The browser, as far as forms and cookies go."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._url = url
        self._http = http

    async def get(self, path: str, language: str = "") -> Seen:
        headers = {"Accept-Language": language}
        async with self._http.get(f"{self._url}{path}", headers=headers) as answer:
            return Seen(answer.status, await answer.text(), dict(answer.headers), answer.url)

    async def post(self, path: str, sent: dict[str, str], **headers: str) -> Seen:
        headers = {"Origin": self._url, **headers}
        async with self._http.post(f"{self._url}{path}", data=sent, headers=headers) as answer:
            return Seen(answer.status, await answer.text(), dict(answer.headers), answer.url)

    async def answer(self, seen: Seen, action: str = "submit", **inputs: str) -> Seen:
        return await self.post(seen.url.path, {"_step": seen.step, "_action": action, **inputs})

    def keep(self, name: str, value: str) -> None:
        self._http.cookie_jar.update_cookies({name: value}, URL(self._url))

    def cookies(self) -> dict[str, Morsel[str]]:
        """All but the name of the browser, which stays."""
        return {each.key: each for each in self._http.cookie_jar if each.key != DEVICE}

    def device(self) -> str | None:
        return next((each.value for each in self._http.cookie_jar if each.key == DEVICE), None)


@asynccontextmanager
async def visiting(executor: Executor) -> AsyncIterator[Visitor]:
    """Open the browser, with no cookies yet."""
    # A cookie of an address is none of a browser's.
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as http:
        yield Visitor(executor.url, http)
