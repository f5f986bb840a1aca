"""The page about authorization: its commands, one after the other, answer what it shows."""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from string import Template

import pytest

from libs.common.secret import Secret
from tests.integration.management.conftest import Api, Reply, Start
from tests.integration.management.test_docs import BLOCK, without_times

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "authorize.md"
TOKEN = "0123456789abcdef" * 4
KEPT = {"client_id": "CLIENT_ID", "client_secret": "CLIENT_SECRET", "access_token": "TOKEN"}
"""The fields of answers that later commands name, as they name them."""
CHANGING = re.compile(r'("(?:client_id|client_secret|access_token|request_id)": ?)"[^"]*"')
CLIENT = re.compile(r"\b[0-9a-f]{32}\b")
USER_AND_DATA = ("-u", "-d", "-X", "-H")


@pytest.fixture
async def api(start: Start) -> Api:
    return await start(bootstrap_token=Secret(TOKEN))


def same(text: str) -> object:
    """Read an answer, with one of each thing that is different each time."""
    return json.loads(CLIENT.sub("0" * 32, CHANGING.sub(r'\1""', without_times(text))))


async def run(api: Api, command: list[str], known: Mapping[str, str]) -> Reply:
    """Do what the shell would do with a command of the page."""
    program, *words = (Template(word).substitute(known) for word in command)
    if program == "api":
        method, path, *body = words
        return await api.call(
            method, path, json.loads(body[0]) if body else None, bearer=known["TOKEN"]
        )
    assert program == "curl"
    chosen: dict[str, list[str]] = {}
    for option, value in pairwise(words):
        if option in USER_AND_DATA:
            chosen.setdefault(option, []).append(value)
    headers = dict(header.split(": ", 1) for header in chosen.get("-H", ()))
    data = "&".join(chosen.get("-d", ()))
    if data:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    for pair in chosen.get("-u", ()):
        headers["Authorization"] = _basic(pair)
    method = chosen.get("-X", ["POST" if data else "GET"])[0]
    return await api.call(method, words[-1], data=data.encode(), headers=headers, bearer="")


def _basic(pair: str) -> str:
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


async def test_the_page_about_authorization_shows_what_is_answered(api: Api) -> None:
    known = {"GATEHOUSE": "", "BOOTSTRAP_TOKEN": TOKEN}
    walked = 0
    for (language, command), (_, shown) in pairwise(BLOCK.findall(PAGE.read_text())):
        if language != "sh":
            continue
        reply = await run(api, shlex.split(command), known)
        assert same(reply.text) == same(shown), command
        answered = json.loads(reply.text)
        known |= {KEPT[name]: answered[name] for name in KEPT if name in answered}
        walked += 1
    assert walked == 6
