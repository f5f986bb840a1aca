"""The HTTP application of management: its faces, on one set of use cases."""

from __future__ import annotations

from aiohttp import web

from libs.common.chassis.app import make_app
from libs.common.chassis.health import Health
from libs.common.chassis.serve import Ground
from services.management.operations import PARTS, UseCases
from services.management.routes.counting import Counting
from services.management.routes.refusals import refuse
from services.management.routes.serving import Serving


def management_app(
    use: UseCases,
    serving: Serving,
    counting: Counting,
    health: Health,
    ground: Ground,
    *,
    body_limit: int,
) -> web.Application:
    """Return the application; a body may have `body_limit` bytes."""
    routes = [route for part in PARTS for route in serving.routes(part.operations, part.make(use))]
    return make_app(
        routes,
        face=counting.refusing(refuse),
        health=health,
        out=ground.out,
        metrics=ground.metrics,
        body_limit=body_limit,
    )
