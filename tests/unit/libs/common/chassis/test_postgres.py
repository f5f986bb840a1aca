from __future__ import annotations

import asyncpg
import pytest

from libs.common.chassis.postgres import asking_postgres
from libs.common.errors import Unavailable


async def test_who_loses_a_deadlock_may_ask_again() -> None:
    with pytest.raises(Unavailable):
        async with asking_postgres():
            raise asyncpg.DeadlockDetectedError("deadlock detected")


async def test_a_fault_of_ours_is_no_server_that_is_away() -> None:
    with pytest.raises(asyncpg.UniqueViolationError):
        async with asking_postgres():
            raise asyncpg.UniqueViolationError("duplicate key")
