"""The HTTP application of management: its faces, on one set of use cases."""

from __future__ import annotations

import dataclasses

from aiohttp import web

from libs.common.chassis.app import make_app
from libs.common.chassis.health import Health
from libs.common.chassis.serve import Ground
from services.management.audit import Audit
from services.management.auth import Tokens
from services.management.candidates import Candidates
from services.management.flows import Flows
from services.management.goldens import Goldens
from services.management.invariants import Invariants
from services.management.rollouts import Rollouts
from services.management.routes.admin import admin_routes
from services.management.routes.audit import audit_routes
from services.management.routes.errors import refuse
from services.management.routes.expressions import expression_routes
from services.management.routes.golden import golden_routes
from services.management.routes.rollouts import rollout_routes
from services.management.routes.simulate import simulate_routes
from services.management.routes.tenants import tenant_routes
from services.management.routes.transfer import transfer_routes
from services.management.routes.versions import version_routes
from services.management.simulations import Simulations
from services.management.transfer import Transfer
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


def management_app(
    use: UseCases, tokens: Tokens, health: Health, ground: Ground, *, body_limit: int
) -> web.Application:
    """Return the application; a body may have `body_limit` bytes."""
    routes = (
        *admin_routes(use.flows, tokens),
        *version_routes(use.versions, tokens),
        *rollout_routes(use.rollouts, use.candidates, tokens),
        *transfer_routes(use.transfer, tokens),
        *simulate_routes(use.simulations, tokens),
        *golden_routes(use.goldens, tokens),
        *tenant_routes(use.invariants, tokens),
        *audit_routes(use.audit, tokens),
        *expression_routes(tokens),
    )
    return make_app(
        routes,
        face=refuse,
        health=health,
        out=ground.out,
        metrics=ground.metrics,
        body_limit=body_limit,
    )
