"""Whatever is asked of management, within its document or beside it, is answered as that says."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from deploy.local.examples import seed as seed_examples
from tests.conftest import SAID
from tests.e2e.conftest import running
from tests.fuzz.run import SEED, fuzz

EXAMPLES = 8
"""An operation; `make fuzz` sends many more."""
ALWAYS = 20_261_121
"""The seed, unless one is named: a change is to be judged by what it changes. `make fuzz` draws."""


async def test_no_answer_is_a_fault_or_other_than_the_document_says(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    seed = int(os.environ.get(SEED) or ALWAYS)
    # A stack of its own: what is left behind would be in the way of other tests.
    async with running(tmp_path / "stack", durable=False) as stack:
        await seed_examples(stack.facts)
        found = await fuzz(
            stack.facts, tmp_path, seed=seed, examples=EXAMPLES, phases=("fuzzing", "stateful")
        )
    record_property(SAID, f"{found.cases} requests with {SEED}={seed}")
    assert found.passed, found.said
    assert found.cases
