"""Makes what executors deal with others through, as the settings say: accounts, mail and SMS.

Where it all leads to is the operator's to say. What a tenant names is never reached through here.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from typing import Final

import asyncpg
import structlog
from structlog.typing import FilteringBoundLogger

from libs.common.chassis.config import read, variable
from libs.common.chassis.hasher import Hasher
from libs.common.chassis.networks import Networks
from libs.common.chassis.outgoing import Outgoing
from libs.common.chassis.startup import StartupFailure
from services.executor.breaker import Breaker
from services.executor.config import Settings
from services.executor.directory import Directory, Passwords
from services.executor.directory.externals import Externals, PostgresExternals
from services.executor.directory.http import HttpDirectory, TheirExternals, TheirPasskeys
from services.executor.directory.passkeys import Passkeys, PostgresPasskeys
from services.executor.directory.postgres import HashedPasswords, PostgresDirectory
from services.executor.directory.remote import Remote, check_remote
from services.executor.messages.gateway import Account, Gateway, check_url
from services.executor.messages.mailer import Mailer, Server
from services.executor.metrics import ExecutorMetrics
from services.executor.shared import parse_shared

log: FilteringBoundLogger = structlog.get_logger()

_ANYWHERE: Final = Networks(("0.0.0.0/0", "::/0"))


@dataclasses.dataclass(frozen=True)
class Accounts:
    """Where users are, and what they sign in with."""

    directory: Directory
    passwords: Passwords
    passkeys: Passkeys
    externals: Externals


def open_accounts(
    settings: Settings,
    pool: asyncpg.Pool,
    hasher: Hasher,
    metrics: ExecutorMetrics,
    closers: contextlib.AsyncExitStack,
) -> Accounts:
    """Take users from PostgreSQL, or from the directory of the operator's own."""
    passkeys, externals = PostgresPasskeys(pool), PostgresExternals(pool)
    if settings.directory_url is None:
        ours = PostgresDirectory(pool)
        return Accounts(ours, HashedPasswords(ours, hasher), passkeys, externals)
    if settings.directory_secrets is None:
        raise StartupFailure(f"{variable('directory_secrets')} is needed for a directory")
    # Wherever the operator says, as with the SMS gateway.
    anywhere = Outgoing(_ANYWHERE)
    closers.push_async_callback(anywhere.close)
    remote = Remote(
        anywhere,
        read("directory_url", check_remote, settings.directory_url),
        read("directory_secrets", parse_shared, settings.directory_secrets),
        Breaker(time.monotonic),
        metrics.directory,
        seconds=settings.directory_seconds,
        clock=time.time,
    )
    theirs = HttpDirectory(pool, remote)
    return Accounts(
        theirs, theirs, TheirPasskeys(theirs, passkeys), TheirExternals(theirs, externals)
    )


def open_mailer(settings: Settings, closers: contextlib.AsyncExitStack) -> Mailer | None:
    """Make what sends mail; None where no mail server is set, and a warning if it is to send."""
    if settings.smtp_url is None:
        if settings.messengers:
            log.warning("mail_not_set_up", setting=variable("smtp_url"))
        return None
    mailer = Mailer(
        read("smtp_url", Server.parse, settings.smtp_url), seconds=settings.smtp_seconds
    )
    closers.push_async_callback(mailer.close)
    return mailer


def open_gateway(settings: Settings, closers: contextlib.AsyncExitStack) -> Gateway | None:
    """Make what sends SMS; None where no gateway is set."""
    if settings.sms_url is None:
        return None
    account = Account(
        read("sms_url", check_url, settings.sms_url),
        settings.sms_form,
        settings.sms_from,
        settings.sms_user,
        settings.sms_secret,
    )
    # Wherever the operator says: no tenant has a say in it.
    anywhere = Outgoing(_ANYWHERE)
    closers.push_async_callback(anywhere.close)
    return Gateway(anywhere, account, seconds=settings.sms_seconds)
