"""`Idempotency-Key`: the same write, sent again, is answered as before and not done again."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import hdrs, web

from libs.common.chassis.problems import read_body
from libs.common.errors import Invalid, Problem
from services.management.author import Author
from services.management.idempotency import KEY, REPLAYED, Answer, Repeats

_KEY: Final = re.compile("[ -~]{1,255}")
_KEPT: Final = (hdrs.CONTENT_TYPE, hdrs.ETAG, hdrs.LOCATION)
"""What of an answer's headers is of the answer itself."""

Handler = Callable[[Author], Awaitable[web.StreamResponse]]


class Writes:
    """Does writes, those that have a name only once."""

    def __init__(self, repeats: Repeats) -> None:
        self._repeats = repeats

    async def once(
        self, request: web.Request, tenant: str, author: Author, handler: Handler, *, keeps: bool
    ) -> web.StreamResponse:
        """Have `handler` answer, or answer as it did before.

        Unless it `keeps` its answers, since a secret is in them, a repeat hears only that it was
        done. A refusal is not kept: the reason may have passed when the same is sent again.
        """
        key = request.headers.get(KEY)
        if key is None:
            return await handler(author)
        if not _KEY.fullmatch(key):
            problem = Problem("invalid", "send 1 to 255 printable characters", path=KEY)
            raise Invalid(f"the {KEY} is none", (problem,))
        digest = self._repeats.digest(
            request.method.encode(), request.raw_path.encode(), await read_body(request)
        )
        turn = await self._repeats.begin(tenant, author.subject, key, digest)
        if isinstance(turn, Answer):
            headers = {**turn.headers, REPLAYED: "true"}
            return web.Response(status=turn.status, headers=headers, body=turn.body)
        try:
            answer = await handler(msgspec.structs.replace(author, turn=turn))
        except Exception:
            await self._repeats.release(turn)
            raise
        if answer.status >= HTTPStatus.BAD_REQUEST:
            await self._repeats.release(turn)
        else:
            await self._repeats.keep(turn, _kept(answer) if keeps else None)
        return answer


def _kept(answer: web.StreamResponse) -> Answer | None:
    """Return what is kept of an answer; nothing of one that was not made in one piece."""
    if not isinstance(answer, web.Response) or not isinstance(answer.body, bytes | None):
        return None
    headers = {str(name): answer.headers[name] for name in _KEPT if name in answer.headers}
    return Answer(answer.status, headers, answer.body or b"")
