"""Which tenant's flow a request is about, and what its pages look like."""

from __future__ import annotations

import dataclasses
import re
from typing import Final

import msgspec
from aiohttp import hdrs, web

from libs.common.chassis.logging import remember
from libs.common.errors import NotFound, Unavailable
from libs.common.flow.model import FlowType
from libs.common.wire.tenants import Branding
from services.executor.portal.branding import DEFAULT
from services.executor.portal.pages import Frame
from services.executor.routes import Face, header
from services.executor.texts.catalogue import Language, Texts

PATH: Final = "/portal"
_OF_TENANT: Final = re.compile(rf"/t/([^/]+){PATH}")
_BRANDING: Final = web.RequestKey("branding", Branding)
_LONGEST: Final = 512
"""Characters of `Accept-Language`."""


@dataclasses.dataclass(frozen=True)
class Place:
    """Which tenant's flow a page is about."""

    tenant: str
    frame: Frame
    kind: FlowType


@dataclasses.dataclass(frozen=True, kw_only=True)
class Places:
    """Finds places."""

    face: Face
    texts: Texts

    async def of(self, request: web.Request) -> Place:
        """Say what `request` is about; raise `NotFound` where there is no such flow."""
        tenant, frame = await self.look(request)
        if frame.kind is None:
            raise NotFound("there is nothing here")
        return Place(tenant, frame, frame.kind)

    async def look(self, request: web.Request) -> tuple[str, Frame]:
        """Say whose pages `request` is for, whichever flow they are about."""
        tenant = self.face.tenant(request)
        remember("tenant", tenant)
        await self.branding(request, tenant)
        return tenant, self.frame(request)

    async def at(self, request: web.Request, base: str, kind: FlowType) -> Place:
        """Say what a browser was about that comes back to another address."""
        named = _OF_TENANT.fullmatch(base)
        tenant = named[1] if named else self.face.tenant(request)
        remember("tenant", tenant)
        branding = await self.branding(request, tenant)
        return Place(tenant, Frame(self._language(request), base, kind, branding), kind)

    async def branding(self, request: web.Request, tenant: str) -> Branding:
        """Find out how the pages of `tenant` look."""
        try:
            branding = (await self.face.settings.settings(tenant)).branding
        except Unavailable:
            # A page in other colours is better than none.
            branding = DEFAULT
        if branding.name == tenant:
            # What programs call it is for nobody's eyes.
            branding = msgspec.structs.replace(branding, name=None)
        request[_BRANDING] = branding
        return branding

    def frame(self, request: web.Request) -> Frame:
        """Frame a page by what is known of `request` so far."""
        kind = FlowType.from_wire(request.match_info.get("type", "").upper())
        tenant = request.match_info.get("tenant")
        base = PATH if tenant is None else f"/t/{tenant}{PATH}"
        branding = request.get(_BRANDING)
        return Frame(self._language(request), base, kind, branding or DEFAULT)

    def _language(self, request: web.Request) -> Language:
        return self.texts.of(header(request, hdrs.ACCEPT_LANGUAGE)[:_LONGEST])
