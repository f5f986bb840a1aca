"""What `make run` has to look at, and the commands that it prints."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.local.examples import LOGIN, SIGN_UP, examples, seed, what_to_try
from deploy.local.services import PROJECT
from deploy.local.stack import Stack
from tests.e2e.walker import Admin, Json, Walker

# `make test` needs only Python and make; the commands that are printed need curl as well.
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")


@pytest_asyncio.fixture
async def printed(tmp_path: Path) -> AsyncIterator[str]:
    """What the command says over a fresh folder, while it serves."""
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.local", "run", "--folder", str(tmp_path)),
        stdout=PIPE,
        stderr=STDOUT,
        cwd=PROJECT,
    )
    try:
        assert running.stdout is not None
        yield (await running.stdout.readuntil(b"Ctrl-C stops everything.\n")).decode()
    finally:
        if running.returncode is None:
            running.terminate()
        await running.communicate()


def commands(printed: str) -> str:
    """The indented lines below the words that say it runs."""
    _, told = printed.split("Gatehouse runs.")
    return "\n".join(line for line in told.splitlines() if line.startswith("  "))


async def pasted(shell: str, lines: str) -> list[Json]:
    """Have a shell read `lines` as from a terminal, and return each answer that it shows."""
    session = await asyncio.create_subprocess_exec(
        shell, "-s", stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    said, complaints = await session.communicate(lines.encode())
    assert not complaints, complaints
    text, answers = said.decode().strip(), []
    while text:
        answer, end = json.JSONDecoder().raw_decode(text)
        answers.append(answer)
        text = text[end:].lstrip()
    return answers


def are_right(answers: list[Json]) -> None:
    flows, form, signed_up, who, password, signed_in = answers
    assert {item["name"]: item["status"] for item in flows["items"]} == {
        LOGIN: "active",
        SIGN_UP: "active",
    }
    assert form["data"]["requiredParams"] == ["email", "password"]
    assert signed_up["flowStatus"] == "COMPLETE"
    assert who["data"]["requiredParams"] == ["identifier"]
    assert password["data"]["requiredParams"] == ["password"]
    assert signed_in["flowStatus"] == "COMPLETE"
    assert signed_in["data"]["userAssertion"]


@needs_curl
async def test_what_a_fresh_stack_prints_can_be_pasted_and_signs_somebody_in(printed: str) -> None:
    are_right(await pasted("sh", commands(printed)))


@needs_curl
@pytest.mark.parametrize("shell", ["sh", "bash"])
async def test_the_commands_can_be_pasted_again_over_the_same_flows(
    stack: Stack, admin: Admin, tmp_path: Path, shell: str
) -> None:
    assert await seed(stack.facts)
    assert await seed(stack.facts)
    printed = what_to_try(stack.facts, tmp_path, walkable=True)
    are_right(await pasted(shell, commands(printed)))


async def test_a_start_that_names_no_flow_runs_the_example(
    stack: Stack, admin: Admin, walker: Walker
) -> None:
    await seed(stack.facts)
    assert (await walker.start()).asks == ["identifier"]
    assert (await walker.start(kind="REGISTRATION")).asks == ["email", "password"]


@needs_curl
async def test_a_tenant_with_flows_of_its_own_is_given_none(
    stack: Stack, admin: Admin, tmp_path: Path
) -> None:
    own = await admin.create("mfa-login", examples()[0]["graph"])
    assert not await seed(stack.facts)
    assert [item["id"] for item in (await admin.done("GET"))["items"]] == [own]
    (flows,) = await pasted("sh", commands(what_to_try(stack.facts, tmp_path, walkable=False)))
    assert [item["id"] for item in flows["items"]] == [own]
