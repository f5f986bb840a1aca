"""The HTTP application of the compiler: the chassis's own routes, and no others."""

from __future__ import annotations

from aiohttp import web

from libs.common.chassis.app import json_answer, make_app
from libs.common.chassis.health import Health
from libs.common.chassis.problems import Refusal
from libs.common.chassis.serve import Ground


def compiler_app(health: Health, ground: Ground, *, body_limit: int) -> web.Application:
    """Return the application; a body may have `body_limit` bytes."""
    return make_app(
        (),
        face=_refuse,
        health=health,
        out=ground.out,
        metrics=ground.metrics,
        body_limit=body_limit,
    )


def _refuse(_request: web.Request, refusal: Refusal) -> web.Response:
    return json_answer({"error": refusal.code, "message": refusal.message}, status=refusal.status)
