"""The HTTP application of management: its faces, on one set of use cases."""

from __future__ import annotations

from aiohttp import web

from libs.common.chassis.app import make_app
from libs.common.chassis.health import Health
from libs.common.chassis.serve import Ground
from services.management.auth import Tokens
from services.management.flows import Flows
from services.management.routes.admin import admin_routes
from services.management.routes.errors import refuse


def management_app(
    flows: Flows, tokens: Tokens, health: Health, ground: Ground, *, body_limit: int
) -> web.Application:
    """Return the application; a body may have `body_limit` bytes."""
    return make_app(
        admin_routes(flows, tokens),
        face=refuse,
        health=health,
        out=ground.out,
        metrics=ground.metrics,
        body_limit=body_limit,
    )
