"""The actions that a tenant's flows may call, and what their calls are signed with."""

from __future__ import annotations

from typing import Final

import msgspec

from libs.common.chassis.config import variable
from libs.common.chassis.seal import Keys
from libs.common.chassis.signing import webhook_secrets
from libs.common.errors import Conflict, NotFound
from libs.common.flow.calls import Target
from libs.common.flow.node import NodeTypes
from libs.common.secret import Secret
from libs.common.wire.registered import ACTION_SECRET, decode_target, encode_target
from services.management.queries import QUERIES
from services.management.registered import Kind, Registry, Statements
from services.management.rows import NO_TENANT
from services.management.sealing import Sealer
from services.management.store import Store

NO_ACTION: Final = "there is no such action"

LEAST_SECRET: Final = 16
"""Characters of a secret: what signs must not be guessed."""

_KIND: Final = Kind(
    name="action",
    statements=Statements(
        list=QUERIES.list_actions,
        find=QUERIES.find_action,
        hold=QUERIES.hold_action,
        add=QUERIES.add_action,
        edit=QUERIES.edit_action,
        delete=QUERIES.delete_action,
    ),
    decode=decode_target,
    encode=encode_target,
    told=msgspec.structs.asdict,
    missing=NO_ACTION,
    taken="the tenant has an action of that id",
    relied_on="active flows call it",
)


class Actions(Registry[Target]):
    """The actions of all tenants."""

    def __init__(self, store: Store, keys: Keys | None, types: NodeTypes) -> None:
        """Without `keys` no secret can be stored."""
        super().__init__(_KIND, store, Sealer(keys, ACTION_SECRET, least=LEAST_SECRET), types)
        self._keys = keys

    async def webhook_secrets(self, tenant: str) -> tuple[Secret, ...]:
        """Return what calls of the tenant are signed with that have no secret of their own."""
        if self._keys is None:
            raise Conflict(f"nothing is signed here: {variable('credential_keys')} is not set")
        async with self._store.reading(tenant) as rows:
            if not await rows.has_tenant():
                raise NotFound(NO_TENANT)
        return webhook_secrets(self._keys, tenant)
