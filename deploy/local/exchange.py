"""Talks to the two APIs as a client would, and prints each exchange so that a person can read it.

What is printed is what was sent and answered, shortened; a password or a token is never printed.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp

from deploy.local.stack import Facts
from services.executor.assertions import DEFAULT_TENANT

SECRET = frozenset({"password", "code", "userAssertion"})
ASIDE = frozenset(
    {
        *("display_name", "description", "created_at", "updated_at", "abort"),
        *("trace", "facts", "turns", "plan", "started_at", "expires_at"),
    }
)
"""What a person need not read to follow a journey."""
WIDTH = 118

Json = Any
Say = Callable[[str], None]


class Unexpected(Exception):
    """An answer was not what the journey needs; the message says what was wanted."""


class Client:
    """Speaks to management as an administrator, and to the executor as anybody."""

    def __init__(
        self, http: aiohttp.ClientSession, facts: Facts, say: Say, *, tenant: str | None = None
    ) -> None:
        """Speak of `tenant`, or of the one whose paths need not name it."""
        self._http = http
        self._facts = facts
        self._say = say
        self._tenant = tenant or DEFAULT_TENANT
        self._prefix = "" if tenant is None else f"/t/{tenant}"
        self.issuer = facts.executor_url + self._prefix
        """`iss` of the tenant's assertions."""

    async def admin(self, method: str, path: str, body: Json = None, *, expect: int = 200) -> Json:
        """Ask for `path` of the tenant; raises `Unexpected` on another status than `expect`."""
        return await self._manage(method, self._prefix + path, body, expect)

    async def demand(self, *invariants: Json) -> Json:
        """Set what the tenant demands of its flows; return what is said of that."""
        path = f"/api/admin/tenants/{self._tenant}/invariants"
        return await self._manage("PUT", path, list(invariants), 200)

    async def _manage(self, method: str, path: str, body: Json, expect: int) -> Json:
        headers = {
            "Authorization": f"Bearer {self._facts.admin_token}",
            "Content-Type": "application/json",
        }
        data = body if isinstance(body, str) or body is None else json.dumps(body)
        self._say(shorten(f"  > {method} {path}  {_outline(body)}".rstrip()))
        async with self._http.request(
            method, self._facts.management_url + path, data=data, headers=headers
        ) as answer:
            text = await answer.text()
            said = json.loads(text) if text else None
            self._say(shorten(f"  < {answer.status} {_outline(said)}"))
            if answer.status != expect:
                raise Unexpected(f"{method} {path}: {expect} was expected, not {answer.status}")
            return said

    async def execute(self, **body: Json) -> Json:
        """Post one step to the executor, as a client app does."""
        path = f"{self._prefix}/flow/execute"
        self._say(shorten(f"  > POST {path}  {_request(body)}"))
        async with self._http.post(self._facts.executor_url + path, json=body) as answer:
            said = await answer.json()
            self._say(shorten(f"  < {answer.status} {_step(said)}"))
            if answer.status != 200:  # noqa: PLR2004 - the one status of a step
                raise Unexpected(f"POST {path}: 200 was expected, not {answer.status}")
            return said

    async def keys(self) -> Json:
        """Fetch the keys that assertions are signed with."""
        path = f"{self._prefix}/.well-known/jwks.json"
        self._say(f"  > GET {path}")
        async with self._http.get(self._facts.executor_url + path) as answer:
            said = await answer.json()
        self._say(shorten(f"  < {answer.status} {len(said['keys'])} key"))
        return said


def shorten(line: str) -> str:
    """Cut a line to what a terminal shows."""
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 3]}..."


def inputs(answer: Json) -> list[str]:
    """Name the inputs that an answer asks for, of the user or of the app."""
    if answer["type"] == "INTERNAL_PROMPT":
        return [*answer["data"]["requiredParams"], *answer["data"].get("optionalParams", ())]
    return [component["config"]["identifier"] for component in _of_type(answer, "INPUT")]


def _of_type(answer: Json, kind: str) -> list[Json]:
    found = []
    waiting = list(answer["data"].get("components", ()))
    while waiting:
        component = waiting.pop(0)
        waiting = [*component.get("components", ()), *waiting]
        if component["type"] == kind:
            found.append(component)
    return found


def _step(answer: Json) -> str:
    if "flowStatus" not in answer:
        return json.dumps(answer)
    data = answer["data"]
    parts = [answer["flowStatus"], answer["type"]]
    if asked := inputs(answer):
        parts.append(f"asks for {', '.join(asked)}")
    parts += [f'says "{message["message"]}"' for message in data.get("messages", ())]
    if "userAssertion" in data:
        parts.append("userAssertion ey...")
    return "  ".join(parts)


def _request(body: Mapping[str, Json]) -> str:
    """Show a step as it is sent, without what only the client needs."""
    shown = {key: value for key, value in body.items() if value and key != "stepId"}
    if "flowId" in shown:
        shown["flowId"] = f"{shown['flowId'][:8]}..."
    return json.dumps(_masked(shown))


def _masked(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {k: "********" if k in SECRET else _masked(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_masked(each) for each in value]
    return value


def _outline(body: Json) -> str:
    """Show a body of the management API: its graph by its size, what is in a list by its name."""
    if body is None:
        return ""
    if isinstance(body, str):
        body = json.loads(body)
    if isinstance(body, list):
        return json.dumps([_named(each) for each in body])
    shown: dict[str, Json] = {}
    for key, value in body.items():
        if key in ASIDE:
            continue
        if key == "graph":
            shown[key] = f"{len(value['nodes'])} nodes, {len(value['edges'])} edges"
        elif isinstance(value, list):
            shown[key] = [_named(each) for each in value]
        else:
            shown[key] = _masked(value)
    return json.dumps(shown)


def _named(item: Json) -> Json:
    """Name what is in a list: a problem by its code, and the path that shows it."""
    if not isinstance(item, Mapping):
        return item
    if {"code", "message"} <= item.keys():
        path = item.get("counter_example")
        return item["code"] if path is None else f"{item['code']}: {' > '.join(path)}"
    return item.get("name", _masked(item))
