"""`/api/admin/tenants/{tenant}/invariants`: what holds for all flows of a tenant."""

from __future__ import annotations

from typing import Annotated, Final

from aiohttp import hdrs, web
from msgspec import Meta

from libs.common.flow.model import Invariant
from services.management.invariants import MOST, Invariants, Standing
from services.management.routes.decode import decode
from services.management.routes.face import tagged
from services.management.routes.operation import Operation, Tenant
from services.management.routes.serving import admitted

InvariantsBody = Annotated[tuple[Invariant, ...], Meta(max_length=MOST)]


class Endpoints:
    def __init__(self, invariants: Invariants) -> None:
        self._invariants = invariants

    async def get(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        return tagged(*await self._invariants.get(tenant))

    async def put(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        wanted = await decode(request, InvariantsBody)
        return tagged(*await self._invariants.replace(tenant, wanted, author))


_INVARIANTS: Final = "/api/admin/tenants/{tenant}/invariants"
_TENANT: Final = {"tenant": Tenant}

OPERATIONS: Final = (
    Operation(
        method=hdrs.METH_GET,
        path=_INVARIANTS,
        handler=Endpoints.get,
        summary="Get what has to hold for all flows of a tenant",
        scope="read:tenants",
        parameters=_TENANT,
        answers={200: Standing},
        tenants=False,
        tagged=True,
    ),
    Operation(
        method=hdrs.METH_PUT,
        path=_INVARIANTS,
        handler=Endpoints.put,
        summary="Say what has to hold for all flows of a tenant",
        scope="update:tenants",
        parameters=_TENANT,
        body=InvariantsBody,
        answers={200: Standing},
        tenants=False,
        tagged=True,
    ),
)
