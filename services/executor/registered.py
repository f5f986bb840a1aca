"""What tenants have registered for their flows to name, with secrets that are opened here."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import aiosql
import asyncpg
import structlog
from structlog.typing import FilteringBoundLogger

from libs.common.chassis.postgres import asking_postgres
from libs.common.chassis.seal import Keys, Unsealable
from libs.common.chassis.signing import webhook_secrets
from libs.common.flow.calls import Target
from libs.common.secret import Secret
from libs.common.wire.providers import PURPOSE, Captcha, Oidc, decode_config
from libs.common.wire.registered import ACTION_SECRET, decode_target
from services.executor.openid import Client

_QUERIES: Final[Any] = aiosql.from_path(Path(__file__).with_suffix(".sql"), "asyncpg")

log: FilteringBoundLogger = structlog.get_logger()


class Registered:
    """The things of all tenants."""

    def __init__(self, pool: asyncpg.Pool, keys: Keys) -> None:
        """Open what was sealed with `keys`; the owner of `pool` closes it."""
        self._pool = pool
        self._keys = keys

    def secrets(self, tenant: str) -> tuple[Secret, ...]:
        """Return what calls of a tenant are signed with that have no secret of their own."""
        return webhook_secrets(self._keys, tenant)

    async def action(self, tenant: str, id: str) -> tuple[Target, tuple[Secret, ...]] | None:
        """Find where an action is, and what its calls are signed with; None if it cannot be used.

        Raises `Unavailable`.
        """
        async with asking_postgres():
            row = await _QUERIES.find_action(self._pool, tenant=tenant, id=id)
        if row is None:
            log.warning("action_unknown", action=id)
            return None
        target = decode_target(row["config"])
        if row["sealed"] is None:
            return target, self.secrets(tenant)
        try:
            secret = self._keys.box(tenant, id).open(ACTION_SECRET, row["sealed"])
        except Unsealable as error:
            # Its key was taken out of the deployment. Unsigned it would be refused anyway.
            log.error("action_unsealable", action=id, reason=str(error))  # noqa: TRY400 -- a trace would tell no more than the reason
            return None
        return target, (Secret(secret.decode()),)

    async def openid(self, tenant: str, id: str) -> Client | None:
        """Find a provider that people sign in with; None if it cannot be used.

        Raises `Unavailable`.
        """
        async with asking_postgres():
            row = await _QUERIES.find_provider(self._pool, tenant=tenant, id=id)
        config = None if row is None else decode_config(row["config"])
        if row is None or not isinstance(config, Oidc):
            log.warning("provider_unknown", provider=id)
            return None
        if row["sealed"] is None:
            return Client(config, None)
        try:
            secret = self._keys.box(tenant, id).open(PURPOSE, row["sealed"])
        except Unsealable as error:
            log.error("provider_unsealable", provider=id, reason=str(error))  # noqa: TRY400 -- as above
            return None
        return Client(config, Secret(secret.decode()))

    async def captcha(self, tenant: str, id: str) -> tuple[Captcha, Secret] | None:
        """Find a captcha's provider with its secret; None if it cannot be used.

        Raises `Unavailable`.
        """
        async with asking_postgres():
            row = await _QUERIES.find_provider(self._pool, tenant=tenant, id=id)
        config = None if row is None else decode_config(row["config"])
        if row is None or row["sealed"] is None or not isinstance(config, Captcha):
            log.warning("captcha_unusable", provider=id)
            return None
        try:
            secret = self._keys.box(tenant, id).open(PURPOSE, row["sealed"])
        except Unsealable as error:
            log.error("captcha_unsealable", provider=id, reason=str(error))  # noqa: TRY400 -- as above
            return None
        return config, Secret(secret.decode())
