from __future__ import annotations

from unittest.mock import Mock
from urllib.parse import urlencode

import pytest
from aiohttp import StreamReader, web
from aiohttp.test_utils import make_mocked_request

from libs.common.errors import Invalid, Unsupported
from services.executor import wire
from services.executor.portal.forms import Form, read_form

FORM = "application/x-www-form-urlencoded"


def posted(body: bytes, kind: str = FORM) -> web.Request:
    stream = StreamReader(Mock(_reading_paused=False), 2**16)
    stream.feed_data(body)
    stream.feed_eof()
    headers = {"Content-Type": kind}
    return make_mocked_request("POST", "/portal/LOGIN", headers=headers, payload=stream)


async def read(*pairs: tuple[str, str]) -> Form:
    return await read_form(posted(urlencode(pairs).encode()))


async def test_what_was_typed_becomes_inputs() -> None:
    form = await read(("_step", "s"), ("_action", "submit"), ("email", "ä&=@example"), ("x", ""))
    assert form == Form("", "s", "submit", {"email": "ä&=@example", "x": ""})
    assert form.request("flow") == wire.Request(
        flow_id="flow", step_id="s", action_id="submit", inputs={"email": "ä&=@example", "x": ""}
    )


async def test_a_box_that_is_ticked_counts_over_what_stands_for_it_else() -> None:
    assert (await read(("a", "false"), ("a", "true"))).inputs == {"a": "true"}
    assert (await read(("a", "false"))).inputs == {"a": "false"}


@pytest.mark.parametrize(
    "given", ["cf-turnstile-response", "h-captcha-response", "g-recaptcha-response"]
)
async def test_what_a_captcha_gave_is_the_input_that_asked_for_it(given: str) -> None:
    form = await read(("_captcha", "captcha"), (given, "token"))
    assert form.inputs == {"captcha": "token"}


async def test_a_captcha_that_gave_nothing_is_left_empty() -> None:
    assert (await read(("_captcha", "captcha"))).inputs == {"captcha": ""}


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data"])
async def test_only_plain_forms_are_read(kind: str) -> None:
    with pytest.raises(Unsupported):
        await read_form(posted(b"{}", kind))


@pytest.mark.parametrize("body", [b"a=%ff", "a=ä".encode(), b"&".join([b"a=1"] * 111)])
async def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid):
        await read_form(posted(body))


async def test_a_form_that_no_flow_could_take_is_refused() -> None:
    for form in (
        await read(("_step", "s" * 201)),
        await read(*((f"a{number}", "") for number in range(101))),
    ):
        with pytest.raises(Invalid):
            form.request("flow")


async def test_nothing_of_it_is_shown_by_accident() -> None:
    assert repr(await read(("password", "hush"))) == "Form(***)"
