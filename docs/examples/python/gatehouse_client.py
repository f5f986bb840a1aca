"""A typed client of Gatehouse's executor: copy it into an app. It needs aiohttp and msgspec.

    async with aiohttp.ClientSession() as http:
        end = await walk(Client(http, "https://id.example.com"), "LOGIN", MyApp())

It decides nothing about a flow, and keeps nothing: what a step says is what `MyApp` is asked.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, ClassVar, Literal, Protocol, TypeAlias

import aiohttp
import msgspec

Inputs: TypeAlias = Mapping[str, Any]

PAUSES = (0.5, 1.0, 2.0, 4.0)
"""Seconds between attempts, where no answer says how long to wait."""
LONGEST_PAUSE = 30
"""Seconds; whoever asks for more is told to the caller."""
_PASSING = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}


class Part(msgspec.Struct, frozen=True, rename="camel"):
    """Whatever the executor sends; a field that is not known here is left out."""


class Component(Part, frozen=True):
    """A thing on the screen."""

    id: str
    type: str
    """`FORM`, `INPUT`, `BUTTON`, `TYPOGRAPHY`, `RICH_TEXT`, `DIVIDER`, `IMAGE`, `CAPTCHA`,
    `RESEND`; skip what you do not know."""
    variant: str | None = None
    action_id: str | None = None
    config: dict[str, Any] = {}
    components: tuple[Component, ...] = ()


class Message(Part, frozen=True):
    """Something to tell the user."""

    type: Literal["ERROR", "INFO"]
    message: str
    i18n_key: str | None = msgspec.field(default=None, name="i18nKey")


class FieldError(Part, frozen=True):
    """What is wrong with one input."""

    identifier: str
    message: str
    i18n_key: str | None = msgspec.field(default=None, name="i18nKey")


class Data(Part, frozen=True):
    """What a step says; what there is of it hangs on the step's type."""

    components: tuple[Component, ...] = ()
    required_params: tuple[str, ...] = ()
    optional_params: tuple[str, ...] = ()
    messages: tuple[Message, ...] = ()
    field_errors: tuple[FieldError, ...] = ()
    web_authn: dict[str, Any] = {}
    url: str | None = None
    user_assertion: str | None = None

    def of_type(self, *types: str) -> Iterator[Component]:
        """List the components of these types, in order and in depth."""
        waiting = list(self.components)
        while waiting:
            component = waiting.pop(0)
            waiting = [*component.components, *waiting]
            if component.type in types:
                yield component


class Step(Part, frozen=True):
    """Where a flow is, or how it ended."""

    flow_type: str
    flow_status: Literal["INCOMPLETE", "COMPLETE", "ERROR"]
    type: Literal["VIEW", "REDIRECTION", "WEBAUTHN", "INTERNAL_PROMPT"]
    data: Data
    flow_id: str = ""
    step_id: str = ""

    @property
    def over(self) -> bool:
        """Whether nothing can be sent any more."""
        return self.flow_status != "INCOMPLETE"


class Submit(msgspec.Struct, frozen=True):
    """What the user did."""

    inputs: Inputs
    action: str = ""
    """The `actionId` of the button that was pressed; empty for the first."""


class App(Protocol):
    """What an app does at a step."""

    async def fill(self, step: Step) -> Submit:
        """Show `step.data.components`, what is wrong with them, and return what was done."""

    async def leave(self, url: str) -> Inputs:
        """Send the user to `url`, and return what they bring back to the app's callback."""

    async def authenticate(self, options: Mapping[str, Any]) -> str:
        """Ask the authenticator by WebAuthn; return the credential as JSON."""

    async def tell(self, names: tuple[str, ...]) -> Inputs:
        """Return those of the parameters that the app knows."""


