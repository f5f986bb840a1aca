"""Which requests are read without aiohttp, and that what is read of them is the same."""

import asyncio
from collections.abc import Sequence

import pytest
from aiohttp import StreamReader, web
from aiohttp.http_parser import HttpRequestParser, RawRequestMessage
from multidict import CIMultiDictProxy

from libs.common.chassis.direct import (
    HEAD_MOST,
    Answer,
    Direct,
    Unread,
    Whole,
    header_lines,
    read,
    write,
)


async def handler(_request: object) -> Answer:
    return Answer(b"")


DIRECT = Direct({"/step": handler}, body_limit=100)
PLAIN = b"POST /step HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\n\r\nbody"


def with_header(line: bytes) -> bytes:
    return PLAIN.replace(b"Host: here\r\n", b"Host: here\r\n" + line + b"\r\n")


def test_a_plain_request_is_read() -> None:
    request = read(with_header(b"X-Any:  thing\t"), DIRECT, "192.0.2.7")
    assert isinstance(request, Whole)
    assert (request.method, request.raw_path, request.host) == ("POST", "/step", "here")
    assert (request.body, request.remote) == (b"body", "192.0.2.7")
    assert request.headers["x-any"] == "thing"
    assert request.match_info == {}


def test_what_a_handler_keeps_with_a_request_is_found_there() -> None:
    request = read(PLAIN, DIRECT, "")
    assert isinstance(request, Whole)
    key = web.RequestKey("kept", str)
    assert request.get(key) is None
    request[key] = "this"
    assert request.get(key) == "this"


@pytest.mark.parametrize("length", range(len(PLAIN)))
def test_what_may_become_a_plain_request_is_short(length: int) -> None:
    assert read(PLAIN[:length], DIRECT, "") is Unread.SHORT


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.replace(b"POST", b"PUT"),
        PLAIN.replace(b"POST", b"post"),
        PLAIN.replace(b"/step", b"/other"),
        PLAIN.replace(b"/step", b"/step?with=query"),
        PLAIN.replace(b"/step", b"/st%65p"),
        PLAIN.replace(b"/step", b"http://here/step"),
        PLAIN.replace(b"1.1", b"1.0"),
        PLAIN.replace(b"Host: here\r\n", b""),
        PLAIN.replace(b"Content-Length: 4\r\n", b""),
        PLAIN.replace(b": 4", b": +4"),
        PLAIN.replace(b": 4", b": 0x4"),
        PLAIN.replace(b": 4", b": 4, 4"),
        PLAIN.replace(b": 4", b": 101") + 97 * b" ",
        PLAIN.replace(b": 4", b": 3"),
        PLAIN + PLAIN,
        b"\r\n" + PLAIN,
        b"GET /",
        b"\x16\x03\x01",
        b"POST /step HTTP/1.1\r\nHost: here\r\nCookie: " + HEAD_MOST * b"c",
        *map(
            with_header,
            [
                b"Host: there",
                b"X-Any: one\r\nx-any: two",
                b"Content-Length: 4",
                b"content-length: 5",
                b"Transfer-Encoding: chunked",
                b"Transfer-encoding:",
                b"Content-Encoding: deflate",
                b"Expect: 100-continue",
                b"Upgrade: websocket",
                b"Connection: close",
                b"Connection: keep-alive, upgrade",
                b"Trailer: X-Any",
                b" folded: line",
                b"X-Any : thing",
                b"X-Any",
                b": thing",
                b"X-Any: th\xffing",
                b"X-Any: th\x00ing",
                b"X-Any: th\ring",
                b"X-Any: th\ning",
                b"\r\n".join([b"X-%d: y" % number for number in range(100)]),
            ],
        ),
    ],
)
def test_what_is_unusual_is_left_to_aiohttp(data: bytes) -> None:
    assert read(data, DIRECT, "") is Unread.UNUSUAL


@pytest.mark.parametrize(
    "line",
    [
        b"Connection: keep-alive",
        b"connection: Keep-Alive",
        b"Accept:*/*",
        b"Accept:",
        b"X-Any: \t two  words \t ",
        b"X-Any: a:b\r\nX!#$%&'*+.^_`|~-9: ;,\"(){}<>@/[]?=\\",
    ],
)
async def test_what_is_read_is_what_aiohttp_reads(line: bytes) -> None:
    data = with_header(line)
    request = read(data, DIRECT, "")
    assert isinstance(request, Whole)
    ((message, payload),) = parsed_by_aiohttp(data)
    assert (message.method, message.path) == (request.method, request.raw_path)
    told = [(name.lower(), value) for name, value in message.headers.items()]
    assert told == [(name.lower(), value) for name, value in request.headers.items()]
    assert (await payload.read(), payload.is_eof()) == (request.body, True)
    assert not message.should_close


