"""How seed 001's face says no: the page shows no error, so this shape is ours.

    {"error": "conflict", "message": "the flow is not active"}
    {"error": "invalid", "message": "the flow is not valid", "problems": [{"code": …}]}

`error` is for programs and stable, `message` is for people, `problems` are those of /validate.
"""

from __future__ import annotations

import msgspec
from aiohttp import web

from libs.common.chassis.app import json_answer
from libs.common.chassis.problems import Refusal
from libs.common.errors import Problem


class ErrorBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of every answer that is not what was asked for."""

    error: str
    message: str
    problems: tuple[Problem, ...] = ()


def refuse(_request: web.Request, refusal: Refusal) -> web.Response:
    """Give `refusal` this face's shape."""
    body = ErrorBody(refusal.code, refusal.message, refusal.problems)
    return json_answer(body, status=refusal.status)
