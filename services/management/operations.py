"""Every endpoint of management, in one table; what is not in it is not served."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Final, Generic

from libs.common.nodes.catalogue import NODE_TYPES
from services.management.actions import Actions
from services.management.audit import Audit
from services.management.bootstrap import Bootstrap
from services.management.candidates import Candidates
from services.management.clients import Clients
from services.management.flows import Flows
from services.management.goldens import Goldens
from services.management.grants import Grants
from services.management.instances import FlowInstances
from services.management.invariants import Invariants
from services.management.invitations import Invitations
from services.management.providers import Providers
from services.management.rollouts import Rollouts
from services.management.routes import (
    actions,
    admin,
    audit,
    clients,
    expressions,
    golden,
    invariants,
    invitations,
    nodetypes,
    oauth,
    openapi,
    providers,
    rollouts,
    sessions,
    signins,
    simulate,
    tenants,
    transfer,
    users,
    versions,
)
from services.management.routes.operation import F, Operation
from services.management.routes.v2 import flows as v2_flows
from services.management.routes.v2 import vault as v2_vault
from services.management.routes.v3 import bindings as v3_bindings
from services.management.routes.v3 import files as v3_files
from services.management.routes.v3 import insight as v3_insight
from services.management.routes.v3 import instances as v3_instances
from services.management.sessions import Sessions
from services.management.signins import SignIns
from services.management.simulations import Simulations
from services.management.tenants import Tenants
from services.management.transfer import Transfer
from services.management.users import Users
from services.management.versions import Versions


@dataclasses.dataclass(frozen=True, kw_only=True)
class UseCases:
    """All that can be done."""

    flows: Flows
    versions: Versions
    rollouts: Rollouts
    candidates: Candidates
    invariants: Invariants
    transfer: Transfer
    simulations: Simulations
    goldens: Goldens
    audit: Audit
    sessions: Sessions
    clients: Clients
    tenants: Tenants
    providers: Providers
    users: Users
    sign_ins: SignIns
    actions: Actions
    bootstrap: Bootstrap
    grants: Grants
    instances: FlowInstances
    invitations: Invitations


@dataclasses.dataclass(frozen=True)
class Part(Generic[F]):
    """The endpoints of one module of routes."""

    operations: tuple[Operation[F], ...]
    make: Callable[[UseCases], F]
    """Makes what the handlers are methods of."""


# Where two paths fit a request, the first is taken.
PARTS: Final[tuple[Part[Any], ...]] = (
    Part(admin.OPERATIONS, lambda use: admin.Endpoints(use.flows)),
    Part(versions.OPERATIONS, lambda use: versions.Endpoints(use.versions)),
    Part(rollouts.OPERATIONS, lambda use: rollouts.Endpoints(use.rollouts, use.candidates)),
    Part(transfer.OPERATIONS, lambda use: transfer.Endpoints(use.transfer)),
    Part(simulate.OPERATIONS, lambda use: simulate.Endpoints(use.simulations)),
    Part(golden.OPERATIONS, lambda use: golden.Endpoints(use.goldens)),
    Part(invariants.OPERATIONS, lambda use: invariants.Endpoints(use.invariants)),
    Part(tenants.OPERATIONS, lambda use: tenants.Endpoints(use.tenants)),
    Part(audit.OPERATIONS, lambda use: audit.Endpoints(use.audit)),
    Part(sessions.OPERATIONS, lambda use: sessions.Endpoints(use.sessions)),
    Part(clients.OPERATIONS, lambda use: clients.Endpoints(use.clients, use.bootstrap)),
    Part(providers.OPERATIONS, lambda use: providers.Endpoints(use.providers)),
    Part(users.OPERATIONS, lambda use: users.Endpoints(use.users)),
    Part(signins.OPERATIONS, lambda use: signins.Endpoints(use.sign_ins)),
    Part(actions.OPERATIONS, lambda use: actions.Endpoints(use.actions)),
    Part(invitations.OPERATIONS, lambda use: invitations.Endpoints(use.invitations)),
    Part(oauth.OPERATIONS, lambda use: oauth.Endpoints(use.grants)),
    Part(expressions.OPERATIONS, lambda _use: expressions.Endpoints()),
    Part(nodetypes.OPERATIONS, lambda _use: nodetypes.Endpoints(NODE_TYPES)),
    Part(v2_flows.OPERATIONS, lambda use: v2_flows.Endpoints(use.flows)),
    Part(v2_vault.OPERATIONS, lambda _use: v2_vault.Endpoints()),
    Part(
        v3_files.OPERATIONS,
        lambda use: v3_files.Endpoints(use.instances, use.transfer.importing, NODE_TYPES),
    ),
    Part(v3_insight.OPERATIONS, lambda use: v3_insight.Endpoints(use.instances)),
    Part(v3_instances.OPERATIONS, lambda use: v3_instances.Endpoints(use.instances)),
    Part(v3_bindings.OPERATIONS, lambda use: v3_bindings.Endpoints(use.instances)),
    Part(openapi.OPERATIONS, lambda _use: openapi.Endpoints(OPERATIONS)),
)
OPERATIONS: Final[tuple[Operation[Any], ...]] = tuple(
    operation for part in PARTS for operation in part.operations
)
