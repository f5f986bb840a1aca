"""The first client of a deployment, for a token that its operator set: once, ever."""

from __future__ import annotations

import hmac
from typing import Final, get_args

import msgspec

from libs.common.chassis.config import variable
from libs.common.chassis.startup import StartupFailure
from libs.common.chassis.tokens import digest
from libs.common.errors import Expired, Unauthenticated
from libs.common.secret import Secret
from services.management.auth import LEAST_KEY_BYTES, Scope
from services.management.author import Author
from services.management.clients import Client, NewClient, add_client
from services.management.queries import QUERIES
from services.management.store import Store

ACTOR: Final = "bootstrap"
"""Who the audit log says made that client."""


class Bootstrap:
    """Changes the token into a client that may do everything, for every tenant."""

    def __init__(self, store: Store, token: Secret | None) -> None:
        """With no `token` nobody gets in this way; `StartupFailure` for one that is too short."""
        if token is not None and len(token.reveal().encode()) < LEAST_KEY_BYTES:
            raise StartupFailure(
                f"{variable('bootstrap_token')} is too short; "
                f"it needs {LEAST_KEY_BYTES} bytes, and they should be random"
            )
        self._store = store
        self._digest = None if token is None else digest(token)

    async def run(
        self, tenant: str, token: Secret, name: str, stranger: Author
    ) -> tuple[Client, Secret]:
        """Return the client and the only copy of its secret; its line in the log is `tenant`'s.

        Raises `Unauthenticated` for another token, and `Expired` for one that was used: then
        somebody else has what it was good for.
        """
        if self._digest is None or not hmac.compare_digest(digest(token), self._digest):
            raise Unauthenticated("the token is not the one of this deployment")
        everything = NewClient(name=name, scopes=get_args(Scope), every_tenant=True)
        author = msgspec.structs.replace(stranger, subject=ACTOR)
        async with self._store.changing(tenant, author) as change:
            # Replicas wait for each other here; with what follows it is done, or not at all.
            if not await QUERIES.use_bootstrap(change.connection, token_hash=self._digest):
                raise Expired("the token was used; whoever did that has the client")
            return await add_client(change, tenant, everything)
