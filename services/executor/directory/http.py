"""The accounts in a directory of somebody else's, and what we keep of them in PostgreSQL.

Who somebody is, their identifiers, attributes and password are over there. What Gatehouse itself
has them set up stays here, in the tables of our own accounts: factors, passkeys, who they are to
providers, consents, invitations, counters. It hangs on a row of `users` that has nothing but the
account's id, and that is made when there is first something to keep: by then they have proved who
they are. Looking somebody up makes none, or its time would tell who exists.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final, cast
from uuid import UUID

import asyncpg
import structlog
from structlog.typing import FilteringBoundLogger

from libs.common.chassis.postgres import asking_postgres
from libs.common.errors import NotFound, Unavailable
from libs.common.flow.identifier import KINDS
from libs.common.flow.model import Json
from libs.common.flow.questions import Taken, Uninvited, Written
from libs.common.flow.turn import External
from libs.common.secret import Secret
from services.executor.ceremonies import Known, Made
from services.executor.directory import NOBODY
from services.executor.directory.contract import (
    Checked,
    CheckPassword,
    Delete,
    Deleted,
    Find,
    Found,
    Kind,
    Load,
    Loaded,
    Noted,
    VerifyEmail,
    Write,
    Wrote,
)
from services.executor.directory.externals import Externals, Owner
from services.executor.directory.passkeys import Kept, Passkeys
from services.executor.directory.postgres import (
    QUERIES,
    PostgresDirectory,
    factors_of,
    identifier_of,
)
from services.executor.directory.remote import TRIES, Remote

log: Final[FilteringBoundLogger] = structlog.get_logger()


class HttpDirectory(PostgresDirectory):
    """A `Directory`, and what checks its `Passwords`; what is not asked there is as in ours."""

    def __init__(self, pool: asyncpg.Pool, remote: Remote) -> None:
        """Use `pool`, whose owner closes it, for what is kept here."""
        super().__init__(pool)
        self._remote = remote

    async def find(self, tenant: str, kinds: tuple[str, ...], identifier: str) -> str | None:
        """See `Directory.find`."""
        asked = Find(tenant=tenant, kinds=cast("tuple[Kind, ...]", kinds), identifier=identifier)
        found = (await self._remote.ask(asked, Found, tries=TRIES)).account
        account = None if found is None else str(found)
        # For nobody as well, at the same cost.
        ours = await self._kept(tenant, account or NOBODY)
        return None if ours is not None and ours["blocked"] else account

    async def check(self, tenant: str, account: str, password: Secret) -> bool:
        """See `Passwords.check`."""
        # NFC, as ours are hashed; and what no text can say is asked for as well, in vain.
        wanted = unicodedata.normalize("NFC", password.reveal())
        sent = wanted.encode("utf-8", "replace").decode()
        asked = CheckPassword(tenant=tenant, account=account, password=Secret(sent))
        right = (await self._remote.ask(asked, Checked, tries=TRIES)).right
        return right and sent == wanted and account != NOBODY

    async def load(self, tenant: str, account: str) -> Mapping[str, Json] | None:
        """See `Directory.load`."""
        asked = Load(tenant=tenant, account=account)
        loaded, ours = await asyncio.gather(
            self._remote.ask(asked, Loaded, tries=TRIES), self._kept(tenant, account)
        )
        user = loaded.user
        if user is None or (ours is not None and ours["blocked"]):
            return None
        told = {"created_at": user.created_at, "updated_at": user.updated_at}
        return {
            **user.attributes,
            "id": account,
            "email": user.email,
            "username": user.username,
            "phone": user.phone,
            "email_verified": user.email_verified,
            "logins_count": 0 if ours is None else ours["logins_count"],
            "last_login": None if ours is None else ours["last_login"],
            # What a directory does not tell is missing, and not nothing.
            **{name: value for name, value in told.items() if value is not None},
            **factors_of(ours),
        }

    async def write(
        self,
        tenant: str,
        key: str,
        account: str | None,
        attributes: Mapping[str, Json],
        password_hash: str | None,
        *,
        verified: bool = False,
        invitation: str | None = None,
    ) -> Written | Taken | Uninvited:
        """See `Directory.write`.

        An invitation is used up first, for this key alone, and given back where nobody was written.
        """
        identifiers = {kind: identifier_of(kind, attributes.get(kind)) for kind in KINDS}
        if invitation is not None and not await self._use(tenant, invitation, key):
            return Uninvited()
        asked = Write(
            tenant=tenant,
            creation_key=key,
            account=account,
            email_verified=verified,
            attributes={name: each for name, each in attributes.items() if name not in KINDS},
            password_hash=None if password_hash is None else Secret(password_hash),
            **identifiers,
        )
        wrote = await self._remote.ask(asked, Wrote)
        if wrote.account is not None:
            await self._adopt(tenant, str(wrote.account))
            return Written(str(wrote.account))
        if invitation is not None:
            await self._give_back(tenant, invitation, key)
        if wrote.taken is not None:
            return Taken(wrote.taken)
        raise NotFound("the account is gone")

    async def verify_email(self, tenant: str, account: str, email: str) -> bool:
        """See `Directory.verify_email`."""
        asked = VerifyEmail(tenant=tenant, account=account, email=email)
        return (await self._remote.ask(asked, Noted)).noted

    async def delete(self, tenant: str, account: str) -> None:
        """See `Directory.delete`."""
        # Over there first: what is left here opens nothing, and goes when it is tried again.
        await self._remote.ask(Delete(tenant=tenant, account=account), Deleted)
        await super().delete(tenant, account)

    async def enrol_totp(
        self, tenant: str, account: str, sealed: bytes, *, first: bool = False
    ) -> bool:
        """See `Directory.enrol_totp`."""
        await self._adopt(tenant, account)
        return await super().enrol_totp(tenant, account, sealed, first=first)

    async def keep_recovery_codes(
        self, tenant: str, account: str, digests: Sequence[bytes], *, first: bool = False
    ) -> bool:
        """See `Directory.keep_recovery_codes`."""
        await self._adopt(tenant, account)
        return await super().keep_recovery_codes(tenant, account, digests, first=first)

    async def keep_consent(
        self, tenant: str, account: str, purpose: str, until: int | None
    ) -> None:
        """See `Directory.keep_consent`."""
        await self._adopt(tenant, account)
        await super().keep_consent(tenant, account, purpose, until)

    async def count_login(self, tenant: str, account: str, at: int, effect: str) -> None:
        """See `Directory.count_login`."""
        # Performed some time after it was told: who has left meanwhile is given no row again.
        if await self.adopt(tenant, account):
            await super().count_login(tenant, account, at, effect)

    async def adopt(self, tenant: str, account: str) -> bool:
        """Have a row that what is kept of the account can hang on; false where it is gone."""
        if (await self._remote.ask(Load(tenant=tenant, account=account), Loaded)).user is None:
            return False
        await self._adopt(tenant, account)
        return True

    async def _adopt(self, tenant: str, account: str) -> None:
        async with asking_postgres():
            adopted = await QUERIES.adopt(self._pool, tenant=tenant, account=account)
        if not adopted:
            # What is kept under an id would be open to two people.
            log.error("directory_id_is_of_another_tenant")
            raise Unavailable("directory")

    async def _kept(self, tenant: str, account: str) -> asyncpg.Record | None:
        async with asking_postgres():
            row: asyncpg.Record | None = await QUERIES.kept(
                self._pool, tenant=tenant, account=account
            )
        return row

    async def _use(self, tenant: str, invitation: str, key: str) -> bool:
        async with asking_postgres():
            used = await QUERIES.use_invitation(
                self._pool, tenant=tenant, id=invitation, key=UUID(key)
            )
        return used is not None

    async def _give_back(self, tenant: str, invitation: str, key: str) -> None:
        async with asking_postgres():
            await QUERIES.give_back_invitation(
                self._pool, tenant=tenant, id=invitation, key=UUID(key)
            )


class TheirPasskeys:
    """`Passkeys` of those whom the directory still has."""

    def __init__(self, directory: HttpDirectory, ours: Passkeys) -> None:
        """Keep them in `ours`."""
        self._directory = directory
        self._ours = ours

    async def list(self, tenant: str, account: str, site: str) -> tuple[Known, ...]:
        """See `Passkeys.list`."""
        return await self._ours.list(tenant, account, site)

    async def use(self, tenant: str, id: bytes, sign_count: int, attempt: str) -> bool:
        """See `Passkeys.use`."""
        return await self._ours.use(tenant, id, sign_count, attempt)

    async def find(self, tenant: str, id: bytes, site: str) -> Kept | None:
        """See `Passkeys.find`."""
        kept = await self._ours.find(tenant, id, site)
        if kept is None or await self._directory.load(tenant, kept.account) is None:
            return None
        return kept

    async def made_in(self, tenant: str, account: str, session: str) -> bool:
        """See `Passkeys.made_in`."""
        return await self._ours.made_in(tenant, account, session)

    async def keep(
        self,
        tenant: str,
        account: str,
        site: str,
        made: Made,
        *,
        most: int,
        session: str,
        first: bool = False,
    ) -> bool:
        """See `Passkeys.keep`."""
        if not await self._directory.adopt(tenant, account):
            return False
        return await self._ours.keep(
            tenant, account, site, made, most=most, session=session, first=first
        )


class TheirExternals:
    """`Externals` of those whom the directory still has."""

    def __init__(self, directory: HttpDirectory, ours: Externals) -> None:
        """Keep them in `ours`."""
        self._directory = directory
        self._ours = ours

    async def find(self, tenant: str, external: External) -> Owner | None:
        """See `Externals.find`; who is gone there is as blocked, or they would come back anew."""
        owner = await self._ours.find(tenant, external)
        if owner is None or owner.blocked:
            return owner
        gone = await self._directory.load(tenant, owner.account) is None
        return Owner(owner.account, blocked=gone)

    async def link(self, tenant: str, account: str, external: External) -> bool:
        """See `Externals.link`."""
        if not await self._directory.adopt(tenant, account):
            return False
        return await self._ours.link(tenant, account, external)
