"""The page about authentik's tools: its program, run as it stands there."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

from tests.clients.packages import packages
from tests.integration.management.conftest import Api, CompilerStandIn, token

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "how-to" / "use-authentik-tools.md"
CLIENT = ROOT / "tests" / "clients" / "authentik" / "2026.8.5.txt"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


async def test_the_program_prints_what_is_shown_and_its_flow_runs(
    compiler: CompilerStandIn, api: Api
) -> None:
    await api.create()
    blocks = {each[1]: each[2] for each in BLOCK.finditer(PAGE.read_text())}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", blocks["python"]),
        env={
            **os.environ,
            "PYTHONPATH": str(await packages(CLIENT)),
            "HOST": f"{api.session._base_url}api/v3",
            "TOKEN": token("read:flows", "create:flows", "update:flows", "delete:flows"),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await process.communicate()
    assert process.returncode == 0, complained.decode()
    assert said.decode() == blocks["text"]
    assert (await api.done("GET", "/api/admin/flows/flow_staff_in"))["status"] == "active"
