"""Says in OpenAPI 3.1 what all operations say of themselves; whoever decodes says what is decoded.

Pure. Nothing is described here that an operation, a type or a table does not say: what a document
lacks is added there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, get_args

from aiohttp import hdrs, web

from libs.common.chassis.app import REQUEST_ID
from services.management.auth import Scope
from services.management.etags import IF_MATCH, IF_NONE_MATCH
from services.management.idempotency import KEY, REPLAYED
from services.management.routes.faces import PREFIXES, Face
from services.management.routes.operation import OF_TENANT, Content, Operation, Tenant
from services.management.routes.refusals import SHAPES
from services.management.schemas import Schemas

TOKENS: Final = "/oauth/token"
"""Where clients get theirs."""

_TITLES: Final[Mapping[Face, str]] = {
    Face.ADMIN: "flows as graphs, and all that belongs to a tenant",
    Face.V2: "flows as steps",
    Face.V3: "flows as stages and bindings",
    Face.OAUTH: "tokens",
}

_REQUEST_ID: Final = {
    "name": REQUEST_ID,
    "in": "header",
    "description": "Comes back with the answer, and is in the log; made where none is sent.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,128}$"},
}
_KEY: Final = {
    "name": KEY,
    "in": "header",
    "description": "Names a write, so that it is done once however often it is sent.",
    "schema": {"type": "string", "pattern": "^[ -~]{1,255}$"},
}
_IF_MATCH: Final = {
    "name": IF_MATCH,
    "in": "header",
    "description": "Tags of states of the thing; in any other state it is not done.",
    "schema": {"type": "string"},
}
_IF_NONE_MATCH: Final = {
    "name": IF_NONE_MATCH,
    "in": "header",
    "description": "Tags of states that the caller knows, which are not sent again.",
    "schema": {"type": "string"},
}

_HEADERS: Final[Mapping[str, Mapping[str, Any]]] = {
    REQUEST_ID: {"description": "Names the request in the log.", "schema": {"type": "string"}},
    hdrs.ETAG: {"description": "Names the state that is shown.", "schema": {"type": "string"}},
    hdrs.RETRY_AFTER: {
        "description": "Seconds after which the same may work.",
        "schema": {"type": "integer", "minimum": 1},
    },
    hdrs.WWW_AUTHENTICATE: {"description": "How to say who calls.", "schema": {"type": "string"}},
    REPLAYED: {
        "description": "That the write was done before, and this is its answer from then.",
        "schema": {"const": "true"},
    },
    "X-RateLimit-Limit": {"description": "Requests in a row.", "schema": {"type": "integer"}},
    "X-RateLimit-Remaining": {"description": "Those left.", "schema": {"type": "integer"}},
    "X-RateLimit-Reset": {
        "description": "When all are there again, in Unix seconds.",
        "schema": {"type": "integer"},
    },
}
_ALWAYS: Final = (REQUEST_ID, "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
_WITH: Final[Mapping[int, Sequence[str]]] = {
    HTTPStatus.UNAUTHORIZED: (hdrs.WWW_AUTHENTICATE,),
    HTTPStatus.CONFLICT: (hdrs.RETRY_AFTER,),
    HTTPStatus.TOO_MANY_REQUESTS: (hdrs.RETRY_AFTER,),
    HTTPStatus.SERVICE_UNAVAILABLE: (hdrs.RETRY_AFTER,),
}
"""Headers of refusals beside those that all have."""


def document(operations: Iterable[Operation[Any]], version: str) -> Mapping[str, Any]:
    """Describe `operations` of this `version` of the service."""
    chosen = tuple(operations)
    queries = {operation.query for operation in chosen if operation.query is not None}
    schemas = Schemas(_kinds(chosen), queries)
    faces = tuple(dict.fromkeys(operation.face for operation in chosen))
    paths: dict[str, dict[str, Any]] = {}
    for operation in chosen:
        path = web.DynamicResource(operation.path).canonical
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Gatehouse management",
            "version": version,
            "description": "; ".join(f"{PREFIXES[face]}: {_TITLES[face]}" for face in faces),
        },
        "servers": [
            {"url": "/", "description": "the default tenant"},
            {
                "url": OF_TENANT,
                "description": "another tenant",
                "variables": {"tenant": {"default": "default"}},
            },
        ],
        "tags": [{"name": tag} for tag in dict.fromkeys(map(_tag, chosen))],
        "paths": paths,
        "components": {
            "schemas": dict(schemas.components),
            "responses": {
                _refusal_name(face, status): _refusal(face, status, schemas)
                for face in faces
                for status in _ALL_REFUSALS
            },
            "headers": {str(name): header for name, header in _HEADERS.items()},
            "securitySchemes": _security_schemes(),
        },
    }


_USUAL: Final = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_OF_CALLERS: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
"""A tenant may be none, so even a list may not be found."""
_OF_BODIES: Final = (
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
)
_ALL_REFUSALS: Final = (
    *_USUAL,
    *_OF_CALLERS,
    *_OF_BODIES,
    HTTPStatus.CONFLICT,
    HTTPStatus.GONE,
    HTTPStatus.PRECONDITION_FAILED,
)


def refusals_of(operation: Operation[Any]) -> frozenset[HTTPStatus]:
    """Return the statuses with which an operation may say no."""
    refusals = {
        *_USUAL,
        *(_OF_CALLERS if operation.scope is not None else ()),
        *(_OF_BODIES if operation.body is not None else ()),
        *((HTTPStatus.CONFLICT,) if operation.writes else ()),
        *((HTTPStatus.PRECONDITION_FAILED,) if operation.tagged else ()),
        *operation.refusals,
    }
    status_of = SHAPES[operation.face].status_of
    return frozenset(HTTPStatus(status_of(status)) for status in refusals)


def _operation(operation: Operation[Any], schemas: Schemas) -> Mapping[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [_tag(operation)],
        "parameters": list(_parameters(operation, schemas)),
        "responses": _responses(operation, schemas),
        "security": []
        if operation.scope is None
        else [{"bearer": [operation.scope]}, {"client": [operation.scope]}],
    }
    if operation.body is not None:
        content = _content(operation.body)
        described["requestBody"] = {
            "required": not content.optional,
            "content": _media(content, schemas),
        }
    if not operation.tenants:
        described["servers"] = [{"url": "/"}]
    return described


def _parameters(operation: Operation[Any], schemas: Schemas) -> Iterator[Mapping[str, Any]]:
    for name, kind in operation.parameters.items():
        yield {"name": name, "in": "path", "required": True, **_described(schemas.of(kind))}
    if operation.query is not None:
        shape = schemas.query(operation.query)
        for name, schema in shape["properties"].items():
            required = name in shape["required"]
            yield {
                "name": name,
                "in": "query",
                "required": required,
                **_described(_sendable(schema)),
            }
    yield _REQUEST_ID
    if operation.writes and operation.scope is not None:
        yield _KEY
    if operation.tagged:
        yield _IF_MATCH
        yield _IF_NONE_MATCH


def _sendable(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Leave out null, which no query can say: a parameter is just not sent."""
    said = {key: value for key, value in schema.items() if (key, value) != ("default", None)}
    match said:
        case {"anyOf": [*kinds]}:
            del said["anyOf"]
            left = [kind for kind in kinds if kind != {"type": "null"}]
            return {**said, **(left[0] if len(left) == 1 else {"anyOf": left})}
        case _:
            return said


