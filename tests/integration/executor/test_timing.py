"""No time and no text of an answer tells who has an account.

An executor of its own, as a process, answers tries about accounts that there are and about names
that nobody has. The statistic is the area under the ROC curve: the probability that an answer about
an account that there is took longer than one about none, ties counted half. Where the two
distributions are one it is 0.5, whatever the machine does besides, since the tries come in random
order. `APART` is how far from that it may be. Whoever is beyond it is measured afresh, so that
chance does not fail a run: a difference that there is comes again.

`make timing` does the same with 500 tries of each kind.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import statistics
import subprocess
import sys
import time
import uuid
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import aiohttp
import msgspec
import pytest_asyncio

from deploy.local.ports import free_port
from libs.common.chassis import hasher
from libs.common.chassis.config import variable
from libs.common.flow.model import FlowType, Graph, Json
from libs.common.secret import Secret
from tests.authenticator import Authenticator
from tests.conftest import SAID
from tests.integration.executor.conftest import Build, House
from tests.integration.executor.graphs import IDENTIFIER, LOGIN, START, SUCCESS, graph
from tests.integration.executor.test_codes import recovery, registration
from tests.integration.executor.test_main import NAMES, PROJECT
from tests.integration.executor.test_passkeys import NAMED, ORIGIN
from tests.patience import PATIENCE_SECONDS

TRIES = int(os.environ.get("TIMING_TRIES", "40"))
"""Of each kind."""
IN_EARNEST = TRIES >= 500
APART = 0.1 if IN_EARNEST else 0.25
"""With 40 tries the statistic's standard error is 0.065, with 500 it is 0.018."""
AFRESH = 3
PEOPLE = 20
"""Of each kind: a name is tried again and again, so that nothing is new about either."""
MEMORY_KIB, PASSES = (hasher.MEMORY_KIB, hasher.PASSES) if IN_EARNEST else (2048, 1)
"""What a hash costs: in the short run a tenth, which is still much of what a step costs."""
OUTSIDE = frozenset({"flowId", "stepId"})
CHALLENGE = re.compile(r'"challenge": "[^"]*"')

MFA = graph(
    [START, IDENTIFIER, {"id": "mfa", "type": "mfa_verification"}, SUCCESS],
    [("start", "identifier"), ("identifier", "mfa"), ("mfa", "success")],
)
Inputs = dict[str, Json]
Says = Callable[[str, Json], Inputs]
"""(name of the subject, step that is shown) → what is typed."""


class Journey(NamedTuple):
    kind: FlowType
    graph: Graph
    steps: Mapping[str, Says]
    """Those that are measured, in order."""


def names(subject: str, _step: Json) -> Inputs:
    return {"identifier": subject}


def registers(subject: str, _step: Json) -> Inputs:
    return {"email": subject}


def guesses_password(_subject: str, _step: Json) -> Inputs:
    return {"password": "not the password"}


def guesses_code(_subject: str, _step: Json) -> Inputs:
    # One digit more than there are, or one guess in some thousand runs would be right.
    return {"code": "1234567"}


def shows_a_passkey(_subject: str, step: Json) -> Inputs:
    options = step["data"]["webAuthn"]["publicKeyCredentialRequestOptions"]
    return {"tokenResponse": json.dumps(Authenticator(ORIGIN).show(options))}


JOURNEYS: Mapping[str, Journey] = {
    "login": Journey(
        FlowType.LOGIN, LOGIN, {"identifier_input": names, "password_input": guesses_password}
    ),
    "recovery": Journey(
        FlowType.ACCOUNT_RECOVERY,
        recovery(),
        {"identifier_input, then a mail": names, "email_verification": guesses_code},
    ),
    "registration": Journey(
        FlowType.REGISTRATION,
        registration(),
        {"prompt, then a mail": registers, "email_verification": guesses_code},
    ),
    "passkey": Journey(
        FlowType.LOGIN, NAMED, {"identifier_input": names, "webauthn": shows_a_passkey}
    ),
    "mfa": Journey(
        FlowType.LOGIN, MFA, {"identifier_input": names, "mfa_verification": guesses_code}
    ),
}


