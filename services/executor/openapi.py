"""Says in OpenAPI 3.1 what `POST /flow/execute` takes and answers, from the structs that it uses.

Pure. Nothing is described here that a struct or the table of faults does not say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec

from libs.common.chassis.app import REQUEST_ID
from libs.common.chassis.oauth import FORM, ErrorBody
from libs.common.chassis.openapi import demanded
from libs.common.flow.view import Component
from libs.common.wire.clients import INTROSPECT
from services.executor import wire
from services.executor.asking import IntrospectBody
from services.executor.faults import FAULTS
from services.executor.introspection import Active, Inactive

_REF: Final = "#/components/schemas/"
_STRUCTS: Final = (
    *(wire.Request, wire.Answer, wire.Refusal, Component),
    *(IntrospectBody, Active, Inactive, ErrorBody),
)
_ENCODED: Final = (wire.Answer, wire.Data, wire.Message, wire.FieldError, wire.Refusal, Component)
_HEADERS: Final[tuple[tuple[str, str, Mapping[str, Any]], ...]] = (
    ("Accept-Language", "What the user is told follows it.", {"type": "string"}),
    (
        "Idempotency-Key",
        "Names a submit, so that it is answered once however often it is sent.",
        {"type": "string", "pattern": "^[ -~]{1,255}$"},
    ),
    ("X-Device-Id", "With a start: what the client calls its device.", {"type": "string"}),
    (REQUEST_ID, "Comes back with the answer, and is in the log.", {"type": "string"}),
)


def document(
    paths: Iterable[str], keys_path: str, introspect_path: str, version: str
) -> Mapping[str, Any]:
    """Describe this `version` of the service, which serves `/flow/execute` at all `paths`."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Gatehouse executor",
            "version": version,
            "description": "Runs flows, a step at a time.",
        },
        "servers": [
            {"url": "/", "description": "the default tenant"},
            {
                "url": "/t/{tenant}",
                "description": "another tenant",
                "variables": {"tenant": {"default": "default"}},
            },
        ],
        "paths": {
            **{path: {"post": _execute(path)} for path in paths},
            keys_path: {"get": _KEYS},
            introspect_path: {"post": _introspect()},
        },
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "client": {"type": "http", "scheme": "basic"},
            },
        },
    }


_KEYS: Final[Mapping[str, Any]] = {
    "operationId": "publish_keys",
    "summary": "Get the keys that assertions are checked with",
    "security": [],
    "responses": {
        "200": {
            "description": "A JSON Web Key Set (RFC 7517)",
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    },
}


def _execute(path: str) -> Mapping[str, Any]:
    return {
        "operationId": path.strip("/").replace("/", "_"),
        "summary": "Start a flow, answer its current step, or follow a link that was mailed",
        "description": "With a `flowId` it answers the current step. Without one, an input `token` "
        "goes on by a mailed link, under a `flowId` of its own; else a flow of `flowType` starts.",
        # Only a flow that says so wants to know who starts it.
        "security": [{}, {"bearer": []}],
        "parameters": [
            {"name": name, "in": "header", "description": said, "schema": schema}
            for name, said, schema in _HEADERS
        ]
        + [
            {
                "name": "next",
                "in": "query",
                "description": "With a start: where the user goes if they may not start it.",
                "schema": {"type": "string"},
            }
        ],
        "requestBody": {"required": True, "content": _json(wire.Request)},
        "responses": {
            "200": {"description": "A step, or the end", "content": _json(wire.Answer)},
            **_refusals(),
        },
    }


def _introspect() -> Mapping[str, Any]:
    refusals = {
        400: "The form is none, or there is no token",
        401: "The client is unknown in this tenant, or its secret is wrong",
        403: f"The client lacks the scope `{INTROSPECT}`",
        415: "It is no form",
        429: "There were too many requests",
        503: "Nobody can know for now: take it for signed out, or ask again",
    }
    return {
        "operationId": "introspect",
        "summary": "Ask whether somebody is still signed in (RFC 7662)",
        # The credentials may be in the form as well.
        "security": [{"client": []}, {}],
        "requestBody": {
            "required": True,
            "content": {FORM: {"schema": {"$ref": f"{_REF}IntrospectBody"}}},
        },
        "responses": {
            "200": {
                "description": "What the token is worth",
                "content": {
                    "application/json": {
                        "schema": {
                            "oneOf": [{"$ref": f"{_REF}Active"}, {"$ref": f"{_REF}Inactive"}]
                        }
                    }
                },
            },
            **{
                str(status): {"description": said, "content": _json(ErrorBody)}
                for status, said in refusals.items()
            },
        },
    }


def _refusals() -> Mapping[str, Any]:
    codes: dict[int, list[str]] = {}
    for fault in FAULTS.values():
        codes.setdefault(int(fault.code[3:6]), []).append(f"`{fault.code}`: {fault.message}")
    return {
        str(status): {
            "description": f"{HTTPStatus(status).phrase}. {' '.join(said)}",
            "content": _json(wire.Refusal),
        }
        for status, said in sorted(codes.items())
    }


def _json(kind: type[msgspec.Struct]) -> Mapping[str, Any]:
    return {"application/json": {"schema": {"$ref": f"{_REF}{kind.__name__}"}}}


def _schemas() -> Mapping[str, Any]:
    _, schemas = msgspec.json.schema_components(_STRUCTS, ref_template=f"{_REF}{{name}}")
    for struct in _ENCODED:
        schema = schemas[struct.__name__]
        schema["required"] = demanded(struct, schema["required"])
    # What is sent as it is stored, and is of these kinds.
    schemas["Data"]["properties"]["components"] = {
        "type": "array",
        "items": {"$ref": f"{_REF}Component"},
    }
    schemas["Refusal"]["properties"]["step"] = {
        "allOf": [{"$ref": f"{_REF}Answer"}],
        "description": "With a 409, the answer that is now current.",
    }
    return dict(sorted(schemas.items()))
