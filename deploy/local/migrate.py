"""Brings a database to the newest schema, with dbmate."""

from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from deploy.local.process import Process, Program
from deploy.local.server import script

MIGRATIONS = Path(__file__).parents[2] / "services" / "management" / "migrations"


async def migrate(dsn: str, *, log: Path) -> None:
    """Create the database if it is not there, and apply the migrations it lacks; raises Failed."""
    program = Program(
        name="dbmate",
        command=[
            *(script("dbmate"), "--migrations-dir", MIGRATIONS),
            # `schema.sql` is written by hand, and compared by a test.
            *("--no-dump-schema", "--migration-lock", "up"),
        ],
        log=log,
        lock=log.with_name(f"{log.name}.lock"),
        # Not on the command line, which everybody on this machine can read.
        environment={"DATABASE_URL": dsn},
    )
    await Process(program).finish()


def database_dsn(server: str, name: str) -> str:
    """Return the URL of the database `name` on the server of another URL."""
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
