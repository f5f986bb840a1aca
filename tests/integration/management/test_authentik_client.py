"""authentik's generated clients, unmodified, at `/api/v3`: the seed's release and the newest."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import msgspec
import pytest

from libs.common.secret import Secret
from tests.clients.packages import packages
from tests.integration.management.conftest import CompilerStandIn, Start, token

CLIENTS = Path(__file__).parents[2] / "clients" / "authentik"


@pytest.mark.parametrize("release", ["2024.8.3", "2026.8.5"])
async def test_the_client_walks_flows_and_bindings(
    compiler: CompilerStandIn, start: Start, redis_url: str, release: str
) -> None:
    api = await start(redis_url=Secret(redis_url), admin_per_minute=60)
    await api.create()
    base = api.session._base_url
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, CLIENTS / "walk.py"),
        env={
            **os.environ,
            "PYTHONPATH": str(await packages(CLIENTS / f"{release}.txt")),
            "HOST": f"{base}api/v3",
            "TOKEN": token(),
            "READER": token("read:flows"),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await process.communicate()
    assert process.returncode == 0, complained.decode()
    told = msgspec.json.decode(said)
    names = ("missing", "past", "wrong", "stranger", "reader", "hasty")
    refused = {name: told.pop(name)[:2] for name in names}
    assert refused == {
        "missing": ["NotFoundException", 404],
        "past": ["NotFoundException", 404],
        "wrong": ["BadRequestException", 400],
        "stranger": ["ForbiddenException", 403],
        "reader": ["ForbiddenException", 403],
        "hasty": ["ApiException", 429],
    }
    assert told.pop("version").startswith(release[:4])
    imported = [[200, True, ["info"]], [400, False, ["error"], "FlowImportResult"]]
    # The newest release has no call for it.
    assert told.pop("imported", None) == ([*imported, "third here"] if release < "2025" else None)
    assert told == {
        "created": 201,
        "slugs": ["other", "made_here"],
        "pagination": {
            "next": 0,
            "previous": 1,
            "count": 4,
            "current": 2,
            "total_pages": 2,
            "start_index": 3,
            "end_index": 4,
        },
        "recovery": 3,
        "search": ["made_here"],
        "by_key": ["made_here"],
        "replaced": "New here",
        "patched": "continue",
        "stage": "authentik_stages_identification.identificationstage",
        "bound": 201,
        "orders": [10, 15, 10],
        "found": True,
        "diagram": "graph TD",
        "link": "/flow/execute",
        "used_by": [],
        "binding_used_by": [],
        "cleared": 204,
        "ready": 0,
        "exported": True,
        "unbound": 204,
        "deleted": 204,
    }
