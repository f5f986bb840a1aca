"""One refusal, in the shape of whichever face was called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from aiohttp import web

from libs.common.chassis.oauth import ErrorBody
from libs.common.chassis.problems import Refusal
from services.management.routes import errors, oauth_errors
from services.management.routes.faces import Face, face_of
from services.management.routes.v2 import errors as v2
from services.management.routes.v3 import errors as v3


class Shape(msgspec.Struct, frozen=True):
    """How a face says no."""

    refuse: Callable[[web.Request, Refusal], web.Response]
    body_of: Callable[[int], Any]
    """The type of the body by status, for those who read a document about it."""
    status_of: Callable[[int], int] = int
    """The status that a refusal gets there."""


SHAPES: Final[Mapping[Face, Shape]] = {
    Face.ADMIN: Shape(errors.refuse, lambda _status: errors.ErrorBody),
    Face.V2: Shape(v2.refuse, lambda _status: v2.ErrorBody),
    Face.V3: Shape(v3.refuse, v3.body_of, v3.status_of),
    Face.OAUTH: Shape(oauth_errors.refuse, lambda _status: ErrorBody),
}


def refuse(request: web.Request, refusal: Refusal) -> web.Response:
    """Give `refusal` the shape that callers of this path expect."""
    return SHAPES[face_of(request.path)].refuse(request, refusal)