@asynccontextmanager
async def running(*command: str, environ: Mapping[str, str], port: int) -> AsyncIterator[None]:
    """Run a program that listens on `port`."""
    with subprocess.Popen(
        command, cwd=PROJECT, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not await listens(port):
                    assert process.poll() is None, "it ended"
                    await asyncio.sleep(0.05)
            yield
        finally:
            process.terminate()


async def listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


@pytest_asyncio.fixture
async def house(build_house: Build, redis_url: str) -> House:
    made = await build_house(redis_url)
    # The accounts are hashed as the executor hashes.
    made.settings = msgspec.structs.replace(
        made.settings, argon2_memory_kib=MEMORY_KIB, argon2_passes=PASSES
    )
    return made


@pytest_asyncio.fixture
async def url(house: House) -> AsyncIterator[str]:
    """An executor in a process of its own, which nobody blocks and whose mail somebody takes."""
    port, smtp = free_port(), free_port()
    values = {name: getattr(house.settings, name) for name in NAMES}
    told: dict[str, str] = {
        name: value.reveal() if isinstance(value, Secret) else str(value)
        for name, value in values.items()
    }
    told |= {
        "port": str(port),
        "smtp_url": f"smtp+plain://127.0.0.1:{smtp}",
        "smtp_seconds": "30",
        "argon2_memory_kib": str(MEMORY_KIB),
        "argon2_passes": str(PASSES),
        "log_level": "error",
        "redis_seconds": "20",
        **dict.fromkeys(("address_burst", "tenant_burst", "secret_burst"), "1000000"),
        **dict.fromkeys(("code_burst", "code_message_burst", "message_burst"), "1000000"),
    }
    environ = {**os.environ, **{variable(name): value for name, value in told.items()}}
    sink = ("-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{smtp}", "-c", "aiosmtpd.handlers.Sink")
    async with (
        running(sys.executable, *sink, environ=environ, port=smtp),
        running(sys.executable, "-m", "services.executor", environ=environ, port=port),
    ):
        yield f"http://127.0.0.1:{port}/flow/execute"


@pytest_asyncio.fixture
async def people(house: House) -> dict[bool, list[str]]:
    """Names by whether there is an account; each of those has an authenticator."""
    found: dict[bool, list[str]] = {True: [], False: []}
    for number in range(2 * PEOPLE):
        name, exists = f"{uuid.uuid4().hex}@example.com", number % 2 == 0
        if exists:
            await house.person(name, totp=True)
        found[exists].append(name)
    return found


async def measured(
    journey: Journey, url: str, people: Mapping[bool, Sequence[str]]
) -> dict[str, dict[bool, list[float]]]:
    """Return seconds by step and by whether there is an account; see that nothing else differs."""
    seconds: dict[str, dict[bool, list[float]]] = defaultdict(lambda: {True: [], False: []})
    shown: dict[str, set[str]] = defaultdict(set)
    order = [exists for exists in (True, False) for _ in range(TRIES)]
    async with aiohttp.ClientSession() as http:

        async def post(body: Json) -> Json:
            async with http.post(url, json=body) as answer:
                return {**await answer.json(), "status": answer.status}

        subjects = [
            (people[exists][number % PEOPLE], exists) for number, exists in enumerate(order)
        ]
        runs = [(*subject, await post({"flowType": journey.kind.wire})) for subject in subjects]
        # One step of all, then the next of all: a mail that a step had sent is work for the
        # executor, and would be measured with the same session's next step.
        for name, says in journey.steps.items():
            random.shuffle(runs)
            for number, (subject, exists, step) in enumerate(runs):
                body = {"flowId": step["flowId"], "inputs": says(subject, step)}
                began = time.perf_counter()
                answer = await post(body)
                seconds[name][exists].append(time.perf_counter() - began)
                shown[name].add(seen(answer))
                runs[number] = (subject, exists, answer)
    assert {name: len(looks) for name, looks in shown.items()} == dict.fromkeys(journey.steps, 1)
    return seconds


def seen(step: Json) -> str:
    """What a client sees, but for what is random."""
    said = {name: value for name, value in step.items() if name not in OUTSIDE}
    return CHALLENGE.sub('"challenge": "any"', json.dumps(said, sort_keys=True))


def area(some: Sequence[float], others: Sequence[float]) -> float:
    """Return the probability that one of `some` is above one of `others`; ties count half."""
    ranked = sorted(others)
    below = sum(bisect_left(ranked, each) + bisect_right(ranked, each) for each in some)
    return below / (2 * len(some) * len(others))


class Compared(NamedTuple):
    area: float
    tries: int
    medians: tuple[float, float]
    """Milliseconds: where there is an account, and where there is none."""

    def __str__(self) -> str:
        return "{:.3f} over {} tries each (medians {:.2f} and {:.2f} ms)".format(
            self.area, self.tries, *self.medians
        )


def compared(there: Sequence[float], nobody: Sequence[float]) -> Compared:
    medians = (1000 * statistics.median(there), 1000 * statistics.median(nobody))
    return Compared(area(there, nobody), len(there), medians)


def test_the_statistic_tells_apart_what_differs_and_nothing_else() -> None:
    drawn = random.Random(7)  # noqa: S311 - a sample, not a secret
    one, other = ([drawn.gauss(5, 1) for _ in range(500)] for _ in range(2))
    assert abs(area(one, other) - 0.5) < 0.1
    assert area([each + 1 for each in one], other) > 0.7
    assert area([1.0, 1.0], [1.0]) == 0.5


async def test_the_time_of_an_answer_tells_nobody_who_has_an_account(
    house: House,
    url: str,
    people: Mapping[bool, Sequence[str]],
    record_property: Callable[[str, object], None],
) -> None:
    apart: dict[str, float] = {}
    for name, journey in JOURNEYS.items():
        await house.publish(journey.graph, journey.kind)
        for _ in range(AFRESH):
            found = await measured(journey, url, people)
            told = {f"{name}, {step}": compared(*times.values()) for step, times in found.items()}
            apart |= {step: abs(each.area - 0.5) for step, each in told.items()}
            for step, each in told.items():
                record_property(SAID, f"{step}: {each}")
            if all(apart[step] <= APART for step in told):
                break
    assert {step: each for step, each in apart.items() if each > APART} == {}
