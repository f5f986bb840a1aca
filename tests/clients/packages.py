"""Clients of PyPI of which the tests drive several releases, each in a place of its own.

They are installed once for each state of the file that pins them by hash.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import sys
import tempfile
from pathlib import Path

_INSTALLED = Path(__file__).parents[2] / ".local" / "clients"


async def packages(requirements: Path) -> Path:
    """Return the folder that has what the file pins, for `PYTHONPATH`."""
    place = _INSTALLED / hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]
    if not place.exists():
        _INSTALLED.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=_INSTALLED))
        await _install(requirements, made)
        try:
            made.rename(place)
        except OSError:
            # Somebody else was first.
            shutil.rmtree(made)
    return place


async def _install(requirements: Path, place: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", sys.executable),
        *("--only-binary", ":all:", "--require-hashes", "--target", place, "-r", requirements),
        stderr=asyncio.subprocess.PIPE,
    )
    _, complained = await process.communicate()
    if process.returncode != 0:
        shutil.rmtree(place)
        raise AssertionError(complained.decode())
