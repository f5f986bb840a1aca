"""What of OAuth 2.0 (RFC 6749) is the same wherever a client comes: form, credentials, refusals.

Everything here may hold a secret: nothing of a request must stand in an answer, a log or a metric.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, unquote_plus

import msgspec

from libs.common.chassis.direct import Request
from libs.common.chassis.problems import Refusal, read_body
from libs.common.errors import Invalid, Unauthenticated
from libs.common.secret import Secret

FORM: Final = "application/x-www-form-urlencoded"
CHALLENGE: Final = 'Basic realm="gatehouse"'
"""How a client may prove who it is (RFC 6749, 5.2)."""

_MOST_FIELDS: Final = 50


WORDS: Final = frozenset(
    {"invalid_grant", "invalid_scope", "unauthorized_client", "unsupported_grant_type"}
)
"""The RFC's words that a problem's code may be, to say more than its error does."""

_CODES: Final[Mapping[str, str]] = {
    "invalid": "invalid_request",
    "unauthenticated": "invalid_client",
    "denied": "unauthorized_client",
    "too_large": "invalid_request",
    "unsupported": "invalid_request",
    # Of 4.1.2.1, which has words for these.
    "unavailable": "temporarily_unavailable",
    "exhausted": "temporarily_unavailable",
    "internal": "server_error",
}


class ErrorBody(msgspec.Struct, frozen=True):
    """Why there is no token (5.2)."""

    error: str
    error_description: str


def error_of(refusal: Refusal) -> ErrorBody:
    """Say in the RFC's words why a request was not done."""
    own = (problem.code for problem in refusal.problems if problem.code in WORDS)
    return ErrorBody(next(own, _CODES.get(refusal.code, refusal.code)), refusal.message)


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form; raise `Invalid` where it is none, or has one of them twice."""
    try:
        text = (await read_body(request)).decode()
        pairs = parse_qsl(text, strict_parsing=bool(text), max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise Invalid("the body is no form") from error
    fields = dict(pairs)
    if len(fields) < len(pairs):
        # RFC 6749, 3.2: which of the two would count is anybody's guess.
        raise Invalid("a field is there twice")
    return fields


def credentials(
    authorization: str | None, id: str | None, secret: Secret | None
) -> tuple[str, Secret]:
    """Return who a client says it is, and its proof, from the header or the body (2.3.1).

    Raises `Unauthenticated` where there is none, and `Invalid` where there are two.
    """
    if authorization is None:
        if not id or secret is None:
            raise Unauthenticated("send client_id and client_secret", CHALLENGE)
        return id, secret
    if secret is not None:
        raise Invalid("send the secret once: in the header or in the body")
    known, proof = _basic(authorization)
    if id and id != known:
        raise Invalid("the client_id of the body is another than that of the header")
    return known, proof


def _basic(header: str) -> tuple[str, Secret]:
    scheme, _, encoded = header.partition(" ")
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode()
    except ValueError as error:
        raise Unauthenticated("the Authorization header cannot be read", CHALLENGE) from error
    id, colon, secret = decoded.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise Unauthenticated("the Authorization header is not of the scheme Basic", CHALLENGE)
    return unquote_plus(id), Secret(unquote_plus(secret))
