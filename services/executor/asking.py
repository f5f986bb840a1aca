"""`POST /introspect`: who asks it, how often, and how that is read.

Here, and not in `introspection`, is all that is HTTP.
"""

from __future__ import annotations

import dataclasses
from typing import Annotated, Final

import msgspec
from aiohttp import hdrs
from msgspec import Meta

from libs.common.chassis.direct import Request
from libs.common.chassis.oauth import FORM, credentials, read_form
from libs.common.errors import Invalid, Unsupported
from libs.common.secret import Secret
from services.executor.introspection import Clients, Introspected, Introspection
from services.executor.limits import Addresses

INTROSPECT_PATH: Final = "/introspect"


class IntrospectBody(msgspec.Struct, frozen=True):
    """The fields of the form (RFC 7662, 2.1); others pass."""

    token: Annotated[str, Meta(description="an assertion, or a `sid`")]
    token_type_hint: Annotated[
        str | None,
        Meta(description="`sid` where the token is one; whatever else, it is an assertion"),
    ] = None
    client_id: Annotated[str | None, Meta(description="where no header says it")] = None
    client_secret: Annotated[str | None, Meta(description="as `client_id`")] = None

    def __repr__(self) -> str:
        """Say nothing: there are secrets in it."""
        return "IntrospectBody(***)"


@dataclasses.dataclass(frozen=True)
class Asking:
    """Answers who asks about assertions."""

    clients: Clients
    introspection: Introspection
    addresses: Addresses

    async def answer(self, request: Request, tenant: str, address: str) -> Introspected:
        """Say what the token that `request` shows is worth in `tenant`.

        Raises `Exhausted`, `Unsupported`, `Invalid`, and what `credentials`, `Clients.admit` and
        `Introspection.introspect` raise.
        """
        await self.addresses.admit(address)
        media = request.headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower()
        if media != FORM:
            raise Unsupported(f"the body has to be {FORM}")
        fields = await read_form(request)
        secret = fields.get("client_secret")
        id, proof = credentials(
            request.headers.get(hdrs.AUTHORIZATION),
            fields.get("client_id"),
            None if secret is None else Secret(secret),
        )
        await self.clients.admit(tenant, id, proof)
        token = fields.get("token")
        if not token:
            raise Invalid("there is no token")
        return await self.introspection.introspect(
            tenant, Secret(token), fields.get("token_type_hint")
        )
