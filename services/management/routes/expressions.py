"""`/api/admin/expressions/reference`: the language of conditions as data, for editors."""

from __future__ import annotations

from typing import Final

from aiohttp import hdrs, web

from libs.common.chassis.app import json_answer
from libs.common.flow.expression import reference
from libs.common.flow.expression.reference import Reference
from services.management.routes.operation import Operation


class Endpoints:
    """What is the same for each tenant, and needs nothing that is stored."""

    async def show(self, _request: web.Request) -> web.Response:
        return json_answer(reference())


OPERATIONS: Final = (
    Operation(
        method=hdrs.METH_GET,
        path="/api/admin/expressions/reference",
        handler=Endpoints.show,
        summary="Get the language of conditions as data",
        scope="read:flows",
        answers={200: Reference},
    ),
)
