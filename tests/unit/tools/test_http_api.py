from aiohttp import web

from libs.common.flow.model import Graph
from services.management.openapi import document
from services.management.operations import OPERATIONS
from services.management.routes.operation import Content, Operation
from tools.docs import api
from tools.http_api import HEAD, named, row, sections


class Endpoints:
    async def handle(self, _request: web.Request) -> web.Response:
        return web.Response()


def test_every_operation_has_a_row() -> None:
    rows = [each for _, rows in sections() for each in rows]
    assert len(rows) == len(OPERATIONS)
    assert {len(each) for each in rows} == {len(HEAD)}
    for operation in OPERATIONS:
        path = web.DynamicResource(operation.path).canonical
        assert f"`{operation.method} {path}`" in api()


def test_a_row_says_what_a_caller_has_to_know() -> None:
    operation: Operation[Endpoints] = Operation(
        method="PUT",
        path="/api/admin/things/{id:[a-z]+}",
        handler=Endpoints.handle,
        summary="Change a thing",
        scope="update:flows",
        parameters={"id": str},
        body=Content(Graph, ("application/yaml",), optional=True),
        answers={200: Graph, 204: None},
        tenants=False,
        tagged=True,
    )
    assert row(operation, document([operation], "")["paths"]) == (
        "`PUT /api/admin/things/{id}` † \\*",
        "`update:flows`",
        "Change a thing",
        "",
        "*Graph*, `application/yaml`, optional",
        "200 *Graph*; 204",
    )


def test_a_body_of_no_named_type_says_its_media() -> None:
    assert named({"content": {"text/html": {}}}) == "`text/html`"
    assert named({"content": {"application/json": {"schema": {}}}}) == "`application/json`"
    assert named({}) == ""
