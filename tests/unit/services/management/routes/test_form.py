"""A field is found in a form as clients send it, and in nothing that only looks like one."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from libs.common.errors import Unsupported
from services.management.routes.form import field, read_field


def test_a_field_is_found_among_others_whatever_its_part_says_besides() -> None:
    body = (
        b'preamble\r\n--b\r\nContent-Disposition: form-data; name="clear"\r\n\r\nTrue\r\n'
        b'--b  \r\nContent-Disposition: form-data; name="file"; filename="a.yaml"\r\n'
        b"Content-Type: application/yaml\r\n\r\nversion: 1\r\n--c\r\n"
        b'\r\n--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nsecond\r\n--b--\r\n'
    )
    assert field(body, "b", "file") == b"version: 1\r\n--c\r\n"
    assert field(body, "b", "clear") == b"True"
    assert field(body, "b", "other") is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b--",
        b"--b\r\n\r\nnameless\r\n--b--",
        b'--b--\r\n--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nlate\r\n--b--',
        b'--c\r\nContent-Disposition: form-data; name="file"\r\n\r\nelse\r\n--c--',
        b'--b\r\nX-Name: form-data; name="file"\r\n\r\nelse\r\n--b--',
    ],
)
def test_what_has_no_such_field_has_nothing(body: bytes) -> None:
    assert field(body, "b", "file") is None


@given(st.binary())
def test_a_file_comes_out_as_aiohttp_sent_it(data: bytes) -> None:
    async def sent() -> tuple[bytes, str]:
        writer = aiohttp.FormData({"clear": "1"})
        writer.add_field("file", data, filename="a.yaml")
        whole = writer()
        return await whole.as_bytes(), str(whole.headers["Content-Type"])

    body, kind = asyncio.run(sent())
    assert field(body, kind.partition("boundary=")[2].strip('"'), "file") == data


@pytest.mark.parametrize(
    "kind", ["application/json", "multipart/form-data", "multipart/mixed; boundary=b", ""]
)
async def test_what_is_no_form_is_refused(kind: str) -> None:
    request = make_mocked_request("POST", "/", {"Content-Type": kind})
    request._read_bytes = b"--b--"
    with pytest.raises(Unsupported, match="multipart/form-data"):
        await read_field(request, "file")
