"""Writes the reference of management's HTTP API from the document that describes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from aiohttp import web

from libs.common.chassis.problems import JSON
from services.management.openapi import document
from services.management.operations import OPERATIONS
from services.management.routes.faces import PREFIXES, Face
from services.management.routes.operation import Operation
from tools.markdown import Row

Described = Mapping[str, Any]

HEAD: Final = ("request", "scope", "what", "query", "body", "answers")
FACES: Final[Mapping[Face, str]] = {
    Face.ADMIN: "Flows as graphs, all that belongs to a tenant, and what is about all faces",
    Face.V2: "Flows as steps",
    Face.V3: "Flows as stages and bindings",
    Face.OAUTH: "Tokens",
}
INTRO: Final = (
    "`GET /openapi.json` says all of this and more in OpenAPI 3.1, with every field of the bodies "
    "that are named here; `?face=` gives that of one face alone. `/docs` is a page to read it with."
    "\n\n"
    "Every path may begin with `/t/{tenant}`, except those marked †; without, it is about the "
    "tenant `default`. A *scope* is what the bearer token has to allow; — is open to anybody. "
    "What is marked \\* has an `ETag`, and keeps `If-Match` and `If-None-Match`. Everything that "
    "changes something takes an `Idempotency-Key`. Refusals are under [Errors](errors.md)."
)


def sections() -> Iterable[tuple[str, tuple[Row, ...]]]:
    """Return the title and the rows of each face that has operations."""
    paths = document(OPERATIONS, "")["paths"]
    for face, title in FACES.items():
        rows = tuple(row(each, paths) for each in OPERATIONS if each.face is face)
        if rows:
            yield f"{title}: `{PREFIXES[face]}`", rows


def row(operation: Operation[Any], paths: Described) -> Row:
    """Say in the columns of `HEAD` what `paths`, of a document, say of an operation."""
    path = web.DynamicResource(operation.path).canonical
    told = paths[path][operation.method.lower()]
    marks = ("" if operation.tenants else " †") + (" \\*" if operation.tagged else "")
    query = (each["name"] for each in told["parameters"] if each["in"] == "query")
    body = told.get("requestBody")
    answers = (f"{status} {named(told['responses'][str(status)])}" for status in operation.answers)
    return (
        f"`{operation.method} {path}`{marks}",
        "—" if operation.scope is None else f"`{operation.scope}`",
        operation.summary,
        ", ".join(f"`{name}`" for name in query),
        "" if body is None else named(body) + ("" if body["required"] else ", optional"),
        "; ".join(answer.strip() for answer in answers),
    )


def named(body: Described) -> str:
    """Name a body by its type, and by its media where they are not JSON alone."""
    content = body.get("content", {})
    refs = {media.get("schema", {}).get("$ref", "") for media in content.values()}
    types = [f"*{ref.rpartition('/')[2]}*" for ref in refs if ref]
    media = [f"`{name}`" for name in content] if set(content) != {JSON} or not types else []
    return ", ".join([*types, *media])
