"""The portal's pages over HTTP: a form becomes a turn of `POST /flow/execute`, its answer a page.

    GET  /portal/{flowType}    the step that this browser is at, or the first one of a new flow
    POST /portal/{flowType}    answers the step; then the browser gets the next one, or sees what
                               was wrong
    GET  /portal/callback      takes a browser back that a step had sent away

All of it at `/t/{tenant}/portal` as well. It does nothing that a client of the API could not: which
session a browser is in is in its cookies, and never in an address.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs, quote, urlsplit

import msgspec
from aiohttp import hdrs, web
from msgspec import UNSET, UnsetType

from libs.common.chassis.direct import Request, Route
from libs.common.chassis.logging import remember
from libs.common.chassis.problems import Refusal
from libs.common.errors import Denied, Invalid, NotFound, Unauthenticated, Unavailable
from libs.common.flow.model import FlowType
from libs.common.secret import Secret
from libs.common.wire.tenants import Branding
from services.executor import wire
from services.executor.call import Opening
from services.executor.openid import CALLBACK_PATH
from services.executor.pages import Pages
from services.executor.portal import guard
from services.executor.portal.branding import DEFAULT, theme
from services.executor.portal.cookies import Away, InProgress, Jar
from services.executor.portal.forms import read_form
from services.executor.portal.pages import (
    BEGIN,
    RESTART,
    STATIC,
    VERSIONS,
    Frame,
    Page,
    decode,
    draw_beginning,
    draw_end,
    draw_fault,
    draw_leaving,
    draw_step,
)
from services.executor.routes import ERROR, TENANT, Face, header
from services.executor.texts.catalogue import Language, Texts
from services.executor.turns import Overtaken, SessionOver

PATH: Final = "/portal"
_PAGES: Final = re.compile(rf"(/t/[^/?]+)?{PATH}([/?]|$)")
_OF_TENANT: Final = re.compile(rf"/t/([^/]+){PATH}")
_SIGNED_IN: Final = frozenset(
    {FlowType.MFA_SETUP, FlowType.AUTHORIZATION, FlowType.LOGOUT, FlowType.UNENROLLMENT}
)
"""Flows that are about whoever is signed in."""
_LEAVERS: Final = frozenset({FlowType.LOGOUT, FlowType.UNENROLLMENT})
_BROUGHT: Final = ("code", "state", "iss", "error")
"""What a provider sends a browser back with (RFC 6749, 4.1.2; RFC 9207)."""
_MOST_TOLD: Final = 10
"""Steps in a row that ask the portal itself."""
_PATH_URL: Final = re.compile(r"/(?![/\\]).*")
_PAGE_URL: Final = re.compile(r"https?://.*")
_FAULTS: Final[Mapping[int, str]] = {
    400: "fault_invalid",
    401: "fault_signed_out",
    403: "fault_denied",
    404: "fault_none",
    405: "fault_none",
    409: "fault_expired",
    410: "fault_expired",
    413: "fault_invalid",
    415: "fault_invalid",
    429: "fault_wait",
    503: "fault_busy",
}
"""What is said of a refusal, by its status; of any other, that it is trouble."""
_FOREIGN: Final = web.RequestKey("foreign", bool)
_BRANDING: Final = web.RequestKey("branding", Branding)
_TYPES: Final = {".css": "text/css", ".js": "text/javascript"}


@dataclasses.dataclass(frozen=True)
class Place:
    """Which tenant's flow a page is about."""

    tenant: str
    frame: Frame
    kind: FlowType


