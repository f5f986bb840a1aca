"""The accounts in PostgreSQL, in the tables of the migration `identities`."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import aiosql
import asyncpg
import msgspec
from asyncpg.pool import PoolConnectionProxy

from libs.common.chassis.hasher import Hasher
from libs.common.chassis.postgres import asking_postgres
from libs.common.errors import Invalid, NotFound, Problem, Unavailable
from libs.common.flow.accounts import Invited
from libs.common.flow.identifier import KINDS, normalise
from libs.common.flow.model import Json
from libs.common.flow.questions import Taken, Uninvited, Written
from libs.common.secret import Secret

QUERIES: Final[Any] = aiosql.from_path(Path(__file__).with_name("queries.sql"), "asyncpg")
_TAKEN: Final[Mapping[str, str]] = {f"users_{kind}_unique": kind for kind in KINDS}
_METHODS: Final = ("totp", "webauthn", "recovery_code")
"""Of `user.mfa_methods`, those of which the tables tell."""


class PostgresDirectory:
    """A `Directory`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        """Use `pool`, whose owner closes it."""
        self._pool = pool

    async def find(self, tenant: str, kinds: tuple[str, ...], identifier: str) -> str | None:
        """See `Directory.find`."""
        async with asking_postgres():
            found = await QUERIES.find(
                self._pool, tenant=tenant, kinds=kinds, identifier=identifier
            )
        return None if found is None else str(found)

    async def password_hash(self, tenant: str, account: str) -> str | None:
        """Return the PHC string; None where there is no such account, or no password."""
        async with asking_postgres():
            found: str | None = await QUERIES.password_hash(
                self._pool, tenant=tenant, account=account
            )
        return found

    async def renew_password_hash(
        self, tenant: str, account: str, dated: str, renewed: str
    ) -> None:
        """Put `renewed` in the place of `dated`, both of one password, if that is still there."""
        async with asking_postgres():
            await QUERIES.renew_password_hash(
                self._pool, tenant=tenant, account=account, dated=dated, renewed=renewed
            )

    async def totp_secret(self, tenant: str, account: str) -> bytes | None:
        """See `Directory.totp_secret`."""
        async with asking_postgres():
            found: bytes | None = await QUERIES.totp_secret(
                self._pool, tenant=tenant, account=account
            )
        return found

    async def load(self, tenant: str, account: str) -> Mapping[str, Json] | None:
        """See `Directory.load`."""
        async with asking_postgres():
            row = await QUERIES.load(self._pool, tenant=tenant, account=account)
        if row is None:
            return None
        # What the system knows stands above an attribute of the same name, or a user who may
        # name attributes could say that their address is verified.
        return {
            **msgspec.json.decode(row["attributes"]),
            "id": str(row["id"]),
            "email": row["email"],
            "username": row["username"],
            "phone": row["phone"],
            "email_verified": row["email_verified"],
            "logins_count": row["logins_count"],
            "last_login": row["last_login"],
            "created_at": row["created_at"],
            "updated_at": row["updated_at"],
            **factors_of(row),
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
        """See `Directory.write`."""
        values = {
            "tenant": tenant,
            **{kind: identifier_of(kind, attributes.get(kind)) for kind in KINDS},
            "attributes": msgspec.json.encode(
                {name: value for name, value in attributes.items() if name not in KINDS}
            ).decode(),
            "password_hash": password_hash,
            "verified": verified,
        }
        try:
            async with (
                asking_postgres(),
                self._pool.acquire() as connection,
                connection.transaction(),
            ):
                if invitation is not None and not await QUERIES.use_invitation(
                    connection, tenant=tenant, id=invitation, key=uuid.UUID(key)
                ):
                    return Uninvited()
                if account is None:
                    written = await QUERIES.create(
                        connection, id=uuid.uuid4(), key=uuid.UUID(key), **values
                    )
                else:
                    written = await QUERIES.update(connection, account=account, **values)
        except asyncpg.UniqueViolationError as error:
            attribute = _TAKEN.get(error.constraint_name or "")
            if attribute is None:
                raise
            return Taken(attribute)
        except asyncpg.UntranslatableCharacterError as error:
            # JSON has a character that PostgreSQL does not store: NUL.
            raise Invalid("an attribute holds a character that cannot be stored") from error
        if written is None:
            raise NotFound("the account is gone")
        return Written(str(written))

    async def verify_email(self, tenant: str, account: str, email: str) -> bool:
        """See `Directory.verify_email`."""
        async with asking_postgres():
            noted = await QUERIES.verify_email(
                self._pool, tenant=tenant, account=account, email=email
            )
        return noted is not None

    async def find_invitation(self, tenant: str, token: bytes) -> Invited | None:
        """See `Directory.find_invitation`."""
        async with asking_postgres():
            row = await QUERIES.find_invitation(self._pool, tenant=tenant, token=token)
        if row is None:
            return None
        return Invited(str(row["id"]), msgspec.json.decode(row["attributes"]))

    async def enrol_totp(
        self, tenant: str, account: str, sealed: bytes, *, first: bool = False
    ) -> bool:
        """See `Directory.enrol_totp`."""
        async with holding(self._pool, tenant, account) as held:
            if held is None:
                return False
            ours = await QUERIES.totp_secret(held, tenant=tenant, account=account) == sealed
            if first and await has_another(held, account, ours=bool(ours)):
                return False
            await QUERIES.enrol_totp(held, account=account, sealed=sealed)
        return True

    async def keep_recovery_codes(
        self, tenant: str, account: str, digests: Sequence[bytes], *, first: bool = False
    ) -> bool:
        """See `Directory.keep_recovery_codes`."""
        async with holding(self._pool, tenant, account) as held:
            if held is None:
                return False
            ours = await QUERIES.has_recovery_codes(
                held, tenant=tenant, account=account, digests=digests
            )
            if first and await has_another(held, account, ours=bool(ours)):
                return False
            await QUERIES.keep_recovery_codes(held, account=account, digests=digests)
        return True

    async def has_recovery_codes(self, tenant: str, account: str, digests: Sequence[bytes]) -> bool:
        """See `Directory.has_recovery_codes`."""
        async with asking_postgres():
            found = await QUERIES.has_recovery_codes(
                self._pool, tenant=tenant, account=account, digests=digests
            )
        return bool(found)

    async def spend_recovery_code(
        self, tenant: str, account: str, digests: Sequence[bytes], attempt: str
    ) -> bool:
        """See `Directory.spend_recovery_code`."""
        async with asking_postgres():
            spent: bool | None = await QUERIES.spend_recovery_code(
                self._pool, tenant=tenant, account=account, digests=digests, attempt=attempt
            )
        return spent is not None

    async def recall_consent(self, tenant: str, account: str, purpose: str, at: int) -> bool:
        """See `Directory.recall_consent`."""
        async with asking_postgres():
            holds: bool | None = await QUERIES.recall_consent(
                self._pool, tenant=tenant, account=account, purpose=purpose, at=at
            )
        return holds is not None

    async def keep_consent(
        self, tenant: str, account: str, purpose: str, until: int | None
    ) -> None:
        """See `Directory.keep_consent`."""
        async with asking_postgres():
            await QUERIES.keep_consent(
                self._pool, tenant=tenant, account=account, purpose=purpose, until=until
            )

    async def delete(self, tenant: str, account: str) -> None:
        """See `Directory.delete`."""
        async with asking_postgres():
            await QUERIES.delete(self._pool, tenant=tenant, account=account)

    async def count_login(self, tenant: str, account: str, at: int, effect: str) -> None:
        """See `Directory.count_login`."""
        async with asking_postgres():
            await QUERIES.count_login(
                self._pool, tenant=tenant, account=account, at=at, effect=effect
            )

    async def forget_effects(self, days: int) -> None:
        """See `Directory.forget_effects`."""
        async with asking_postgres():
            await QUERIES.forget_effects(self._pool, days=days)

    async def reach(self) -> None:
        """See `Directory.reach`."""
        async with asking_postgres():
            await QUERIES.reach(self._pool)


class HashedPasswords:
    """`Passwords` whose hashes are here."""

    def __init__(self, directory: PostgresDirectory, hasher: Hasher) -> None:
        """Compare with what `directory` has."""
        self._directory = directory
        self._hasher = hasher

    async def check(self, tenant: str, account: str, password: Secret) -> bool:
        """See `Passwords.check`.

        A hash of other parameters than today's is made anew of a password that is right: it would
        stay as weak as it was, and take a time that nobody's does not.
        """
        phc = await self._directory.password_hash(tenant, account)
        if not await self._hasher.verify(phc, password):
            return False
        if phc is not None and self._hasher.is_dated(phc):
            with suppress(Unavailable):
                renewed = await self._hasher.hash(password)
                await self._directory.renew_password_hash(tenant, account, phc, renewed)
        return True


@asynccontextmanager
async def holding(
    pool: asyncpg.Pool, tenant: str, account: str
) -> AsyncIterator[PoolConnectionProxy | None]:
    """Keep an account as it is, but for what is written here; None where there is none.

    Who sets a factor up looks first at those that there are: two who did so at once would each see
    none, and the one would lose what the other has just set up.
    """
    async with asking_postgres(), pool.acquire() as connection, connection.transaction():
        held = await QUERIES.hold(connection, tenant=tenant, account=account)
        yield connection if held else None


async def has_another(held: PoolConnectionProxy, account: str, *, ours: bool) -> bool:
    """Whether an account that is held has a factor; `ours`, where it has this very one, is none."""
    return not ours and bool(await QUERIES.has_factor(held, account=account))


def factors_of(row: asyncpg.Record | None) -> Mapping[str, Json]:
    """Return what expressions may know of an account's factors; None is an account without any."""
    methods = [] if row is None else [method for method in _METHODS if row[method]]
    return {"mfa_enabled": bool(methods), "mfa_methods": methods}


def identifier_of(kind: str, value: Json) -> str | None:
    """Return the normal form of what was staged; None for nothing. Raises `Invalid`."""
    if value is None or value == "":
        return None
    normal = normalise(kind, value) if isinstance(value, str) else None
    if normal is None:
        message = f"The staged `{kind}` is no {kind}; ask for it by a field of that type"
        raise Invalid(message, (Problem("invalid_attribute", message, path=kind),))
    return normal
