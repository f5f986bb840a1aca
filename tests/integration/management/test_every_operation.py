"""What has to hold for every operation there is, found by walking the table of all of them.

A new operation is walked without a word here, unless its path names a thing or its body has to say
something: then a test fails until `THINGS` or `BODIES` of `things.py` says which.
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, Final, get_args

import aiohttp
import msgspec
import pytest
from msgspec import UNSET
from msgspec.structs import fields

from services.management.auth import Scope
from services.management.config import Settings
from services.management.operations import OPERATIONS
from services.management.routes.faces import Face
from services.management.routes.form import FORM
from services.management.routes.operation import Content, Operation
from services.management.routes.refusals import SHAPES
from tests.integration.management.conftest import KEYS, Api, Reply, Start, token
from tests.integration.management.things import BODIES, MARK, THINGS, Make, Names, a_flow, no_thing

MINE: Final = "acme"
"""The tenant that the token is for; what it must not see is the default one's."""

OPEN: Final = {
    "clients_bootstrap",
    "oauth_token",
    "openapi_describe",
    "openapi_page",
    "openapi_style",
    "openapi_script",
}
"""What anybody may ask for, and no more than that."""

ALSO: Final[Mapping[str, tuple[Scope, ...]]] = {"v3_files_load": ("update:flows",)}
"""What an operation demands besides its own scope, if its body is right."""

LISTS: Final = {"v3_bindings_list"}
"""Whose path begins as that of a thing, and names none."""

CLOSED: Final = [operation for operation in OPERATIONS if operation.scope is not None]
SCOPES: Final = frozenset[Scope](get_args(Scope))

_PART: Final = re.compile(r"\{(\w+)[^{}]*\}")


@pytest.fixture
async def api(start: Start) -> Api:
    return await start(credential_keys=KEYS)


