"""`make bench`: requests a second on one core, and what each request costs there, beside floors.

Absolute figures belong to the machine; the ratios travel. The load, Redis and whatever else runs
share the other core, so that the server's core shows the server alone. On a machine with one core
everything shares it, and the figures are void.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop

from deploy.local.migrate import database_dsn, migrate
from deploy.local.nats import start_nats
from deploy.local.postgres import start_postgres
from deploy.local.valkey import start_valkey
from tests.bench.case import Bench, Case
from tests.bench.executor import START, STEP, UNLOGGED
from tests.bench.floors import FLOOR_0, FLOOR_2, OTHERS
from tests.bench.load import Sample, load
from tests.bench.propagation import run as run_propagation
from tests.bench.validation import run as run_validation

CASES: tuple[Case, ...] = (FLOOR_0, FLOOR_2, STEP, UNLOGGED, START, *OTHERS)
RUNS = 3
WARM_UP = 0.5
ALONE = 0.95
"""Of its core, that a server under load has when nothing else is on it."""
PASSWORD = "bench"
"""Of servers on loopback that live as long as the run."""
PROPAGATION_ROUNDS = 50
RESULT = Path(".local/bench.json")


async def measure(
    cases: tuple[Case, ...], runs: int, seconds: float, server_core: int
) -> list[Any]:
    """Measure each case so many times, in turn, so that a bad moment hits all alike."""
    samples: dict[str, list[Sample]] = {case.name: [] for case in cases}
    async with AsyncExitStack() as end:
        folder = Path(end.enter_context(tempfile.TemporaryDirectory()))
        bench = await start_servers(folder, server_core, end)
        redis = bench.redis.process.pid
        targets = [(case, await end.enter_async_context(case.start(bench))) for case in cases]
        for case, target in targets:
            await load(target, redis, case.traffic, WARM_UP)
        for _ in range(runs):
            for case, target in targets:
                samples[case.name].append(await load(target, redis, case.traffic, seconds))
    return [row(name, taken) for name, taken in samples.items()]


async def start_servers(folder: Path, server_core: int, end: AsyncExitStack) -> Bench:
    """Start what the cases use, on this process's core, until `end`."""
    postgres = await start_postgres(
        folder / "postgres", password=PASSWORD, log=folder / "postgres.log", durable=False
    )
    end.push_async_callback(postgres.process.stop)
    nats = await start_nats(folder / "nats", password=PASSWORD, log=folder / "nats.log")
    end.push_async_callback(nats.process.stop)
    redis = await start_valkey(
        folder / "valkey", password=PASSWORD, log=folder / "valkey.log", durable=False
    )
    end.push_async_callback(redis.process.stop)
    dsn = database_dsn(postgres.url, "bench")
    await migrate(dsn, log=folder / "dbmate.log")
    return Bench(folder, redis, dsn, nats, server_core)


def row(name: str, runs: list[Sample]) -> dict[str, Any]:
    return {
        "case": name,
        "requests_per_second": round(statistics.median(r.requests_per_second for r in runs)),
        "cpu_microseconds": round(statistics.median(r.cpu_microseconds for r in runs), 1),
        "redis_microseconds": round(statistics.median(r.redis_microseconds for r in runs), 1),
        # Below 1, something else was on the server's core, or the load or Redis could not keep up,
        # and only the CPU time can be believed.
        "of_its_core": round(statistics.median(r.of_its_core for r in runs), 2),
        "runs": [round(r.requests_per_second) for r in runs],
        "cpu_runs": [round(r.cpu_microseconds, 1) for r in runs],
    }


def compare(rows: list[dict[str, Any]]) -> None:
    """Add to each row its share of the floors, by requests a second and by CPU time.

    Each is the median of the shares in runs of the same turn: where a machine is busy, its moments
    differ more than what is measured in them.
    """
    by_name = {row["case"]: row for row in rows}
    for floor in (FLOOR_0, FLOOR_2):
        least = by_name[floor.name]
        number = floor.name.partition(":")[0].replace(" ", "_")
        for each in rows:
            each[f"of_{number}"] = _median_share(each["runs"], least["runs"])
            each[f"of_{number}_by_cpu"] = _median_share(least["cpu_runs"], each["cpu_runs"])


def _median_share(parts: list[float], wholes: list[float]) -> float:
    shares = [part / whole for part, whole in zip(parts, wholes, strict=True)]
    return round(statistics.median(shares), 2)


def show(rows: list[dict[str, Any]]) -> None:
    print(f"{'':40}{'req/s':>8}{'÷ floor 0':>11}{'÷ floor 2':>11}{'CPU µs':>9}", end="")
    print(f"{'÷ floor 0':>11}{'÷ floor 2':>11}{'Redis µs':>10}{'of core':>9}   runs")
    for each in rows:
        print(
            f"{each['case']:40}{each['requests_per_second']:>8,}"
            f"{each['of_floor_0']:>11.2f}{each['of_floor_2']:>11.2f}{each['cpu_microseconds']:>9}"
            f"{each['of_floor_0_by_cpu']:>11.2f}{each['of_floor_2_by_cpu']:>11.2f}"
            f"{each['redis_microseconds']:>10}"
            f"{each['of_its_core']:>9.0%}   " + " ".join(f"{run:,}" for run in each["runs"][:RUNS])
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="of load for each of the runs")
    parser.add_argument(
        "--runs", type=int, default=RUNS, help="of each case; many where it is noisy"
    )
    parser.add_argument("--only", default="", help="besides the floors, cases with this in them")
    told = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    server_core, load_core = cores[0], cores[-1]
    os.sched_setaffinity(0, {load_core})
    placed = f"core {server_core}: the server under test; core {load_core}: the load and the rest"
    print(f"{placed}\nmedians of {told.runs} runs of {told.seconds:g} s, in turn\n")
    cases = tuple(case for case in CASES if told.only in case.name or case in (FLOOR_0, FLOOR_2))
    rows = uvloop.run(measure(cases, told.runs, told.seconds, server_core))
    compare(rows)
    show(rows)
    disturbed = [each["case"] for each in rows if each["of_its_core"] < ALONE]
    if disturbed:
        print(
            "\nThe machine was busy, or the load too slow: these servers did not have their core "
            "to themselves, so only their CPU time can be believed:\n  " + "\n  ".join(disturbed)
        )
    print()
    validation = run_validation()
    print()
    # Its processes are many, and want both cores.
    os.sched_setaffinity(0, set(cores))
    propagation = run_propagation(PROPAGATION_ROUNDS)
    facts = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "placed": placed,
        "seconds": told.seconds,
        "disturbed": disturbed,
        "cases": rows,
        "validation": validation,
        "propagation": propagation,
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(facts, indent=2))
    print(f"\nwritten to {RESULT}")


if __name__ == "__main__":
    main()