def headers_of(data: bytes) -> CIMultiDictProxy[str]:
    request = read(data, DIRECT, "")
    assert isinstance(request, Whole)
    return request.headers


def test_a_head_that_comes_again_is_not_read_again() -> None:
    again = PLAIN.replace(b"body", b"Body")
    assert headers_of(PLAIN) is headers_of(again)
    request = read(again, DIRECT, "192.0.2.7")
    assert isinstance(request, Whole)
    assert (request.body, request.remote) == (b"Body", "192.0.2.7")
    assert read(PLAIN, Direct({}, body_limit=100), "") is Unread.UNUSUAL
    assert read(PLAIN, Direct(DIRECT.handlers, body_limit=3), "") is Unread.UNUSUAL


def test_what_is_made_of_a_head_that_comes_again_is_made_once() -> None:
    made = []

    def host(headers: CIMultiDictProxy[str]) -> str:
        made.append(headers["Host"])
        return made[-1]

    for line in (b"User-Agent: a", b"User-Agent: a", b"Cookie: a=b", b"Cookie: a=b"):
        request = read(with_header(line), DIRECT, "")
        assert isinstance(request, Whole)
        assert (request.told(host), request.told(host)) == ("here", "here")
    assert len(made) == 3


@pytest.mark.parametrize(
    "line",
    [
        b"Authorization: Bearer abc",
        b"Cookie: a=b",
        b"Idempotency-Key: once",
        b"X-Request-Id: once",
        b"X-Forwarded-For: 192.0.2.7",
        b"User-Agent: " + 1000 * b"a",
    ],
)
def test_a_head_with_what_is_of_one_request_or_proves_who_calls_is_not_kept(line: bytes) -> None:
    data = with_header(line)
    assert headers_of(data) == headers_of(data)
    assert headers_of(data) is not headers_of(data)


def test_only_so_many_heads_are_kept() -> None:
    first = headers_of(PLAIN)
    for number in range(500):
        headers_of(with_header(f"User-Agent: {number}".encode()))
    assert headers_of(PLAIN) is not first


def parsed_by_aiohttp(data: bytes) -> Sequence[tuple[RawRequestMessage, StreamReader]]:
    loop = asyncio.get_running_loop()
    protocol = web.Server(handler)()  # type: ignore[arg-type]  # never called
    messages, _, rest = HttpRequestParser(protocol, loop, 2**16).feed_data(data)
    assert rest == b""
    return messages


def test_an_answer_is_written_whole() -> None:
    answer = Answer(b"{}", header_lines({"Content-Type": "application/json"}), 404)
    head, _, body = write(answer, last=False).partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    told = dict(line.split(": ", 1) for line in lines)
    assert first == "HTTP/1.1 404 Not Found"
    assert told.pop("Date").endswith(" GMT")
    assert told == {
        "Server": "gatehouse",
        "Content-Type": "application/json",
        "Content-Length": "2",
    }
    assert body == b"{}"


def test_the_last_answer_says_that_it_is() -> None:
    assert b"\r\nConnection: close\r\n" in write(Answer(b""), last=True)


@pytest.mark.parametrize("value", ["a\r\nX-Other: b", "a\nb", "a\rb", "a\r\n\r\nb"])
def test_a_header_cannot_smuggle_another(value: str) -> None:
    with pytest.raises(ValueError, match="end of a line"):
        header_lines({"X-Any": value})
    with pytest.raises(ValueError, match="end of a line"):
        Answer(b"").say("X-Any", value)


def test_an_answer_is_the_same_through_aiohttp() -> None:
    answer = Answer(b"{}", header_lines({"X-Any": "a: thing"}), 404)
    assert answer.for_aiohttp().keep_alive is None
    answer.force_close()
    through = answer.for_aiohttp()
    assert (through.status, through.body, through.keep_alive) == (404, b"{}", False)
    assert through.headers["X-Any"] == "a: thing"
