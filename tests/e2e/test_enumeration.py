"""Nobody learns from an answer who has an account. (That its time tells nothing either is measured
by `tests/integration/executor/test_timing.py`.)
"""

from __future__ import annotations

import pytest

from tests.e2e.conftest import PASSWORD, register
from tests.e2e.walker import Reply, Walker

VARYING = frozenset({"Date", "X-Request-ID", "X-RateLimit-Remaining", "X-RateLimit-Reset"})
"""Headers that differ from one request to the next, whoever it is about."""
SESSIONS = 5
"""With five wrong passwords each, more than an account may be given in a row."""


def shown(step: Reply) -> tuple[int, bytes, dict[str, str]]:
    """What somebody sees who looks at every byte, but for the names of session and step."""
    content = step.content.replace(step.flow.encode(), b"flow")
    if "stepId" in step.body:
        content = content.replace(step.body["stepId"].encode(), b"step")
    headers = {name: value for name, value in step.headers.items() if name not in VARYING}
    return step.status, content, headers


async def guess_wrong(walker: Walker, identifier: str) -> list[tuple[int, bytes, dict[str, str]]]:
    """Guess until there is no session left to guess in; return all that is shown."""
    seen = []
    for _ in range(SESSIONS):
        step = await walker.start("login")
        step = await walker.submit(step, identifier=identifier)
        seen.append(shown(step))
        number = 0
        while step.body["flowStatus"] == "INCOMPLETE":
            number += 1
            step = await walker.submit(step, password=f"guess {number}")
            seen.append(shown(step))
    return seen


@pytest.mark.usefixtures("flows")
async def test_an_account_that_exists_and_one_that_does_not_look_alike_to_the_last_byte(
    walker: Walker,
) -> None:
    await register(walker, "enid@example.com")
    known = await guess_wrong(walker, "enid@example.com")
    unknown = await guess_wrong(walker, "noah@example.com")
    assert len(known) > 20, "enough to be blocked"
    assert known == unknown


@pytest.mark.usefixtures("flows")
async def test_the_right_password_of_an_account_guessed_at_too_often_looks_wrong(
    walker: Walker,
) -> None:
    known, unknown = "ella@example.com", "nils@example.com"
    await register(walker, known)
    for identifier in (known, unknown):
        await guess_wrong(walker, identifier)
    right = await walker.sign_in("login", known, PASSWORD)
    wrong = await walker.sign_in("login", unknown, PASSWORD)
    assert shown(right) == shown(wrong)
    assert "userAssertion" not in right.data