def walking(operations: list[Operation[Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "operation", operations, ids=[operation.name for operation in operations]
    )


def path_of(operation: Operation[Any], names: Names, prefix: str = "") -> str:
    return prefix + _PART.sub(lambda part: names[part[1]], operation.path)


async def call(
    api: Api,
    operation: Operation[Any],
    names: Names,
    prefix: str = "",
    *,
    bearer: str,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Call it about the thing that has these names, which the answer is then rid of."""
    body = None if operation.body is None else BODIES.get(operation.name, {})
    written = msgspec.json.encode(body).decode()
    for name, value in names.items():
        written = written.replace(f"<{name}>", value)
    path = path_of(operation, names, prefix)
    if isinstance(operation.body, Content) and FORM in operation.body.media:
        form = aiohttp.FormData(msgspec.json.decode(written), default_to_multipart=True)()
        sent = {**(headers or {}), **form.headers}
        data = await form.as_bytes()
        reply = await api.call(operation.method, path, data=data, bearer=bearer, headers=sent)
    else:
        reply = await api.call(
            operation.method, path, msgspec.json.decode(written), bearer=bearer, headers=headers
        )
    return dataclasses.replace(reply, text=_without(reply.text, names))


def _without(text: str, names: Names) -> str:
    for name, value in names.items():
        if name != "version":
            text = text.replace(value, f"<{name}>")
    return text


def thing(operation: Operation[Any]) -> tuple[Make, Names]:
    for prefix, found in THINGS.items():
        if operation.path.startswith(prefix):
            return found
    if not operation.parameters:
        return no_thing, {}
    raise AssertionError(f"THINGS has nothing that {operation.path} could name")


def is_ones_own(operation: Operation[Any]) -> bool:
    """Whether it names a thing, in its path or its body, that only one tenant has."""
    return thing(operation)[0] is not no_thing and operation.name not in LISTS


def prefixes(operation: Operation[Any], *others: str) -> list[str]:
    """Before the path of an operation, for every tenant that it can be asked of."""
    return ["", "/t/default", *others] if operation.tenants else [""]


def test_what_anybody_may_ask_for_is_known_by_name() -> None:
    assert {operation.name for operation in OPERATIONS if operation.scope is None} == OPEN


async def test_nobody_is_answered_without_a_token(api: Api) -> None:
    for operation in CLOSED:
        unknown = SHAPES[operation.face].status_of(401)
        for prefix in prefixes(operation, "/t/none"):
            reply = await call(api, operation, thing(operation)[1], prefix, bearer="")
            assert reply.status == unknown, operation.name
            assert reply.headers["WWW-Authenticate"] == "Bearer"


async def test_nobody_is_answered_whose_token_lacks_the_scope(api: Api) -> None:
    for operation in CLOSED:
        scope = operation.scope
        assert scope is not None
        for prefix in prefixes(operation, "/t/none"):
            lacking = token(*(SCOPES - {scope}))
            reply = await call(api, operation, thing(operation)[1], prefix, bearer=lacking)
            assert reply.status == 403, operation.name
            assert scope in reply.text


async def test_the_scope_is_enough(api: Api) -> None:
    for operation in CLOSED:
        scope = operation.scope
        assert scope is not None
        scopes = (scope, *ALSO.get(operation.name, ()))
        reply = await call(api, operation, thing(operation)[1], bearer=token(*scopes))
        assert reply.status not in {401, 403, 500}, f"{operation.name}: {reply.text}"


async def test_the_token_of_a_tenant_is_for_no_other_whatever_that_has(api: Api) -> None:
    for operation in CLOSED:
        make, nobodys = thing(operation)
        names = await make(api)
        replies = [
            await call(api, operation, named, prefix, bearer=token(tenant=MINE))
            for named in ({**nobodys, **names}, nobodys)
            for prefix in prefixes(operation)
        ]
        assert {reply.status for reply in replies} == {403}, operation.name
        assert len({reply.text for reply in replies}) == 1, operation.name


async def test_a_host_means_its_tenant_and_opens_no_more_than_that(start: Start) -> None:
    api = await start(tenant_hosts=(f"{MINE}.example={MINE}",))
    await a_flow(api)
    at_mine = {"Host": f"{MINE.upper()}.example:8443"}
    for operation in CLOSED:
        names, mine = thing(operation)[1], token(tenant=MINE)
        if operation.tenants:
            theirs = await call(
                api, operation, names, bearer=token(tenant="globex"), headers=at_mine
            )
            assert theirs.status == 403, operation.name
            named = await call(api, operation, names, "/t/default", bearer=mine, headers=at_mine)
            assert named.status == 403, operation.name
            if not operation.writes:
                at_host = await call(api, operation, names, bearer=mine, headers=at_mine)
                at_path = await call(api, operation, names, f"/t/{MINE}", bearer=mine)
                assert at_host.status == at_path.status, operation.name
                assert MARK not in at_host.text, operation.name
        elif "tenant" not in operation.parameters:
            refused = await call(api, operation, names, bearer=mine, headers=at_mine)
            assert refused.status == 403, operation.name


async def test_in_ones_own_tenant_anothers_thing_is_like_one_that_nobody_has(api: Api) -> None:
    for operation in filter(is_ones_own, CLOSED):
        make, names = thing(operation)
        prefix = f"/t/{MINE}" if operation.tenants else ""
        theirs, nobodys = [
            await call(api, operation, named, prefix, bearer=token(tenant=MINE))
            for named in ({**names, **await make(api)}, names)
        ]
        # Executors that could tell of a session are not here; what only a body names is a 400.
        expected = {404, 503} if operation.parameters else {400}
        assert theirs.status in expected, f"{operation.name}: is its body right? {theirs.text}"
        assert (theirs.status, theirs.text) == (nobodys.status, nobodys.text), operation.name


async def test_what_is_listed_is_ones_own(api: Api) -> None:
    for make, _ in THINGS.values():
        await make(api)
    for operation in CLOSED:
        if operation.writes or is_ones_own(operation) or not operation.tenants:
            continue
        names, mine = thing(operation)[1], token(tenant=MINE)
        reply = await call(api, operation, names, f"/t/{MINE}", bearer=mine)
        assert reply.status == 200, operation.name
        assert MARK not in reply.text, operation.name
        operators = await call(api, operation, names, f"/t/{MINE}", bearer=token())
        assert reply.text == operators.text, operation.name
    assert MARK in (await api.call("GET", "/api/admin/flows")).text


async def test_what_another_tenant_has_is_in_nobodys_way(api: Api) -> None:
    for operation in CLOSED:
        if not operation.writes or is_ones_own(operation) or not operation.tenants:
            continue
        names = thing(operation)[1]
        first = await call(api, operation, names, bearer=token(tenant="default"))
        assert first.status < 300, f"{operation.name}: is its body right? {first.text}"
        second = await call(api, operation, names, f"/t/{MINE}", bearer=token(tenant=MINE))
        assert second.status == first.status, operation.name


async def test_a_condition_is_kept_wherever_one_is_taken(api: Api) -> None:
    for operation in CLOSED:
        if not operation.tagged:
            continue
        make, names = thing(operation)
        names = {**names, **await make(api)}
        if not operation.writes:
            tag = (await call(api, operation, names, bearer=token())).headers["ETag"]
            assert re.fullmatch('"[^"]+"', tag)
            known = await call(
                api, operation, names, bearer=token(), headers={"If-None-Match": tag}
            )
            assert (known.status, known.text, known.headers["ETag"]) == (304, "", tag)
        stale = {"If-Match": '"of-long-ago"'}
        reply = await call(api, operation, names, bearer=token(), headers=stale)
        assert reply.status == 412, f"{operation.name}: {reply.text}"


async def test_every_body_is_bounded_and_at_a_megabyte_unless_told_otherwise(start: Start) -> None:
    (limit,) = (each for each in fields(Settings) if each.name == "body_limit")
    assert limit.default == 2**20
    api = await start(body_limit=2048)
    large = b'{"a":"' + b"a" * 2048 + b'"}'
    headers = {"Content-Type": "application/json"}
    for operation in OPERATIONS:
        if operation.body is not None:
            path = path_of(operation, thing(operation)[1])
            reply = await api.call(operation.method, path, data=large, headers=headers)
            assert reply.status == 413, f"{operation.name}: {reply.text}"


@walking([each for each in OPERATIONS if each.body is not None])
def test_a_struct_that_is_a_body_refuses_what_it_does_not_know(operation: Operation[Any]) -> None:
    body = operation.body
    kind = body.kind if isinstance(body, Content) else body
    if operation.face in {Face.OAUTH, Face.V3}:
        # RFC 6749, 3.2, ignores them, and so does what seed 003's clients are made for.
        return
    config = getattr(kind, "__struct_config__", UNSET)
    assert config is UNSET or config.forbid_unknown_fields


@walking([each for each in OPERATIONS if each.writes and each.secret])
def test_what_holds_a_secret_says_so_by_its_answer(operation: Operation[Any]) -> None:
    names = {name for kind in operation.answers.values() for name in kind.__struct_fields__}
    assert any("secret" in name or "token" in name for name in names)


@walking([each for each in OPERATIONS if each.writes and not each.secret])
def test_what_does_not_say_so_holds_none(operation: Operation[Any]) -> None:
    for kind in operation.answers.values():
        for field in getattr(kind, "__struct_fields__", ()):
            assert not re.search(r"(client_secret|token|password)$", field)
