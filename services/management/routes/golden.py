"""`/api/admin/flows/{id}/golden`: the tests that versions of a flow have to pass before they run.

A test is sent in JSON or in YAML, as it is in a file of golden tests, without its `flow`.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from aiohttp import hdrs, web
from msgspec import UNSET, Meta, UnsetType

from libs.common.chassis.app import json_answer
from libs.common.chassis.problems import JSON
from libs.common.errors import Invalid, Problem
from libs.common.flow.golden import Golden, NamedGolden, TestName, check, check_all
from libs.common.flow.model import Json
from services.management.etags import tag_of
from services.management.goldens import MOST_TESTS, Goldens, Verdict
from services.management.records import GoldenTest
from services.management.routes.decode import YAML, decode_document, decode_if_sent
from services.management.routes.face import FLOW, flow_id, tagged
from services.management.routes.operation import Content, Operation
from services.management.routes.serving import admitted
from services.management.routes.versions import Number


class TestBody(Golden, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A test; its name is that of the path."""

    name: TestName | UnsetType = UNSET


class TestsBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All tests of a flow."""

    tests: Annotated[tuple[NamedGolden, ...], Meta(max_length=MOST_TESTS)]


class RunBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which version to run the tests on: the newest unless given."""

    version: Number | None = None


class TestsAnswer(msgspec.Struct, frozen=True):
    """All tests of a flow, by name."""

    tests: tuple[Json, ...]


class Endpoints:
    def __init__(self, goldens: Goldens) -> None:
        self._goldens = goldens

    async def list(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        tests = await self._goldens.list(tenant, flow_id(request))
        return tagged(TestsAnswer(tuple(map(written_test, tests))), tag_of(tests))

    async def get(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        name = request.match_info["name"]
        found = await self._goldens.get(tenant, flow_id(request), name)
        return tagged(written_test(found), found.tag())

    async def put(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        id, name = flow_id(request), _name(request)
        body = await decode_document(request, TestBody)
        _refuse(check(body))
        if body.name not in (UNSET, name):
            _refuse((Problem("invalid", "the path has another name", path="name"),))
        test = stored_test(name, body)
        is_new = await self._goldens.put(tenant, id, test, author)
        return tagged(written_test(test), test.tag(), status=201 if is_new else 200)

    async def replace(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        id = flow_id(request)
        body = await decode_document(request, TestsBody)
        _refuse(check_all(body.tests))
        kept = (stored_test(each.name, each) for each in body.tests)
        tests = tuple(sorted(kept, key=_by_name))
        await self._goldens.replace(tenant, id, tests, author)
        return tagged(TestsAnswer(tuple(map(written_test, tests))), tag_of(tests))

    async def clear(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        await self._goldens.replace(tenant, flow_id(request), (), author)
        return web.Response(status=204)

    async def delete(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        name = request.match_info["name"]
        await self._goldens.delete(tenant, flow_id(request), name, author)
        return web.Response(status=204)

    async def run(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        id = flow_id(request)
        body = await decode_if_sent(request, RunBody)
        return json_answer(await self._goldens.run(tenant, id, body.version))


_TESTS: Final = "/api/admin/flows/{id}/golden"
_TEST: Final = _TESTS + "/{name}"
_NAMED: Final = {**FLOW, "name": TestName}
_DOCUMENTS: Final = (JSON, YAML)

OPERATIONS: Final = (
    Operation(
        method=hdrs.METH_GET,
        path=_TESTS,
        handler=Endpoints.list,
        summary="List the golden tests of a flow",
        scope="read:flows",
        parameters=FLOW,
        answers={200: TestsBody},
        tagged=True,
    ),
    Operation(
        method=hdrs.METH_PUT,
        path=_TESTS,
        handler=Endpoints.replace,
        summary="Replace the golden tests of a flow",
        scope="update:flows",
        parameters=FLOW,
        body=Content(TestsBody, _DOCUMENTS),
        answers={200: TestsBody},
        tagged=True,
    ),
    Operation(
        method=hdrs.METH_DELETE,
        path=_TESTS,
        handler=Endpoints.clear,
        summary="Delete all golden tests of a flow",
        scope="update:flows",
        parameters=FLOW,
        answers={204: None},
        tagged=True,
    ),
    Operation(
        method=hdrs.METH_POST,
        path=_TESTS + "/run",
        handler=Endpoints.run,
        summary="Run the golden tests of a flow",
        scope="read:flows",
        parameters=FLOW,
        body=Content(RunBody, optional=True),
        answers={200: Verdict},
        writes=False,
    ),
    Operation(
        method=hdrs.METH_GET,
        path=_TEST,
        handler=Endpoints.get,
        summary="Get a golden test",
        scope="read:flows",
        parameters=_NAMED,
        answers={200: NamedGolden},
        tagged=True,
    ),
    Operation(
        method=hdrs.METH_PUT,
        path=_TEST,
        handler=Endpoints.put,
        summary="Keep a golden test, in place of one of that name",
        scope="update:flows",
        parameters=_NAMED,
        body=Content(TestBody, _DOCUMENTS),
        answers={200: NamedGolden, 201: NamedGolden},
        tagged=True,
    ),
    Operation(
        method=hdrs.METH_DELETE,
        path=_TEST,
        handler=Endpoints.delete,
        summary="Delete a golden test",
        scope="update:flows",
        parameters=_NAMED,
        answers={204: None},
        tagged=True,
    ),
)


def _name(request: web.Request) -> str:
    try:
        return msgspec.convert(request.match_info["name"], TestName)
    except msgspec.ValidationError as error:
        problem = Problem("invalid", str(error), path="name")
        raise Invalid("no golden test can be called so", (problem,)) from error


def stored_test(name: str, test: Golden) -> GoldenTest:
    """Return a test as it is kept."""
    fields = {each: getattr(test, each) for each in Golden.__struct_fields__}
    return GoldenTest(name, msgspec.json.encode(Golden(**fields)).decode())


def written_test(test: GoldenTest) -> Json:
    """Return a test as it is sent."""
    return {"name": test.name, **msgspec.json.decode(test.test)}


def _by_name(test: GoldenTest) -> str:
    return test.name


def _refuse(problems: tuple[Problem, ...]) -> None:
    if problems:
        raise Invalid("the golden tests are not as expected", problems)
