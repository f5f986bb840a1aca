"""How seed 003's face says no: as Django REST framework does, which its clients decode.

    {"detail": "there is no such flow", "code": "not_found"}
    {"slug": ["it is required"], "non_field_errors": [], "code": "invalid"}

The second is for what was sent and is wrong: a list for each field, and one for what no field is
to blame for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
from aiohttp import web

from libs.common.chassis.app import json_answer
from libs.common.chassis.problems import Refusal
from libs.common.errors import Problem

WHOLE: Final = "non_field_errors"
"""What no field is to blame for."""

_CODES: Final[Mapping[str, str]] = {
    "unauthenticated": "not_authenticated",
    "denied": "permission_denied",
    "exhausted": "throttled",
    "unsupported": "unsupported_media_type",
    "internal": "error",
}
"""Django's words, where ours are others."""
_FIELD = re.compile(r"[A-Za-z0-9_-]+")
"""Of a body or a query; headers are called with hyphens."""


class ErrorBody(msgspec.Struct, frozen=True):
    """The body of every answer of this face that is not what was asked for, but for a 400."""

    detail: str
    code: str


class ValidationBody(msgspec.Struct, frozen=True):
    """The body of a 400; beside these it has a list of texts for each field that is wrong."""

    non_field_errors: tuple[str, ...]
    code: str


def status_of(status: int) -> int:
    """Return the status that a refusal with this one has here."""
    # The page has no 401, nor do the servers that its clients are made for: it is a 403.
    return HTTPStatus.FORBIDDEN if status == HTTPStatus.UNAUTHORIZED else status


def body_of(status: int) -> type[ErrorBody | ValidationBody]:
    """Return what the body is of a refusal with this status."""
    return ValidationBody if status == HTTPStatus.BAD_REQUEST else ErrorBody


def refuse(_request: web.Request, refusal: Refusal) -> web.Response:
    """Give `refusal` this face's shape."""
    if refusal.status == HTTPStatus.BAD_REQUEST:
        return json_answer(_validation(refusal), status=refusal.status)
    code = _CODES.get(refusal.code, refusal.code)
    return json_answer(ErrorBody(refusal.message, code), status=status_of(refusal.status))


def _validation(refusal: Refusal) -> Mapping[str, Any]:
    lists: dict[str, list[str]] = {WHOLE: []}
    for field, said in _told(refusal.problems):
        lists.setdefault(field, []).append(said)
    if not any(lists.values()):
        lists[WHOLE].append(refusal.message)
    return {**lists, "code": refusal.code}


def _told(problems: Iterable[Problem]) -> Iterable[tuple[str, str]]:
    """Say for each problem the field at whose door it lies, and what is wrong there."""
    for problem in problems:
        found = _FIELD.match(problem.path or "")
        if problem.path is None or found is None or found[0] == "code":
            yield WHOLE, problem.message
        else:
            inside = problem.path[found.end() :].lstrip(".")
            yield found[0], f"{inside}: {problem.message}" if inside else problem.message
