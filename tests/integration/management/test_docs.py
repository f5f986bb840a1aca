"""The page about versions: its commands, one after the other, answer what it shows."""

import json
import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from libs.common.flow.model import Json
from libs.common.wire.inspect import Count, Counted
from tests.integration.management.conftest import Api
from tests.integration.management.test_sessions import standing_in

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "version-and-roll-out.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
REQUESTS = re.compile(r'("request_id": ?)"[^"]*"')
TIMES = re.compile(r"\b1[0-9]{9}\b")


def steps(page: str) -> Iterator[tuple[list[str], str]]:
    """Find each command, as the shell would take it apart, and what is shown under it."""
    blocks = BLOCK.findall(page)
    for (language, command), (_, shown) in pairwise(blocks):
        if language == "sh":
            yield shlex.split(command), shown


def without_times(text: str) -> str:
    """Put one time for all, of those that are Unix seconds, and one name for all requests."""
    return REQUESTS.sub(r'\1"request"', TIMES.sub("1800000000", text))


def read(text: str) -> Json:
    """Read what was answered: JSON, or the text of a document."""
    return json.loads(text) if text.startswith("{") else text


FIGURES = Counted(12, (Count(1, 164, 151), Count(2, 40, 38)))
"""What executors have counted by the time that the page asks."""


async def test_the_page_about_versions_shows_what_is_answered(api: Api, nats_url: str) -> None:
    walked = 0
    async with standing_in(nats_url) as executor:
        executor.counted = FIGURES
        for (name, method, path, *body), shown in steps(PAGE.read_text()):
            assert name == "api"
            reply = await api.call(method, path, json.loads(body[0]) if body else None)
            assert read(without_times(reply.text)) == read(without_times(shown)), (method, path)
            walked += 1
    assert walked > 10
