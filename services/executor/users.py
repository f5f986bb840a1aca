"""Adds accounts from the command line, for operators: `python -m services.executor.users add`.

    python -m services.executor.users add --email a@example.com --password-stdin --totp <file

Prints JSON: the account's `id`, and with `--totp` what an authenticator app needs. A password is
read from standard input and never from an argument, which every process of the machine can see.
It reads the executor's own environment.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import uuid
from collections.abc import Sequence

import msgspec
import pyotp

from libs.common.chassis.config import load
from libs.common.chassis.hasher import make_hasher
from libs.common.chassis.postgres import open_pool
from libs.common.chassis.seal import Keys
from libs.common.chassis.startup import StartupFailure
from libs.common.errors import Conflict, GatehouseError
from libs.common.flow.identifier import KINDS
from libs.common.flow.questions import Taken, Written
from libs.common.secret import Secret
from services.executor.assertions import DEFAULT_TENANT
from services.executor.config import CredentialSettings
from services.executor.directory.postgres import PostgresDirectory
from services.executor.handlers.authenticator import seal_secret, uri_of

_STATEMENT_SECONDS = 10.0


class Added(msgspec.Struct, omit_defaults=True):
    """What is printed. It shows the authenticator's secret, which is nowhere else in clear."""

    id: str
    totp_secret: str | None = None
    totp_uri: str | None = None


async def add(
    settings: CredentialSettings,
    tenant: str,
    attributes: dict[str, str],
    password: Secret | None,
    *,
    totp: bool,
) -> Added:
    """Make an account; raise `Conflict` where somebody has an identifier of it already."""
    keys = Keys.parse(settings.credential_keys)
    pool = await open_pool(settings.postgres_dsn, most=1, seconds=_STATEMENT_SECONDS)
    hasher = make_hasher(settings)
    try:
        directory = PostgresDirectory(pool)
        phc = None if password is None else await hasher.hash(password)
        written = await directory.write(tenant, str(uuid.uuid4()), None, attributes, phc)
        if isinstance(written, Taken):
            raise Conflict(f"somebody has this {written.attribute} already")
        assert isinstance(written, Written)  # noqa: S101 - nobody was invited
        if not totp:
            return Added(written.account)
        secret = Secret(pyotp.random_base32())
        sealed = seal_secret(keys, tenant, written.account, secret)
        await directory.enrol_totp(tenant, written.account, sealed)
        name = next(iter(attributes.values()))
        uri = uri_of(secret, issuer="Gatehouse", name=name)
        return Added(written.account, secret.reveal(), uri)
    finally:
        hasher.close()
        await pool.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m services.executor.users")
    command = parser.add_subparsers(dest="command", required=True)
    adding = command.add_parser("add", help="make an account")
    adding.add_argument("--tenant", default=DEFAULT_TENANT)
    for kind in KINDS:
        adding.add_argument(f"--{kind}")
    adding.add_argument("--password-stdin", action="store_true", help="read a password")
    adding.add_argument("--totp", action="store_true", help="give it an authenticator")
    given = parser.parse_args(arguments)
    attributes = {kind: getattr(given, kind) for kind in KINDS if getattr(given, kind)}
    if not attributes:
        parser.error("an account needs --email, --username or --phone")
    password = Secret(sys.stdin.read().rstrip("\r\n")) if given.password_stdin else None
    if password is not None and not password.reveal():
        parser.error("the password is empty")
    try:
        settings = load(CredentialSettings, os.environ)
        made = asyncio.run(add(settings, given.tenant, attributes, password, totp=given.totp))
    except (StartupFailure, GatehouseError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(msgspec.json.encode(made).decode() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
