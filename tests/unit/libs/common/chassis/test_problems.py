from typing import Any

import msgspec
import pytest
from aiohttp import web

from libs.common import errors
from libs.common.chassis.problems import ANSWERS, decode_body, refusal_of
from libs.common.errors import (
    Conflict,
    Exhausted,
    GatehouseError,
    Invalid,
    NotFound,
    Problem,
    Unauthenticated,
    Unavailable,
)
from libs.common.secret import Secret


class Body(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    nodes: list[int] = []
    password: Secret | None = None
    anything: Any = None


def problem(body: bytes) -> Problem:
    with pytest.raises(Invalid) as refused:
        decode_body(body, Body)
    (only,) = refused.value.problems
    return only


def test_every_error_there_is_has_an_answer() -> None:
    raised = {
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type)
        and issubclass(kind, GatehouseError)
        and kind is not GatehouseError
    }
    assert set(ANSWERS) == raised


def test_no_two_errors_share_an_answer() -> None:
    assert len({code for _, code in ANSWERS.values()}) == len(ANSWERS)
    assert len({status for status, _ in ANSWERS.values()}) == len(ANSWERS)


def test_an_error_is_answered_with_its_message_and_the_trace_id() -> None:
    refusal = refusal_of(NotFound("no such flow"), "t1")
    assert (refusal.status, refusal.code, refusal.message, refusal.trace_id) == (
        404, "not_found", "no such flow", "t1",
    )  # fmt: skip


def test_an_error_derived_from_one_of_the_table_is_answered_as_that() -> None:
    class NoSuchFlow(NotFound):
        pass

    assert refusal_of(NoSuchFlow("no such flow"), "t1").code == "not_found"


def test_what_is_invalid_is_told_problem_by_problem() -> None:
    problems = (Problem("a", "1"), Problem("b", "2"))
    assert refusal_of(Invalid("no", problems), "t1").problems == problems


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.0, "1"), (0.2, "1"), (1.0, "1"), (1.1, "2"), (59.9, "60")]
)
def test_retry_after_is_in_whole_seconds_and_never_none(seconds: float, told: str) -> None:
    for error in (
        Exhausted("slow down", seconds),
        Unavailable("redis", seconds),
        Conflict("it still runs", seconds),
    ):
        assert refusal_of(error, "t1").headers == {"Retry-After": told}


def test_a_conflict_that_will_not_pass_says_nothing_of_when_to_retry() -> None:
    assert refusal_of(Conflict("the name is taken"), "t1").headers == {}


def test_who_is_unknown_is_told_how_to_authenticate() -> None:
    assert refusal_of(Unauthenticated("who?"), "t1").headers == {"WWW-Authenticate": "Bearer"}
    basic = Unauthenticated("who?", 'Basic realm="a"')
    assert refusal_of(basic, "t1").headers == {"WWW-Authenticate": 'Basic realm="a"'}


def test_what_is_unexpected_says_nothing_of_itself() -> None:
    refusal = refusal_of(RuntimeError("hunter2"), "t1")
    assert (refusal.status, refusal.code) == (500, "internal")
    assert "hunter2" not in str(refusal)


def test_a_method_that_is_not_allowed_names_those_that_are() -> None:
    refusal = refusal_of(web.HTTPMethodNotAllowed("PUT", ["GET", "POST"]), "t1")
    assert (refusal.status, refusal.code) == (405, "method_not_allowed")
    assert refusal.headers == {"Allow": "GET,POST"}


def test_aiohttps_own_errors_have_the_codes_of_ours() -> None:
    assert refusal_of(web.HTTPNotFound(text="secret page"), "t1").code == "not_found"
    assert refusal_of(web.HTTPRequestEntityTooLarge(1, 2), "t1").code == "too_large"
    assert "secret" not in str(refusal_of(web.HTTPNotFound(text="secret page"), "t1"))


def test_a_body_is_decoded() -> None:
    body = decode_body(b'{"name":"a","password":"hunter2"}', Body)
    assert body == Body(name="a", password=Secret("hunter2"))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "it is empty"),
        (b"{", "Input data was truncated"),
        (b'{"name":x}', "JSON is malformed: invalid character (byte 8)"),
        (b'{"name":"\xff"}', "not UTF-8"),
        (b'{"name":"a","anything":' + b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_not_json_is_told_with_its_place(body: bytes, why: str) -> None:
    told = problem(body)
    assert told.code == "malformed_json"
    assert told.message.startswith(why)


@pytest.mark.parametrize(
    ("body", "path", "why"),
    [
        (b'{"name":1}', "name", "Expected `str`, got `int`"),
        (b'{"name":"a","nodes":[1,"2"]}', "nodes[1]", "Expected `int`, got `str`"),
        (b'{"name":"a","password":5}', "password", "Expected `str`, got `int`"),
        (b"[]", None, "Expected `object`, got `array`"),
        (b"{}", None, "Object missing required field `name`"),
        (b'{"name":"a","nome":1}', None, "Object contains unknown field `nome`"),
    ],
)
def test_what_is_another_shape_is_told_with_its_path(
    body: bytes, path: str | None, why: str
) -> None:
    assert problem(body) == Problem("invalid", why, path=path)
