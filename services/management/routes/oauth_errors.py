"""How `/oauth` says no: as RFC 6749, 5.2 has it.

{"error": "invalid_client", "error_description": "the client is not known"}
"""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import hdrs, web

from libs.common.chassis.app import json_answer
from libs.common.chassis.oauth import error_of
from libs.common.chassis.problems import Refusal


def refuse(_request: web.Request, refusal: Refusal) -> web.Response:
    """Give `refusal` this face's shape."""
    # RFC 6749, 5.1: nothing here is to be kept.
    headers: Mapping[str, str] = {hdrs.CACHE_CONTROL: "no-store"}
    return json_answer(error_of(refusal), status=refusal.status, headers=headers)
