"""The HTTP application of management: its faces, on one set of use cases."""

from __future__ import annotations

from aiohttp import web

from libs.common.chassis.app import make_app
from libs.common.chassis.health import Health
from libs.common.chassis.serve import Ground
from services.management.operations import PARTS, UseCases
from services.management.routes.refusals import refuse
from services.management.routes.serving import Door, Serving


def management_app(
    use: UseCases, door: Door, health: Health, ground: Ground, *, body_limit: int
) -> web.Application:
    """Return the application; a body may have `body_limit` bytes."""
    serving = Serving(door)
    routes = [route for part in PARTS for route in serving.routes(part.operations, part.make(use))]
    return make_app(
        routes,
        face=refuse,
        health=health,
        out=ground.out,
        metrics=ground.metrics,
        body_limit=body_limit,
    )
