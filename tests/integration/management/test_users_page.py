"""The page about users: its commands, one after the other, answer what it shows."""

import json
import re
from pathlib import Path

from tests.integration.management.conftest import Api
from tests.integration.management.test_docs import read, steps, without_times

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "manage-users.md"
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def plain(text: str) -> str:
    """Put one id for all things, one time for all, and one token."""
    return TOKEN.sub("token", ID.sub("$USER_ID", without_times(text)))


async def test_the_page_about_users_shows_what_is_answered(api: Api) -> None:
    user, walked = "", 0
    for (name, method, path, *body), shown in steps(PAGE.read_text()):
        assert name == "api"
        sent = json.loads(body[0]) if body else None
        reply = await api.call(method, path.replace("$USER_ID", user), sent)
        assert reply.status < 300, reply.text
        assert read(plain(reply.text)) == read(plain(shown)), (method, path)
        user = user or reply.body["id"]
        walked += 1
    assert walked == 6
