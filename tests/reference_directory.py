"""A directory of somebody else's, as small as it can be: what "Bring your own users" asks of one.

It knows nothing of Gatehouse but that page: no struct and no function of ours is in it. Its users
are in memory, and gone with it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

KINDS: Final = ("email", "username", "phone")
TOLERANCE_SECONDS: Final = 300


@dataclass
class Person:
    tenant: str
    creation_key: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    names: dict[str, str] = field(default_factory=dict)
    email_verified: bool = False
    attributes: dict[str, Any] = field(default_factory=dict)
    password_hash: str | None = None
    blocked: bool = False
    created_at: int = field(default_factory=lambda: int(time.time()))


class ReferenceDirectory:
    """Answers the operations of the page, each in a method of its name."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self.secrets = secrets
        self.people: dict[str, Person] = {}
        self.asked: list[dict[str, Any]] = []
        """Every question, in order."""
        # As cheap as argon2 gets: what it costs is not what the tests are about.
        self._argon2 = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        self._nobodys = self._argon2.hash(uuid.uuid4().bytes)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/gatehouse", self.answer)
        return app

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        if not self._is_signed(request.headers.get("Gatehouse-Signature", ""), body):
            return web.json_response({"error": "the signature is not right"}, status=401)
        asked = json.loads(body)
        self.asked.append(asked)
        operation = asked.pop("operation")
        return web.json_response(getattr(self, f"do_{operation}")(**asked))

    def do_find(self, tenant: str, kinds: list[str], identifier: str) -> Mapping[str, Any]:
        for kind in kinds:
            for person in self.people.values():
                if (person.tenant, person.names.get(kind)) == (tenant, identifier):
                    return {"account": None if person.blocked else person.id}
        return {"account": None}

    def do_check_password(self, tenant: str, account: str, password: str) -> Mapping[str, Any]:
        person = self._person(tenant, account)
        known = None if person is None else person.password_hash
        try:
            # Somebody's or nobody's: it takes as long.
            self._argon2.verify(known or self._nobodys, password)
        except VerifyMismatchError:
            return {"right": False}
        return {"right": known is not None}

    def do_load(self, tenant: str, account: str) -> Mapping[str, Any]:
        person = self._person(tenant, account)
        if person is None:
            return {"user": None}
        return {
            "user": {
                **person.names,
                "email_verified": person.email_verified,
                "attributes": person.attributes,
                "created_at": person.created_at,
                "what_gatehouse_has_not_heard_of": True,
            }
        }

    def do_write(
        self,
        *,
        tenant: str,
        creation_key: str,
        account: str | None,
        email_verified: bool,
        attributes: dict[str, Any],
        password_hash: str | None,
        **identifiers: str | None,
    ) -> Mapping[str, Any]:
        names = {kind: identifiers[kind] or "" for kind in KINDS if identifiers[kind]}
        if account is None:
            person = next(
                (one for one in self.people.values() if one.creation_key == creation_key),
                Person(tenant, creation_key),
            )
        else:
            found = self._person(tenant, account)
            if found is None:
                return {}
            person = found
        for kind, name in names.items():
            for other in self.people.values():
                mine = other is person or other.tenant != tenant
                if not mine and other.names.get(kind) == name:
                    return {"taken": kind}
        same = "email" not in names or names["email"] == person.names.get("email")
        person.email_verified = email_verified or (person.email_verified and same)
        # The same key again makes anew what it made.
        person.names = names if account is None else {**person.names, **names}
        person.attributes = attributes if account is None else {**person.attributes, **attributes}
        person.password_hash = password_hash or (person.password_hash if account else None)
        self.people[person.id] = person
        return {"account": person.id}

    def do_verify_email(self, tenant: str, account: str, email: str) -> Mapping[str, Any]:
        person = self._person(tenant, account)
        if person is None or person.names.get("email") != email:
            return {"noted": False}
        person.email_verified = True
        return {"noted": True}

    def do_delete(self, tenant: str, account: str) -> Mapping[str, Any]:
        if self._person(tenant, account) is not None:
            del self.people[account]
        return {}

    def _person(self, tenant: str, account: str) -> Person | None:
        person = self.people.get(account)
        if person is None or person.tenant != tenant or person.blocked:
            return None
        return person

    def _is_signed(self, header: str, body: bytes) -> bool:
        parts = [part.partition("=") for part in header.split(",")]
        at = next((value for name, _, value in parts if name == "t"), "0")
        if not at.isdigit() or abs(time.time() - int(at)) > TOLERANCE_SECONDS:
            return False
        wanted = [
            hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
            for secret in self.secrets
        ]
        given = [value for name, _, value in parts if name == "v1"]
        return any(hmac.compare_digest(one, other) for one in wanted for other in given)
