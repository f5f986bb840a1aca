"""PostgreSQL as the services share it: opening a pool, and what it means when it is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import asyncpg

from libs.common.chassis.config import variable
from libs.common.chassis.startup import StartupFailure, depends_on
from libs.common.errors import Unavailable
from libs.common.secret import Secret

ASKING_SECONDS = 5.0
"""How long a question of a request may take, unless somebody says otherwise."""

AWAY: tuple[type[Exception], ...] = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)
"""What the driver raises when the server cannot be asked. Other errors are faults of ours."""


async def open_pool(dsn: Secret, *, most: int, seconds: float) -> asyncpg.Pool:
    """Open a pool of up to `most` connections whose statements may take `seconds`.

    Raises `StartupFailure` if the server cannot be reached now.
    """
    with depends_on("PostgreSQL", variable("postgres_dsn"), *AWAY, asyncpg.PostgresError):
        return await asyncpg.create_pool(
            dsn.reveal(), min_size=1, max_size=most, timeout=seconds, command_timeout=seconds
        )


@contextmanager
def expecting_tables() -> Iterator[None]:
    """Turn what a database without our tables answers into a `StartupFailure`."""
    try:
        yield
    except asyncpg.UndefinedTableError as error:
        raise StartupFailure(
            f"{variable('postgres_dsn')}: the database lacks our tables; apply the migrations first"
        ) from error


@asynccontextmanager
async def asking_postgres(seconds: float | None = ASKING_SECONDS) -> AsyncIterator[None]:
    """Turn what the driver raises for a server that is away, or for a deadlock, into `Unavailable`.

    Away is one that has not answered in `seconds`, with the wait for a connection in them: behind a
    server that hangs, those who wait for a connection would otherwise wait for each other. None is
    for who never ends, and has a connection whose every statement is bounded.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except AWAY as error:
        if isinstance(error, ValueError):
            # asyncpg's own complaint about an argument is an `InterfaceError` too.
            raise
        raise Unavailable("postgres") from error
    except asyncpg.DeadlockDetectedError as error:
        # Two who wait for each other, as two users do who take each other's address. Nothing of
        # this one was done, and the other goes on: the same again is answered.
        raise Unavailable("postgres") from error
