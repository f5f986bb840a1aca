"""Who starts a flow: nobody, a user who shows an assertion of ours, or a service of the deployment.

What proves it is looked at here and nowhere else, and is in no session, log or metric. A session
never hears of it again: its `flowId` is the only handle that it goes on by.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

import msgspec

from libs.common.errors import Unauthenticated
from libs.common.flow.model import FlowType
from libs.common.flow.questions import LoadUser
from libs.common.flow.turn import Facts
from libs.common.secret import Secret
from services.executor.assertions import NOT_VALID, Assertions
from services.executor.handlers import users
from services.executor.handlers.world import World


class Caller(msgspec.Struct, frozen=True):
    """Who calls, as far as they said and proved it."""

    facts: Facts = Facts()
    """What a session begins with."""
    outpost: bool = False
    """It is a service of the deployment's."""


NOBODY: Final = Caller()
OUTPOST: Final = Caller(outpost=True)


class Callers:
    """Tells callers by their bearers."""

    def __init__(self, assertions: Assertions, outposts: Sequence[Secret], world: World) -> None:
        """Take the bearers that `outposts` share with this deployment."""
        self._assertions = assertions
        self._outposts = tuple(_digest(token) for token in outposts)
        self._world = world

    async def identify(self, tenant: str, bearer: Secret | None, kind: FlowType) -> Caller:
        """Say who calls in `tenant` for a flow of this type.

        Raises `Unauthenticated` for a bearer that proves nothing.
        """
        if bearer is None:
            return NOBODY
        given = _digest(bearer)
        # All of them, whichever it is: the time must not tell how many come before.
        if any([hmac.compare_digest(given, token) for token in self._outposts]):  # noqa: C419
            return OUTPOST
        asserted = self._assertions.verify(tenant, bearer)
        # An old one may end what it was about: a sign-in lasts longer than an assertion of it. It
        # opens nothing else, or who steals one would have it for as long.
        if asserted.late and kind is not FlowType.LOGOUT:
            raise Unauthenticated(NOT_VALID)
        found = await self._world.sign_ins.find(tenant, asserted.sid)
        account = asserted.sub
        if found is None or await users.load(self._world, tenant, LoadUser(account)) is None:
            # As what is wrong with an assertion: that somebody is gone is nobody's to know.
            raise Unauthenticated(NOT_VALID)
        if asserted.late:
            return Caller(Facts(sign_in=asserted.sid))
        return Caller(Facts(account=account, authenticated=True, sign_in=asserted.sid))


def _digest(token: Secret) -> bytes:
    # Of one length, which a comparison would tell.
    return hashlib.sha256(token.reveal().encode("utf-8", "surrogatepass")).digest()
