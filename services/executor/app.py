"""The HTTP application of the executor: one face, on the turns."""

from __future__ import annotations

from aiohttp import web

from libs.common.chassis.app import make_app
from libs.common.chassis.health import Health
from libs.common.chassis.serve import Ground
from services.executor.routes import PATHS, Face


def executor_app(face: Face, health: Health, ground: Ground, *, body_limit: int) -> web.Application:
    """Return the application; a body may have `body_limit` bytes."""
    return make_app(
        face.routes(),
        face=face.refuse,
        health=health,
        out=ground.out,
        metrics=ground.metrics,
        body_limit=body_limit,
        direct=PATHS,
    )