def _described(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Put a schema's description where readers look for that of a parameter."""
    rest = dict(schema)
    said = rest.pop("description", None)
    return {"schema": rest} if said is None else {"description": said, "schema": rest}


def _responses(operation: Operation[Any], schemas: Schemas) -> Mapping[str, Any]:
    responses: dict[int, Any] = {}
    for status, kind in operation.answers.items():
        names = [*_ALWAYS]
        names += [hdrs.ETAG] if operation.tagged and kind is not None else []
        names += [REPLAYED] if operation.writes and operation.scope is not None else []
        responses[status] = {"description": HTTPStatus(status).phrase, "headers": _headers(names)}
        if kind is not None:
            responses[status]["content"] = _media(_content(kind), schemas)
    if operation.tagged and not operation.writes:
        status = HTTPStatus.NOT_MODIFIED
        headers = _headers([*_ALWAYS, hdrs.ETAG])
        responses[status] = {"description": status.phrase, "headers": headers}
    for status in refusals_of(operation):
        name = _refusal_name(operation.face, status)
        # An operation may say no in a shape of its own.
        responses.setdefault(status, {"$ref": f"#/components/responses/{name}"})
    return {str(int(status)): responses[status] for status in sorted(responses)}


def _refusal_name(face: Face, status: HTTPStatus) -> str:
    return f"{face}_{status.name.lower()}"


def _refusal(face: Face, status: HTTPStatus, schemas: Schemas) -> Mapping[str, Any]:
    return {
        "description": status.phrase,
        "headers": _headers([*_ALWAYS, *_WITH.get(status, ())]),
        "content": _media(Content(SHAPES[face].body_of(status)), schemas),
    }


def _headers(names: Iterable[str]) -> Mapping[str, Any]:
    return {str(name): {"$ref": f"#/components/headers/{name}"} for name in names}


def _content(said: Any) -> Content:  # noqa: ANN401 -- a type, of any form
    return said if isinstance(said, Content) else Content(said)


def _media(content: Content, schemas: Schemas) -> Mapping[str, Any]:
    schemes = [schemas.of(kind) for kind in content.kinds]
    schema = {"anyOf": schemes} if len(schemes) > 1 else next(iter(schemes), {})
    return {media: {"schema": schema} if schema else {} for media in content.media}


def _tag(operation: Operation[Any]) -> str:
    """Say what an operation is about: its face, and the first word of its path there."""
    rest = operation.path.removeprefix(PREFIXES[operation.face]).strip("/")
    return f"{operation.face} {rest.partition('/')[0]}"


def _security_schemes() -> Mapping[str, Any]:
    scopes = {scope: scope.replace(":", " ") for scope in get_args(Scope)}
    return {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "client": {
            "type": "oauth2",
            "flows": {"clientCredentials": {"tokenUrl": TOKENS, "scopes": scopes}},
        },
    }


def _kinds(operations: Sequence[Operation[Any]]) -> Iterator[Any]:
    for operation in operations:
        yield from operation.parameters.values()
        if operation.query is not None:
            yield operation.query
        for said in (operation.body, *operation.answers.values()):
            if said is not None:
                yield from _content(said).kinds
        for status in _ALL_REFUSALS:
            yield SHAPES[operation.face].body_of(status)
    yield Tenant
