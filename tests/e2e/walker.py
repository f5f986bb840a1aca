"""The clients of the end-to-end tests: an app that walks flows, and an administrator.

They speak HTTP and judge nothing: whatever is answered is handed to the test as it came.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import aiohttp
import jwt
import msgspec

from deploy.local.stack import Facts
from tests.typed import TYPED

ADMIN = "/api/admin"
EXECUTE = "/flow/execute"

Json = Any
T = TypeVar("T")


class Reply(msgspec.Struct, frozen=True):
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def body(self) -> Json:
        return json.loads(self.content)

    @property
    def data(self) -> Json:
        """What a step shows; a fault has none, and fails the test that looks for it."""
        return self.body["data"]

    @property
    def flow(self) -> str:
        flow: str = self.body["flowId"]
        return flow

    @property
    def asks(self) -> list[str]:
        """The inputs that a step waits for; none at its end."""
        asked: list[str] = self.data.get("requiredParams", [])
        return asked


async def ask(
    http: aiohttp.ClientSession,
    method: str,
    url: str,
    body: Json = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Send `body` as JSON, or as it is where it is text."""
    data = body if isinstance(body, str) or body is None else json.dumps(body)
    more = {"Content-Type": "application/json", **(headers or {})}
    async with http.request(method, url, data=data, headers=more) as answer:
        return Reply(answer.status, dict(answer.headers), await answer.read())


class Walker:
    """A client app behind a round-robin: each of its requests goes to the next executor.

    It goes on to the one after where a connection is refused, as a load balancer does: nobody
    there has seen the request. After anything else it does not repeat itself.
    """

    def __init__(self, http: aiohttp.ClientSession, urls: Sequence[str]) -> None:
        self._http = http
        self._urls = urls
        self._next = itertools.cycle(urls)

    async def post(
        self, body: Json, *, path: str = EXECUTE, headers: Mapping[str, str] | None = None
    ) -> Reply:
        TYPED.request(body if isinstance(body, dict) else {})
        reply = await self._post(body, path, headers)
        TYPED.answer(reply.body if reply.status == 200 else None)
        return reply

    async def _post(self, body: Json, path: str, headers: Mapping[str, str] | None) -> Reply:
        for _ in self._urls[1:]:
            try:
                return await ask(self._http, "POST", next(self._next) + path, body, headers)
            except aiohttp.ClientConnectorError:
                continue
        return await ask(self._http, "POST", next(self._next) + path, body, headers)

    async def start(self, flow: str | None = None, kind: str = "LOGIN") -> Reply:
        return await self.post({"flowType": kind} if flow is None else with_flow(flow, kind))

    async def submit(self, step: Reply, action: str = "", **inputs: Json) -> Reply:
        """Answer `step`, and no other."""
        return await self.post(answer_to(step, action, **inputs))

    async def at_password(self, flow: str, identifier: str) -> Reply:
        return await self.submit(await self.start(flow), identifier=identifier)

    async def sign_in(self, flow: str, identifier: str, password: str) -> Reply:
        return await self.submit(await self.at_password(flow, identifier), password=password)


def with_flow(flow: str, kind: str) -> Json:
    return {"flowType": kind, "flow": flow}


def answer_to(step: Reply, action: str = "", **inputs: Json) -> Json:
    """Make the body that answers `step`, and no other."""
    return {
        "flowId": step.flow,
        "stepId": step.body["stepId"],
        "actionId": action,
        "inputs": inputs,
    }


class Admin:
    """An administrator of every tenant, at work in one of them."""

    def __init__(self, http: aiohttp.ClientSession, facts: Facts, tenant: str = "default") -> None:
        self._http = http
        self._facts = facts
        self._tenant = tenant

    async def ask(
        self,
        method: str,
        path: str = "",
        body: Json = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Ask for `path` below the flows."""
        return await self.call(method, f"/flows{path}", body, headers)

    async def call(
        self, method: str, path: str, body: Json = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Ask for `path` below all that administrators have in this tenant."""
        bearer = {"Authorization": f"Bearer {self._facts.admin_token}", **(headers or {})}
        url = f"{self._facts.management_url}/t/{self._tenant}{ADMIN}{path}"
        return await ask(self._http, method, url, body, bearer)

    async def done(self, method: str, path: str = "", body: Json = None) -> Json:
        """Ask for what must be done, and return what is said of it."""
        return said(await self.ask(method, path, body))

    async def create(self, name: str, graph: Json, kind: str = "login", **settings: Json) -> str:
        body = {"name": name, "display_name": name, "type": kind, "graph": graph, **settings}
        id: str = (await self.done("POST", body=body))["id"]
        return id

    async def publish(self, name: str, graph: Json, kind: str = "login", **settings: Json) -> str:
        """Create and activate a flow; return its id."""
        id = await self.create(name, graph, kind, **settings)
        await self.done("POST", f"/{id}/activate")
        return id

    async def edit(self, id: str, graph: Json, **settings: Json) -> int:
        """Save the next version of a flow; return its number."""
        number: int = (await self.done("PUT", f"/{id}", {"graph": graph, **settings}))["version"]
        return number

    async def republish(self, id: str, graph: Json, **settings: Json) -> int:
        """Save the next version of a flow and activate it; return its number."""
        number = await self.edit(id, graph, **settings)
        await self.done("POST", f"/{id}/activate")
        return number

    async def demand(self, *invariants: Json) -> Json:
        """Set what the tenant demands of its flows; return the active ones that break it."""
        url = f"{self._facts.management_url}{ADMIN}/tenants/{self._tenant}/invariants"
        bearer = {"Authorization": f"Bearer {self._facts.admin_token}"}
        reply = await ask(self._http, "PUT", url, list(invariants), bearer)
        return said(reply)["violations"]

    async def audited(self, id: str, action: str) -> list[Json]:
        """Read what the audit log says of a flow, the newest first."""
        entries: list[Json] = said(await self.call("GET", f"/audit?flow={id}&action={action}"))[
            "items"
        ]
        return entries

    async def clear(self) -> None:
        """Delete every flow there is, and whatever is demanded of them."""
        await self.demand()
        while items := (await self.done("GET", "?limit=100"))["items"]:
            # The newest first: nothing that runs inside another goes before that.
            for flow in reversed(items):
                await self.done("DELETE", f"/{flow['id']}")


def said(reply: Reply) -> Json:
    """Return what is said of something that must be done."""
    assert reply.status in {200, 201, 204}, reply.content
    return reply.body if reply.content else None


async def claims_of(http: aiohttp.ClientSession, facts: Facts, done: Reply) -> Json:
    """Verify the assertion of a completed flow against the keys that every executor publishes."""
    token = done.data["userAssertion"]
    kid = jwt.get_unverified_header(token)["kid"]
    claims: Json = None
    for url in facts.executor_urls:
        published = await ask(http, "GET", f"{url}/.well-known/jwks.json")
        claims = jwt.decode(
            token,
            jwt.PyJWKSet.from_dict(published.body)[kid],
            algorithms=["ES256"],
            audience="gatehouse",
            issuer=facts.executor_url,
        )
    return claims
