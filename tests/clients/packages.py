"""Clients of PyPI of which the tests drive several releases, each in a place of its own."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.clients.installed import installed


async def packages(requirements: Path) -> Path:
    """Return the folder that has what the file pins, for `PYTHONPATH`."""

    async def install(place: Path) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", sys.executable),
            *("--only-binary", ":all:", "--require-hashes", "--target", place, "-r", requirements),
            stderr=asyncio.subprocess.PIPE,
        )
        _, complained = await process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"uv could not install the clients: {complained.decode()}")

    return await installed([requirements], install)
