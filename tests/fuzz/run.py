"""Lets schemathesis call a management that runs, by nothing but what `/openapi.json` says of it.

Every answer has to be of a status, a content type, headers and a schema that the document declares,
and none may be a fault of the server. The same seed makes the same requests, as far as the server
has the same to tell.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path
from typing import Final, NamedTuple

from deploy.local.services import PROJECT
from deploy.local.stack import Facts
from tests.patience import PATIENCE_SECONDS

SEED: Final = "FUZZ_SEED"
"""The variable that has the seed of a run which is to be repeated."""
CHECKS: Final = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
# Of the ways to find what one answer has for another request, the one by addresses ends the run at
# text that looks like an address and is none.
CONFIGURED: Final = """
[phases.stateful.inference]
algorithms = ["dependency-analysis"]
"""
_MADE: Final = re.compile(r"^  (\d+) generated", re.MULTILINE)
_WALKED: Final = re.compile(r"^  Selected: (\d+)/(\d+)\n  Tested: (\d+)$", re.MULTILINE)


class Fuzzed(NamedTuple):
    """What came of a run."""

    cases: int
    passed: bool
    """Whether no answer was wrong, and every operation was called."""
    said: str
    """All that schemathesis has to say, the seed among it."""


async def fuzz(
    facts: Facts, folder: Path, *, seed: int, examples: int, phases: tuple[str, ...]
) -> Fuzzed:
    """Call each operation with `examples` requests a phase, and more where a phase has its own.

    `folder` takes what schemathesis leaves behind.
    """
    (folder / "schemathesis.toml").write_text(CONFIGURED)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{facts.management_url}/openapi.json"),
        *("--header", f"Authorization: Bearer {facts.admin_token}", "--no-color", "--no-shrink"),
        *("--phases", ",".join(phases), "--max-examples", str(examples), "--seed", str(seed)),
        *("--checks", ",".join(CHECKS), "--generation-database", "none"),
        *("--request-timeout", str(PATIENCE_SECONDS), "--suppress-health-check", "too_slow"),
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(PROJECT),
            "SCHEMATHESIS_HOOKS": "tests.fuzz.hooks",
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    said = output.decode()
    made, walked = _MADE.search(said), _WALKED.search(said)
    every_one = walked is not None and len(set(walked.groups())) == 1
    passed = process.returncode == 0 and every_one
    return Fuzzed(0 if made is None else int(made[1]), passed, said)
