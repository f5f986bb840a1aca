"""The tutorial: its commands, one after the other, answer what it shows."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from deploy.local.services import PROJECT
from deploy.local.stack import Stack
from tests.e2e.walker import Admin

PAGE = PROJECT / "docs" / "tutorial" / "first-sign-in.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VARIES = re.compile(
    r"\b1[0-9]{9}\b"  # a time
    r"|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"  # an id of a session or an account
    r'|(?<="stepId":")[0-9a-f]{8}'
    r"|(?<=127\.0\.0\.1:)[0-9]+"
)
CUT = "…"
"""Stands in the page for what is left out there."""


def taken_apart(page: str) -> tuple[str, list[tuple[str, str]]]:
    """Find the flow that is to be saved, and each block of commands with what is shown for it."""
    blocks = BLOCK.findall(page)
    (flow,) = (text for language, text in blocks if language == "json" and '"nodes"' in text)
    rest = [block for block in blocks if block[1] != flow]
    steps = [
        (text, "" if rest[after][0] == "sh" else rest[after][1])
        for after, (language, text) in enumerate(rest[:-1], 1)
        if language == "sh"
    ]
    return flow, steps


def as_shown(shown: str) -> re.Pattern[str]:
    """Match what is shown, whatever its ids and times, and how its lines are broken."""
    return re.compile(".*".join(map(re.escape, squeezed(shown).split(CUT))))


def squeezed(text: str) -> str:
    return "".join(VARIES.sub("0", text).split())


def folder(stack: Stack) -> Path:
    return stack.parts["management"].log.parents[1]


def outputs(said: str, mark: str) -> Iterator[str]:
    *found, rest = said.split(mark)
    assert not rest
    yield from found


# `make test` needs only Python and make; the page needs curl as well, and says so.
@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
async def test_the_tutorial_shows_what_happens(
    stack: Stack, admin: Admin, database: asyncpg.Connection, tmp_path: Path
) -> None:
    await database.execute("DELETE FROM users")
    for name, target in ((".local", folder(stack)), (".venv", Path(sys.prefix))):
        (tmp_path / name).symlink_to(target)
    flow, steps = taken_apart(PAGE.read_text())
    assert len(steps) > 5
    (tmp_path / ".local" / "terms.json").write_text(flow)
    mark = "=" * 30
    script = tmp_path / "script"
    script.write_text("".join(f"{commands}\nprintf %s {mark}\n" for commands, _ in steps))
    shell = await asyncio.create_subprocess_exec(
        *("sh", str(script)),
        stdout=PIPE,
        stderr=PIPE,
        cwd=tmp_path,
        # The services are found in the clone, from which the page is read.
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT)},
    )
    said, complaints = await shell.communicate()
    assert not complaints, complaints.decode()
    for (commands, shown), output in zip(steps, outputs(said.decode(), mark), strict=True):
        assert as_shown(shown).fullmatch(squeezed(output)), (commands, output)
