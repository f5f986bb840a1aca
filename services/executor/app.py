"""The HTTP application of the executor: its API, and the portal beside it, on the same turns."""

from __future__ import annotations

from aiohttp import web

from libs.common.chassis.app import make_app
from libs.common.chassis.direct import Answer, Request
from libs.common.chassis.health import Health
from libs.common.chassis.problems import Refusal
from libs.common.chassis.serve import Ground
from services.executor.config import Settings
from services.executor.pages import Pages
from services.executor.portal.cookies import Jar
from services.executor.portal.places import Places
from services.executor.portal.routes import Portal
from services.executor.routes import PATHS, Face
from services.executor.texts.catalogue import Texts


def open_portal(settings: Settings, face: Face, texts: Texts, pages: Pages) -> Portal | None:
    """Make the portal; None where an operator wants none."""
    if settings.portal == "off":
        return None
    secure = settings.issuer.startswith("https:")
    jar = Jar(
        secure=secure,
        sign_in_seconds=3600 * settings.sign_in_hours,
        device_seconds=86_400 * settings.portal_device_days,
    )
    places = Places(face=face, texts=texts)
    return Portal(face=face, places=places, pages=pages, jar=jar)


def executor_app(
    face: Face, portal: Portal | None, health: Health, ground: Ground, *, body_limit: int
) -> web.Application:
    """Return the application; a body may have `body_limit` bytes."""

    def refuse(request: Request, refusal: Refusal) -> web.Response | Answer:
        if portal is not None and portal.serves(request):
            return portal.refuse(request, refusal)
        return face.refuse(request, refusal)

    return make_app(
        [*face.routes(), *(() if portal is None else portal.routes())],
        face=refuse,
        health=health,
        out=ground.out,
        metrics=ground.metrics,
        body_limit=body_limit,
        direct=PATHS,
    )
