"""`make fuzz`: thousands of requests to all three faces of management, by what their document says.

Prints the seed, and how many there were; `FUZZ_SEED=… make fuzz` sends the same again.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import tempfile
from pathlib import Path

from deploy.local.examples import seed as seed_examples
from deploy.local.ports import free_port
from deploy.local.stack import PORTS, local_stack
from tests.fuzz.run import SEED, fuzz

LEAST = 5_000
"""Requests; fewer are no run."""
EXAMPLES = 20
PHASES = ("coverage", "fuzzing", "stateful")


async def main() -> int:
    seed = int(os.environ.get(SEED) or random.getrandbits(32))
    print(f"fuzz: {SEED}={seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        ports = {name: free_port() for name in PORTS}
        async with local_stack(Path(folder, "stack"), ports=ports, durable=False) as stack:
            await seed_examples(stack.facts)
            found = await fuzz(
                stack.facts, Path(folder), seed=seed, examples=EXAMPLES, phases=PHASES
            )
    print(found.said)
    print(f"fuzz: {found.cases} requests with {SEED}={seed}")
    return 0 if found.passed and found.cases >= LEAST else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
