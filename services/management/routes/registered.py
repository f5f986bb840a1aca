"""What the endpoints of actions and of providers have in common: how a tenant names them.

Never says what one is: that is each one's own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

from aiohttp import web
from msgspec import Meta

from libs.common.errors import NotFound
from libs.common.flow.model import REGISTERED_ID
from services.management.routes.face import Text

ID: Final = re.compile(REGISTERED_ID)
DisplayName = Annotated[Text, Meta(min_length=1, max_length=100)]


def part_of_path(kind: str) -> Mapping[str, Any]:
    """Describe the part of a path, `{kind}`, that names one."""
    return {
        kind: Annotated[str, Meta(pattern=f"^{REGISTERED_ID}$", description=f"id of the {kind}")]
    }


def named(request: web.Request, kind: str, absent: str) -> str:
    """Return the id in that part, or raise `NotFound`, saying `absent`, for what none can be."""
    id = request.match_info[kind]
    if not ID.fullmatch(id):
        raise NotFound(absent)
    return id
