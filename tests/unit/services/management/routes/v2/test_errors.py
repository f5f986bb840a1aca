"""The shape of a refusal is the page's."""

from __future__ import annotations

import msgspec
import pytest
from aiohttp.test_utils import make_mocked_request

from libs.common.chassis.problems import refusal_of
from libs.common.errors import (
    Conflict,
    Denied,
    Exhausted,
    GatehouseError,
    Invalid,
    NotFound,
    Problem,
    Unauthenticated,
)
from libs.common.flow.model import Json
from services.management.routes.v2.errors import refuse


def told(error: Exception, method: str = "POST") -> Json:
    answer = refuse(make_mocked_request(method, "/api/v2/flows"), refusal_of(error, "trace"))
    body = msgspec.json.decode(bytes(answer.body))  # type: ignore[arg-type]  # bytes it is
    assert body["statusCode"] == answer.status
    return body


@pytest.mark.parametrize(
    ("error", "page"),
    [
        (Invalid("why"), ("bad_request", "Invalid flow configuration", 400)),
        (Unauthenticated("why"), ("unauthorized", "Access token is invalid", 401)),
        (Denied("why"), ("forbidden", "Insufficient permissions", 403)),
        (NotFound("why"), ("not_found", "Flow not found", 404)),
        (Exhausted("why", 1), ("too_many_requests", "Rate limit exceeded", 429)),
    ],
)
def test_what_the_page_shows_is_said_in_its_words_and_then_why(
    error: GatehouseError, page: tuple[str, str, int]
) -> None:
    body = told(error)
    assert (body["error"], body["message"], body["statusCode"]) == page
    assert body["detail"] == "why"
    assert body["errorCode"]


def test_what_the_page_does_not_show_is_said_in_our_words() -> None:
    assert told(Conflict("somebody was faster")) == {
        "error": "conflict",
        "message": "somebody was faster",
        "statusCode": 409,
        "errorCode": "conflict",
    }


def test_what_is_unexpected_says_nothing() -> None:
    assert told(RuntimeError("a secret")) == {
        "error": "internal",
        "message": "something went wrong",
        "statusCode": 500,
        "errorCode": "internal",
    }


def test_problems_say_where() -> None:
    body = told(Invalid("no", (Problem("missing_field", "it is required", path="name"),)))
    assert body["errorCode"] == "invalid_body"
    assert body["problems"] == [
        {"code": "missing_field", "message": "it is required", "path": "name"}
    ]


def test_a_call_without_a_body_can_only_have_a_wrong_query() -> None:
    body = told(Invalid("the query is not as expected"), "GET")
    assert (body["error"], body["message"]) == ("bad_request", "Invalid query string")
    assert body["errorCode"] == "invalid_query_string"
