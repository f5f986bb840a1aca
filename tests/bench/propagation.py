"""How long it takes until every executor runs what was activated, or rolled back.

Real processes: management, compiler, two executors, PostgreSQL, Redis, NATS. A change is asked for
over HTTP, and both executors are started flows at meanwhile, until each of them runs the version
that was asked for. What is shown is the time from sending the call to its answer, and to the first
start that got the new version at the slower of the two executors.

`python -m tests.bench.propagation`; a part of `make bench`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec
import uvloop

from deploy.local.ports import free_port
from deploy.local.stack import PORTS, local_stack
from tests.e2e.walker import EXECUTE, Admin

NAME: Final = "propagation"
KIND: Final = "REGISTRATION"
PAUSE: Final = 0.001
"""Seconds between two looks at one executor."""
PATIENCE: Final = 10.0


class Times(msgspec.Struct, frozen=True):
    """Of one change, in seconds since it was asked for."""

    answered: float
    everywhere: float


def graph(title: str) -> dict[str, Any]:
    """Draw a flow that shows `title`."""
    field = {"name": "nickname", "type": "text", "label": "Name"}
    return {
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "form", "type": "prompt", "config": {"title": title, "fields": [field]}},
            {"id": "done", "type": "success"},
        ],
        "edges": [{"source": "start", "target": "form"}, {"source": "form", "target": "done"}],
    }


async def measure(rounds: int) -> dict[str, list[Times]]:
    """Activate and roll back, `rounds` times each."""
    times: dict[str, list[Times]] = {"activate": [], "rollback": []}
    with tempfile.TemporaryDirectory() as folder:
        ports = {name: free_port() for name in PORTS}
        async with (
            local_stack(
                Path(folder) / "stack", executors=2, ports=ports, say=lambda _line: None
            ) as stack,
            aiohttp.ClientSession() as http,
        ):
            admin = Admin(http, stack.facts)
            urls = [url + EXECUTE for url in stack.facts.executor_urls]
            body = {"display_name": NAME, "type": "registration", "graph": graph("version 1")}
            flow = (await admin.done("POST", body={"name": NAME, **body}))["id"]
            await admin.done("POST", f"/{flow}/activate")
            version = 1
            for _ in range(rounds):
                version += 1
                title = f"version {version}"
                await admin.done("PUT", f"/{flow}", {"graph": graph(title)})
                change = admin.done("POST", f"/{flow}/activate")
                times["activate"].append(await until_everywhere(http, urls, change, title))
                change = admin.done("POST", f"/{flow}/rollback", {"version": 1})
                times["rollback"].append(await until_everywhere(http, urls, change, "version 1"))
                version += 1
    return times


async def until_everywhere(
    http: aiohttp.ClientSession, urls: list[str], change: Awaitable[object], title: str
) -> Times:
    """Ask for `change`, and return when it was answered, and when all executors show `title`."""
    began = time.perf_counter()

    async def answered() -> float:
        await change
        return time.perf_counter() - began

    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        answer = group.create_task(answered())
        shown = [group.create_task(until_shown(http, url, title)) for url in urls]
    return Times(answer.result(), max(task.result() for task in shown) - began)


async def until_shown(http: aiohttp.ClientSession, url: str, title: str) -> float:
    """Start flows at one executor until one shows `title`; return when that was."""
    wanted = title.encode()
    while True:
        async with http.post(url, json={"flowType": KIND}) as answer:
            said = await answer.read()
            if answer.status == HTTPStatus.OK and wanted in said:
                return time.perf_counter()
        await asyncio.sleep(PAUSE)


def rows(times: dict[str, list[Times]]) -> list[dict[str, Any]]:
    """Summarise, in milliseconds."""
    return [
        {
            "change": name,
            "rounds": len(some),
            **{
                f"{of}_{which}_ms": round(1000 * pick([getattr(each, of) for each in some]), 1)
                for of in ("answered", "everywhere")
                for which, pick in (("median", statistics.median), ("worst", max))
            },
        }
        for name, some in times.items()
    ]


def show(found: list[dict[str, Any]]) -> None:
    """Print a table."""
    print(f"{'ms, of two executors':24}{'answered':>10}{'worst':>8}{'everywhere':>12}{'worst':>8}")
    for each in found:
        print(
            f"{each['change']:24}{each['answered_median_ms']:>10}{each['answered_worst_ms']:>8}"
            f"{each['everywhere_median_ms']:>12}{each['everywhere_worst_ms']:>8}"
        )


def run(rounds: int) -> list[dict[str, Any]]:
    """Measure, print, and return what was found."""
    found = rows(uvloop.run(measure(rounds)))
    show(found)
    return found


def main() -> None:
    """Measure by itself."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.propagation",
        description="How long until every executor runs what was activated, or rolled back.",
    )
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON as well")
    told = parser.parse_args()
    found = run(told.rounds)
    if told.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
