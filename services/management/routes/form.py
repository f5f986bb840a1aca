"""Reads a field of a form with files (RFC 7578).

The body is parted at its boundary and nowhere else: forms in forms, and encodings of parts, which
the RFC deprecates, are bytes like any other.
"""

from __future__ import annotations

import asyncio
from email.message import Message
from email.parser import HeaderParser
from typing import Final

from aiohttp import hdrs, web

from libs.common.chassis.problems import read_body
from libs.common.errors import Unsupported

FORM: Final = "multipart/form-data"


async def read_field(request: web.Request, name: str) -> bytes | None:
    """Return what a form has as `name`, the first if there are several; None if it has no such.

    Raises `Unsupported` for what is no form, and as `read_body` does.
    """
    body = await read_body(request)
    head = Message()
    head[hdrs.CONTENT_TYPE] = request.headers.get(hdrs.CONTENT_TYPE, "")
    boundary = head.get_boundary()
    if head.get_content_type() != FORM or not boundary:
        raise Unsupported(f"the body has to be {FORM}")
    # In a thread: a megabyte of small parts takes most of a second.
    return await asyncio.to_thread(field, body, boundary, name)


def field(body: bytes, boundary: str, name: str) -> bytes | None:
    """Return what a body that is parted by `boundary` has as `name`."""
    delimiter = b"\r\n--" + boundary.encode("utf-8", "surrogateescape")
    for part in (b"\r\n" + body).split(delimiter)[1:]:
        if part.startswith(b"--"):
            break
        # Behind the boundary there may be spaces, then the line ends.
        head, _, content = part.partition(b"\r\n\r\n")
        headers = HeaderParser().parsestr(head.partition(b"\r\n")[2].decode("latin-1"))
        if headers.get_param("name", header=hdrs.CONTENT_DISPOSITION) == name:
            return content
    return None