@dataclasses.dataclass(frozen=True, kw_only=True)
class Portal:
    """The portal."""

    face: Face
    texts: Texts
    pages: Pages
    jar: Jar

    def routes(self) -> list[Route]:
        """List every route."""
        flow = f"{PATH}/{{type:[A-Za-z_]{{1,40}}}}"
        return [
            Route(method, f"{prefix}{path}", handler)
            for prefix in ("", TENANT)
            for method, path, handler in (
                (hdrs.METH_GET, CALLBACK_PATH, self.take_back),
                (hdrs.METH_GET, f"{PATH}/assets/{{name}}", self.give_asset),
                (hdrs.METH_GET, f"{PATH}/theme.css", self.give_theme),
                (hdrs.METH_GET, flow, self.show),
                (hdrs.METH_POST, flow, self.submit),
            )
        ]

    def serves(self, request: Request) -> bool:
        """Whether what `request` is for is the portal's to answer."""
        return _PAGES.match(request.raw_path) is not None

    async def show(self, request: web.Request) -> web.Response:
        """Show the step that the browser is at; begin a flow where it is at none."""
        place = await self._place(request)
        flow = self.jar.flow(request, place.tenant, place.kind)
        if flow is not None:
            try:
                answer = decode(await self.face.look(request, flow.flow_id))
            except (NotFound, SessionOver):
                # Whoever comes back once it is over comes for another.
                flow = None
            else:
                answer = await self._tell(request, place, answer)
                if answer.flow_status != "INCOMPLETE":
                    return await self._ended(place, answer, flow)
                return self._shown(request, place, answer)
        held = self.jar.assertion(request, place.tenant)
        if held is not None and place.kind in _SIGNED_IN:
            # Any page may lead here: what is done in somebody's name begins with a form of ours.
            return _respond(draw_beginning(place.frame, request.query))
        try:
            return await self._begin(request, place, None)
        except Unauthenticated:
            if held is None:
                raise
            return _respond(draw_beginning(place.frame, request.query))

    async def submit(self, request: web.Request) -> web.Response:
        """Answer the step that a form was shown for."""
        place = await self._place(request)
        ours = guard.is_ours(request)
        form = await read_form(request)
        if form.do == BEGIN and ours:
            held = self.jar.assertion(request, place.tenant)
            return await self._begin(request, place, held, _see(place.frame.here))
        if ours is False or form.do == BEGIN or not form.step:
            await self.face.charge(request)
            request[_FOREIGN] = True
            raise Denied("the form is not of this site")
        if form.do == RESTART:
            again = _see(place.frame.here)
            self.jar.forget_flow(again, place.tenant, place.kind)
            return again
        flow = self.jar.flow(request, place.tenant, place.kind)
        if flow is None:
            await self.face.charge(request)
            raise SessionOver("this browser is in no such flow", place.kind)
        try:
            answer = decode(await self.face.turn(request, form.request(flow.flow_id), None))
        except NotFound as error:
            raise SessionOver("this flow is lost", place.kind) from error
        if answer.flow_status == "INCOMPLETE":
            if not (answer.data.messages or answer.data.field_errors):
                return _see(place.frame.here)
            # What was typed is in no session, and would be gone with another request.
            return _respond(draw_step(place.frame, answer, typed=form.inputs))
        return await self._ended(place, answer, flow)

    async def take_back(self, request: web.Request) -> web.Response:
        """Go on with the flow by which this very browser was sent away."""
        away, brought = self.jar.away(request), request.query
        if away is None or not away.is_back(brought.get("state", "")):
            await self.face.charge(request)
            raise SessionOver("this browser was not sent away from here", None)
        place = await self._at(request, away.base, away.kind)
        flow = self.jar.flow(request, place.tenant, place.kind)
        if flow is None:
            await self.face.charge(request)
            raise SessionOver("this browser is in no such flow", place.kind)
        inputs = {name: brought[name] for name in _BROUGHT if name in brought}
        body = wire.Request(flow_id=flow.flow_id, step_id=away.step, inputs=inputs)
        try:
            answer = decode(await self.face.turn(request, body, None, tenant=place.tenant))
        except NotFound as error:
            raise SessionOver("this flow is lost", place.kind) from error
        over = answer.flow_status != "INCOMPLETE"
        response = await self._ended(place, answer, flow) if over else _see(place.frame.here)
        self.jar.forget_away(response)
        return response

    async def give_asset(self, request: web.Request) -> web.Response:
        """Give what pages are drawn with."""
        name = request.match_info["name"]
        if name not in VERSIONS:
            raise NotFound("there is nothing here")
        file = STATIC / name
        return _give(file.read_bytes(), _TYPES[file.suffix])

    async def give_theme(self, request: web.Request) -> web.Response:
        """Give the tenant's colours."""
        branding = await self._branding(request, self.face.tenant(request))
        return _give(theme(branding).css.encode(), _TYPES[".css"])

    def refuse(self, request: Request, refusal: Refusal) -> web.Response:
        """Say on a page why `request` was not done: the chassis' `Face`."""
        assert isinstance(request, web.Request)  # noqa: S101 - no path of ours is direct
        place = self._frame(request)
        error = request.get(ERROR)
        if isinstance(error, Overtaken) and refusal.status == web.HTTPConflict.status_code:
            answer = decode(wire.current_step(error.answer))
            if answer.flow_status == "INCOMPLETE" and answer.type in {"VIEW", "WEBAUTHN"}:
                page = draw_step(place, answer, typed={}, notice="overtaken")
                return _respond(page, refusal.status)
        key = _FAULTS.get(refusal.status, "fault_trouble")
        if request.get(_FOREIGN):
            key = "fault_foreign"
        onward = None
        if place.kind is not None and key in {"fault_expired", "fault_foreign"}:
            onward = ("restart", place.here)
        if place.kind is not None and key == "fault_signed_out":
            login = f"{place.base}/{FlowType.LOGIN.wire}?next={quote(place.here)}"
            onward = ("sign_in", login)
        wait = refusal.headers.get(hdrs.RETRY_AFTER) if key == "fault_wait" else None
        seconds = None if wait is None else int(wait)
        response = _respond(draw_fault(place, key, seconds=seconds, onward=onward), refusal.status)
        if key == "fault_signed_out":
            self.jar.forget_assertion(response, self.face.tenant(request))
        return response

    async def _begin(
        self,
        request: web.Request,
        place: Place,
        bearer: Secret | None,
        then: web.Response | None = None,
    ) -> web.Response:
        """Begin a flow for whoever shows `bearer`; answer `then` where it is at a step."""
        wanted = request.query.get("next")
        body = wire.Request(
            flow_type=place.kind.wire, flow=request.query.get("flow", "")[:200] or None
        )
        opening = Opening(bearer=bearer, device="", next=wanted)
        answer = decode(await self.face.turn(request, body, opening))
        answer = await self._tell(request, place, answer)
        flow = InProgress(_unless_unset(answer.flow_id), wanted)
        if answer.flow_status != "INCOMPLETE":
            return await self._ended(place, answer, flow)
        response = then or self._shown(request, place, answer)
        self.jar.keep_flow(response, place.tenant, place.kind, flow)
        return response

    async def _tell(self, request: web.Request, place: Place, answer: wire.Answer) -> wire.Answer:
        """Answer what a flow asks of the app that shows it; raise `Denied` for what nobody knows.

        The app is the portal, and all that it knows of itself is where it is.
        """
        known = {"origin": request.host}
        for _ in range(_MOST_TOLD):
            if answer.type != "INTERNAL_PROMPT":
                return answer
            data = answer.data
            required = () if data.required_params is UNSET else data.required_params
            if data.field_errors or not known.keys() >= set(required):
                break
            asked = (*required, *data.optional_params)
            inputs = {name: value for name, value in known.items() if name in asked}
            flow_id, step = _unless_unset(answer.flow_id), _unless_unset(answer.step_id)
            body = wire.Request(flow_id=flow_id, step_id=step, inputs=inputs)
            answer = decode(await self.face.turn(request, body, None, tenant=place.tenant))
        raise Denied("the flow asks its app for what the portal does not know")

    def _shown(self, request: web.Request, place: Place, answer: wire.Answer) -> web.Response:
        if answer.type != "REDIRECTION":
            return _respond(draw_step(place.frame, answer, typed={}))
        url, step = _url(answer), _unless_unset(answer.step_id)
        before = self.jar.away(request)
        # Whoever comes back by the browser's own button is not sent off once more.
        first = before is None or before.step != step
        response = _respond(draw_leaving(place.frame, url, at_once=first, step=step))
        state = parse_qs(urlsplit(url).query).get("state", [""])[0]
        self.jar.keep_away(response, Away(place.frame.base, place.kind, step, state))
        return response

    async def _ended(self, place: Place, answer: wire.Answer, flow: InProgress) -> web.Response:
        succeeded = answer.flow_status == "COMPLETE"
        onward = None if answer.data.url is UNSET else _url(answer)
        if (
            onward is None
            and succeeded
            and flow.next
            and await self.pages.allow(place.tenant, flow.next)
        ):
            onward = flow.next
        at_once = onward is not None and (not answer.data.messages or answer.data.url is not UNSET)
        if onward is None or not at_once:
            response = _respond(draw_end(place.frame, answer, onward))
        elif _PATH_URL.fullmatch(onward):
            response = _see(onward)
        else:
            response = _respond(draw_leaving(place.frame, onward, at_once=True))
        self.jar.forget_flow(response, place.tenant, place.kind)
        if succeeded and place.kind in _LEAVERS:
            self.jar.forget_assertion(response, place.tenant)
        elif succeeded and answer.data.user_assertion is not UNSET:
            self.jar.keep_assertion(response, place.tenant, answer.data.user_assertion)
        return response

    async def _place(self, request: web.Request) -> Place:
        """Say what `request` is about; raise `NotFound` where there is no such flow."""
        tenant = self.face.tenant(request)
        remember(tenant=tenant)
        await self._branding(request, tenant)
        frame = self._frame(request)
        if frame.kind is None:
            raise NotFound("there is nothing here")
        return Place(tenant, frame, frame.kind)

    async def _at(self, request: web.Request, base: str, kind: FlowType) -> Place:
        """Say what a browser was about that comes back to another address."""
        named = _OF_TENANT.fullmatch(base)
        tenant = named[1] if named else self.face.tenant(request)
        remember(tenant=tenant)
        branding = await self._branding(request, tenant)
        return Place(tenant, Frame(self._language(request), base, kind, branding), kind)

    async def _branding(self, request: web.Request, tenant: str) -> Branding:
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

    def _frame(self, request: web.Request) -> Frame:
        kind = FlowType.from_wire(request.match_info.get("type", "").upper())
        tenant = request.match_info.get("tenant")
        base = PATH if tenant is None else f"/t/{tenant}{PATH}"
        branding = request.get(_BRANDING)
        return Frame(self._language(request), base, kind, branding or DEFAULT)

    def _language(self, request: web.Request) -> Language:
        return self.texts.of(header(request, hdrs.ACCEPT_LANGUAGE)[:512])


def _unless_unset(value: str | UnsetType) -> str:
    return "" if value is UNSET else value


def _url(answer: wire.Answer) -> str:
    """Return where `answer` leads; raise `Invalid` where no browser should go."""
    url = answer.data.url
    if url is UNSET or not (_PATH_URL.fullmatch(url) or _PAGE_URL.fullmatch(url)):
        raise Invalid("nobody can be sent to that place")
    return url


def _respond(page: Page, status: int = 200) -> web.Response:
    headers = {**guard.headers(page.policy), hdrs.CACHE_CONTROL: "no-store"}
    return web.Response(
        text=page.html, status=status, content_type="text/html", charset="utf-8", headers=headers
    )


def _give(body: bytes, kind: str) -> web.Response:
    # Each has an address of its own for as long as it stays the same.
    headers = {**guard.headers(None), hdrs.CACHE_CONTROL: "public, max-age=86400"}
    return web.Response(body=body, content_type=kind, charset="utf-8", headers=headers)


def _see(path: str) -> web.Response:
    """Have the browser get `path` (RFC 9110, 15.4.4)."""
    headers = {**guard.headers(None), hdrs.CACHE_CONTROL: "no-store", hdrs.LOCATION: path}
    return web.Response(status=303, headers=headers)
