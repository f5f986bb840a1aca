"""The portal's pages over HTTP: a form becomes a turn of `POST /flow/execute`, its answer a page.

    GET  /portal/{flowType}    the step that this browser is at, or the first one of a new flow
    POST /portal/{flowType}    answers the step; then the browser gets the next one, or sees what
                               was wrong
    GET  /portal/callback      takes a browser back that a step had sent away, to the flow's page
    GET  /portal/link          asks whoever opened a mailed link whether to go on by it
    POST /portal/link          goes on

All of it at `/t/{tenant}/portal` as well. It does nothing that a client of the API could not: which
session a browser is in is in its cookies, and never in an address.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Final, NoReturn
from urllib.parse import parse_qs, urlsplit

import msgspec
from aiohttp import hdrs, web
from msgspec import UNSET, UnsetType

from libs.common.chassis.direct import Request, Route
from libs.common.chassis.problems import Refusal
from libs.common.errors import Denied, Invalid, NotFound, Unauthenticated
from libs.common.flow.model import FlowType
from libs.common.flow.view import KEY
from libs.common.nodes.onetime import TOKEN
from libs.common.secret import Secret
from services.executor import wire
from services.executor.call import Opening
from services.executor.links import UsedLink
from services.executor.messages.perform import LINK_PATH
from services.executor.openid import CALLBACK_PATH
from services.executor.pages import Pages
from services.executor.portal import guard, refusals
from services.executor.portal.branding import theme
from services.executor.portal.components import walk
from services.executor.portal.cookies import Away, InProgress, Jar
from services.executor.portal.forms import read_form
from services.executor.portal.pages import (
    BEGIN,
    RESTART,
    STATIC,
    VERSIONS,
    components_of,
    decode,
    draw_beginning,
    draw_end,
    draw_fault,
    draw_leaving,
    draw_link,
    draw_step,
)
from services.executor.portal.places import PATH, Place, Places
from services.executor.portal.responses import give, respond, see
from services.executor.routes import TENANT, Face
from services.executor.turns import SessionOver

_PAGES: Final = re.compile(rf"(/t/[^/?]+)?{PATH}([/?]|$)")
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
_TYPES: Final = {".css": "text/css", ".js": "text/javascript"}
_RESEND_LINK: Final = "button.resend_link"
"""The key of the button that only a step has which waits for a link."""
_IN_LINK: Final = re.compile(r"(?:.*#)?(?:token=)?([A-Za-z0-9_.~-]+)\s*", re.DOTALL)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Portal:
    """The portal."""

    face: Face
    places: Places
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
                (hdrs.METH_GET, LINK_PATH, self.show_link),
                (hdrs.METH_POST, LINK_PATH, self.follow_link),
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
        place = await self.places.of(request)
        flow = self.jar.flow(request, place.tenant, place.kind)
        back = self.jar.back(request, place.frame.base, place.kind)
        if flow is not None:
            try:
                answer = decode(await self.face.look(request, flow.flow_id))
            except (NotFound, SessionOver) as error:
                moved = isinstance(error, SessionOver) and error.fault == refusals.MOVED
                if moved or back is not None:
                    key = "fault_moved" if moved else "fault_expired"
                    return self._lost(place, key, back)
                # Whoever comes back once it is over comes for another.
                flow = None
            else:
                if back is not None and back.step == answer.step_id:
                    return await self._bring(request, place, flow, back)
                answer = await self._tell(request, place, answer)
                if answer.flow_status != "INCOMPLETE":
                    return await self._ended(place, answer, flow)
                return self._shown(request, place, answer)
        held = self.jar.assertion(request, place.tenant)
        if held is not None and place.kind in _SIGNED_IN:
            # Any page may lead here: what is done in somebody's name begins with a form of ours.
            return respond(draw_beginning(place.frame, request.query))
        try:
            return await self._begin(request, place, None)
        except Unauthenticated:
            if held is None:
                raise
            return respond(draw_beginning(place.frame, request.query))

    async def submit(self, request: web.Request) -> web.Response:
        """Answer the step that a form was shown for."""
        place = await self.places.of(request)
        ours = guard.is_ours(request)
        form = await read_form(request)
        if form.do == BEGIN and ours:
            held = self.jar.assertion(request, place.tenant)
            return await self._begin(request, place, held, see(place.frame.here))
        if ours is False or form.do == BEGIN or not form.step:
            await self._refuse_foreign(request)
        if form.do == RESTART:
            again = see(place.frame.here)
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
                return see(place.frame.here)
            # What was typed is in no session, and would be gone with another request.
            return respond(draw_step(place.frame, answer, typed=form.inputs))
        return await self._ended(place, answer, flow)

    async def take_back(self, request: web.Request) -> web.Response:
        """Lead the browser that was sent away from here to its flow, with what it brought."""
        away, query = self.jar.away(request), request.query
        if away is None or not away.is_back(query.get("state", "")):
            await self.face.charge(request)
            raise SessionOver("this browser was not sent away from here", None)
        place = await self.places.at(request, away.base, away.kind)
        flow = self.jar.flow(request, place.tenant, place.kind)
        if flow is None:
            await self.face.charge(request)
            raise SessionOver("this browser is in no such flow", place.kind)
        brought = {name: query[name] for name in _BROUGHT if name in query}
        # A code is not to stay in the address, where a history keeps it and pages send it on.
        back, response = msgspec.structs.replace(away, brought=brought), see(place.frame.here)
        if self.jar.keep_away(response, back):
            return response
        return await self._bring(request, place, flow, back)

    async def _bring(
        self, request: web.Request, place: Place, flow: InProgress, back: Away
    ) -> web.Response:
        """Answer the step that had sent the browser away, with what it brought."""
        inputs = dict(back.brought or {})
        body = wire.Request(flow_id=flow.flow_id, step_id=back.step, inputs=inputs)
        try:
            answer = decode(await self.face.turn(request, body, None, tenant=place.tenant))
        except NotFound as error:
            raise SessionOver("this flow is lost", place.kind) from error
        over = answer.flow_status != "INCOMPLETE"
        response = await self._ended(place, answer, flow) if over else see(place.frame.here)
        self.jar.forget_away(response)
        return response

    async def show_link(self, request: web.Request) -> web.Response:
        """Ask whoever has opened a mailed link whether to go on by it: programs open links too."""
        _, frame = await self.places.look(request)
        return respond(draw_link(frame))

    async def follow_link(self, request: web.Request) -> web.Response:
        """Go on with a flow by a mailed link, in this browser from now on."""
        tenant, frame = await self.places.look(request)
        form = await read_form(request)
        if not guard.is_ours(request):
            await self._refuse_foreign(request)
        found = _IN_LINK.fullmatch(form.inputs.get("link", ""))
        if found is None:
            await self.face.charge(request)
            return respond(draw_link(frame))
        inputs = {TOKEN.name: found[1]}
        begun: dict[str, tuple[Place, InProgress]] = {}
        for kind in FlowType:
            place = Place(tenant, msgspec.structs.replace(frame, kind=kind), kind)
            if (flow := self.jar.flow(request, tenant, kind)) is None:
                continue
            begun[flow.flow_id] = place, flow
            if not await self._awaits_link(request, flow):
                continue
            # Who goes on where they began goes on with all that they said there.
            body = wire.Request(flow_id=flow.flow_id, inputs=inputs)
            answer = decode(await self.face.turn(request, body, None))
            if not answer.data.messages:
                return await self._go_on(place, answer, flow)
        try:
            answer = decode(await self.face.turn(request, wire.Request(inputs=inputs), None))
        except UsedLink as error:
            if error.session not in begun:
                raise
            return await self._went_on(request, *begun[error.session], inputs)
        kind = FlowType.from_wire(answer.flow_type) or FlowType.LOGIN
        place = Place(tenant, msgspec.structs.replace(frame, kind=kind), kind)
        return await self._go_on(place, answer, InProgress(_unless_unset(answer.flow_id), None))

    async def _went_on(
        self, request: web.Request, place: Place, flow: InProgress, inputs: dict[str, str]
    ) -> web.Response:
        """Show who has gone on by a link in this browser where it has led them."""
        try:
            await self.face.look(request, flow.flow_id)
        except SessionOver:
            # It has ended. Who repeats what ended it, which named no step, is given that again.
            body = wire.Request(flow_id=flow.flow_id, inputs=inputs)
            return await self._go_on(place, decode(await self.face.turn(request, body, None)), flow)
        return see(place.frame.here)

    async def _awaits_link(self, request: web.Request, flow: InProgress) -> bool:
        try:
            answer = decode(await self.face.look(request, flow.flow_id))
        except (NotFound, SessionOver):
            return False
        shown = walk(components_of(answer))
        return _RESEND_LINK in ((each.config or {}).get(KEY) for each in shown)

    async def _go_on(self, place: Place, answer: wire.Answer, flow: InProgress) -> web.Response:
        if answer.flow_status != "INCOMPLETE":
            return await self._ended(place, answer, flow)
        response = see(place.frame.here)
        self.jar.keep_flow(response, place.tenant, place.kind, flow)
        return response

    def _lost(self, place: Place, key: str, back: Away | None) -> web.Response:
        """Say by `key` why the browser is in no flow now, and forget what it is `back` with."""
        again = ("restart", place.frame.here)
        response = respond(draw_fault(place.frame, key, onward=again), 410)
        self.jar.forget_flow(response, place.tenant, place.kind)
        if back is not None:
            self.jar.forget_away(response)
        return response

    async def give_asset(self, request: web.Request) -> web.Response:
        """Give what pages are drawn with."""
        name = request.match_info["name"]
        if name not in VERSIONS:
            raise NotFound("there is nothing here")
        file = STATIC / name
        return give(file.read_bytes(), _TYPES[file.suffix])

    async def give_theme(self, request: web.Request) -> web.Response:
        """Give the tenant's colours."""
        branding = await self.places.branding(request, self.face.tenant(request))
        return give(theme(branding).css.encode(), _TYPES[".css"])

    def refuse(self, request: Request, refusal: Refusal) -> web.Response:
        """Say on a page why `request` was not done: the chassis' `Face`."""
        assert isinstance(request, web.Request)  # noqa: S101 - no path of ours is direct
        frame = self.places.frame(request)
        response = respond(refusals.draw(frame, request, refusal), refusal.status)
        out = refusals.key_of(request, refusal) == refusals.SIGNED_OUT
        if out and frame.kind is FlowType.LOGOUT:
            # Where it does not even sign out, it is good for nothing any more.
            self.jar.forget_assertion(response, self.face.tenant(request))
        return response

    async def _refuse_foreign(self, request: web.Request) -> NoReturn:
        await self.face.charge(request)
        request[refusals.FOREIGN] = True
        raise Denied("the form is not of this site")

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
        opening = Opening(bearer=bearer, device=self.jar.device(request), next=wanted)
        answer = decode(await self.face.turn(request, body, opening))
        answer = await self._tell(request, place, answer)
        flow = InProgress(_unless_unset(answer.flow_id), wanted)
        if answer.flow_status != "INCOMPLETE":
            response = await self._ended(place, answer, flow)
        else:
            response = then or self._shown(request, place, answer)
            self.jar.keep_flow(response, place.tenant, place.kind, flow)
        self.jar.keep_device(response, opening.device)
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
            return respond(draw_step(place.frame, answer, typed={}))
        url, step = _url(answer), _unless_unset(answer.step_id)
        before = self.jar.away(request)
        # Whoever comes back by the browser's own button is not sent off once more.
        first = before is None or before.step != step
        response = respond(draw_leaving(place.frame, url, at_once=first, step=step))
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
            response = respond(draw_end(place.frame, answer, onward))
        elif _PATH_URL.fullmatch(onward):
            response = see(onward)
        else:
            response = respond(draw_leaving(place.frame, onward, at_once=True))
        self.jar.forget_flow(response, place.tenant, place.kind)
        if succeeded and place.kind in _LEAVERS:
            self.jar.forget_assertion(response, place.tenant)
        elif succeeded and answer.data.user_assertion is not UNSET:
            self.jar.keep_assertion(response, place.tenant, answer.data.user_assertion)
        return response


def _unless_unset(value: str | UnsetType) -> str:
    return "" if value is UNSET else value


def _url(answer: wire.Answer) -> str:
    """Return where `answer` leads; raise `Invalid` where no browser should go."""
    url = answer.data.url
    if url is UNSET or not (_PATH_URL.fullmatch(url) or _PAGE_URL.fullmatch(url)):
        raise Invalid("nobody can be sent to that place")
    return url
