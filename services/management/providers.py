"""The providers that a tenant's flows rely on, to sign users in or to tell them from programs."""

from __future__ import annotations

from typing import Final

import msgspec

from libs.common.chassis.seal import Keys
from libs.common.flow.node import NodeTypes
from libs.common.wire.providers import PURPOSE, Config, decode_config
from services.management.queries import QUERIES
from services.management.registered import Kind, Registry, Statements
from services.management.sealing import Sealer
from services.management.store import Store

NO_PROVIDER: Final = "there is no such provider"

_KIND: Final[Kind[Config]] = Kind(
    name="provider",
    statements=Statements(
        list=QUERIES.list_providers,
        find=QUERIES.find_provider,
        hold=QUERIES.hold_provider,
        add=QUERIES.add_provider,
        edit=QUERIES.edit_provider,
        delete=QUERIES.delete_provider,
    ),
    decode=decode_config,
    encode=lambda config: msgspec.json.encode(config).decode(),
    told=lambda config: {"config": config},
    missing=NO_PROVIDER,
    taken="the tenant has a provider of that id",
    relied_on="active flows rely on it",
)


class Providers(Registry[Config]):
    """The providers of all tenants."""

    def __init__(self, store: Store, keys: Keys | None, types: NodeTypes) -> None:
        """Without `keys` no secret can be stored."""
        super().__init__(_KIND, store, Sealer(keys, PURPOSE), types)