class Refused(Exception):
    """The executor did not do what was asked; `trace_id` is for your log and its operators."""

    def __init__(self, status: int, code: str, trace_id: str, flow_type: str | None) -> None:
        """Say why: `flow_type` is what to start again with, where that would help."""
        super().__init__(f"{status} {code} (trace {trace_id})")
        self.status = status
        self.code = code
        self.trace_id = trace_id
        self.flow_type = flow_type


class _Fault(Part, frozen=True):
    code: str = ""
    trace_id: str = ""
    flow_type: str | None = None
    step: Step | None = None
    """With a 409: what is current."""


class Client:
    """Calls one executor."""

    timeout: ClassVar = aiohttp.ClientTimeout(total=15)

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        """Call the executor at `url`; `https://id.example.com/t/acme` for the tenant `acme`."""
        self._http = http
        self._url = f"{url.rstrip('/')}/flow/execute"

    async def start(self, flow_type: str, *, bearer: str | None = None, **more: str) -> Step:
        """Start a flow, for whom `bearer` is an assertion; `more` is `flow`, `deviceId`, `next`."""
        return await self._send({"flowType": flow_type, **more}, bearer)

    async def answer(self, step: Step, inputs: Inputs, action: str = "") -> Step:
        """Answer `step`; where somebody else was faster, return what is current."""
        body = {"flowId": step.flow_id, "stepId": step.step_id, "actionId": action}
        return await self._send({**body, "inputs": dict(inputs)}, None)

    async def _send(self, body: Mapping[str, Any], bearer: str | None) -> Step:
        # One key for all attempts: however many arrive, one is done.
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        if bearer is not None:
            headers["Authorization"] = f"Bearer {bearer}"
        data, pauses = msgspec.json.encode(body), iter(PAUSES)
        while True:
            pause = next(pauses, None)
            try:
                answer, content = await self._once(data, headers)
            except (aiohttp.ClientError, TimeoutError):
                if pause is None:
                    raise
                await asyncio.sleep(pause)
                continue
            if answer.status == HTTPStatus.OK:
                return msgspec.json.decode(content, type=Step)
            fault = _fault(content)
            if answer.status == HTTPStatus.CONFLICT and fault.step is not None:
                return fault.step
            wait = _wait(answer, pause)
            if wait is None:
                raise Refused(answer.status, fault.code, fault.trace_id, fault.flow_type)
            await asyncio.sleep(wait)

    async def _once(
        self, data: bytes, headers: Mapping[str, str]
    ) -> tuple[aiohttp.ClientResponse, bytes]:
        async with self._http.post(
            self._url, data=data, headers=headers, timeout=self.timeout
        ) as answer:
            return answer, await answer.read()


async def walk(client: Client, flow_type: str, app: App, *, bearer: str | None = None) -> Step:
    """Start a flow and have `app` answer each step; return how it ended."""
    step = await client.start(flow_type, bearer=bearer)
    while not step.over:
        submit = await _do(app, step)
        step = await client.answer(step, submit.inputs, submit.action)
    return step


async def _do(app: App, step: Step) -> Submit:
    match step.type:
        case "VIEW":
            return await app.fill(step)
        case "REDIRECTION":
            return Submit(await app.leave(step.data.url or ""))
        case "WEBAUTHN":
            return Submit({"tokenResponse": await app.authenticate(step.data.web_authn)})
        case "INTERNAL_PROMPT":
            names = (*step.data.required_params, *step.data.optional_params)
            return Submit(await app.tell(names))


def _wait(answer: aiohttp.ClientResponse, pause: float | None) -> float | None:
    """Say how long to wait before the same is sent again; None where it is not."""
    if answer.status not in _PASSING or pause is None:
        return None
    asked = answer.headers.get("Retry-After", "")
    seconds = float(asked) if asked.isdigit() else pause
    return seconds if seconds <= LONGEST_PAUSE else None


def _fault(content: bytes) -> _Fault:
    try:
        return msgspec.json.decode(content, type=_Fault)
    except msgspec.MsgspecError:
        # Something in between answered: a proxy, with a page of its own.
        return _Fault()
