"""The page about tenants: its commands, one after the other, answer what it shows."""

import json
from pathlib import Path

from tests.integration.management.conftest import KEYS, Start
from tests.integration.management.test_docs import read, steps, without_times

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "manage-tenants.md"


async def test_the_page_about_tenants_shows_what_is_answered(start: Start) -> None:
    api = await start(credential_keys=KEYS)
    walked = 0
    for (name, method, path, *body), shown in steps(PAGE.read_text()):
        assert name == "api"
        reply = await api.call(method, path, json.loads(body[0]) if body else None)
        assert read(without_times(reply.text)) == read(without_times(shown)), (method, path)
        walked += 1
    assert walked == 7
