import asyncio
import io
import json
import logging
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator

import pytest
import structlog

from libs.common.chassis.logging import (
    Context,
    LineWriter,
    Log,
    carried,
    describe_exception,
    remember,
)
from libs.common.secret import Secret
from tests.patience import until_so


class Written(io.BytesIO):
    """What was written, and in how many writes."""

    writes = 0

    def write(self, data: bytes, /) -> int:  # type: ignore[override]  # only bytes come here
        self.writes += 1
        return super().write(data)

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def written() -> Written:
    return Written()


@pytest.fixture
def log(written: Written) -> Iterator[Log]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    log = Log("executor", out=written)
    log.install()
    yield log
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    root.handlers[:], root.level = before


def test_a_line_has_time_level_service_event_and_fields(log: Log, written: Written) -> None:
    structlog.get_logger().info("listening", port=8090)
    (line,) = written.lines()
    assert str(line.pop("time")).endswith("Z")
    assert line == {"level": "info", "service": "executor", "event": "listening", "port": 8090}


def test_lines_of_a_context_carry_its_ids_and_those_remembered_in_it(
    log: Log, written: Written
) -> None:
    with Context(request="r1"):
        remember("tenant", "acme")
        structlog.get_logger().info("inside")
    structlog.get_logger().info("outside")
    inside, outside = written.lines()
    assert (inside["request"], inside["tenant"]) == ("r1", "acme")
    assert "request" not in outside
    assert "tenant" not in outside


def test_an_id_that_is_carried_can_be_asked_for() -> None:
    with Context(request="r1"):
        remember("tenant", "acme")
        assert (carried("request"), carried("tenant"), carried("flow")) == ("r1", "acme", None)
    assert carried("request") is None


def test_remembering_outside_any_context_is_forgotten(log: Log, written: Written) -> None:
    remember("tenant", "acme")
    structlog.get_logger().info("outside")
    assert "tenant" not in written.lines()[0]


def test_a_session_id_is_too_short_to_be_used(log: Log, written: Written) -> None:
    with Context(session="0123456789abcdef"):
        structlog.get_logger().info("step")
    assert written.lines()[0]["session"] == "01234567"


@pytest.mark.parametrize(
    "name",
    ["password", "new_password", "client_secret", "access_token", "authorization", "set_cookie",
     "postgres_dsn", "totp", "otp_code_otp", "email", "phone", "client_ip", "identifier", "key"],
)  # fmt: skip
def test_a_field_with_a_telling_name_is_masked(log: Log, written: Written, name: str) -> None:
    structlog.get_logger().info("step", **{name: "hunter2"})
    assert written.lines()[0][name] == "***"


@pytest.mark.parametrize("name", ["node", "outcome", "option", "monkey", "zip_size", "tenant"])
def test_a_field_with_another_name_is_shown(log: Log, written: Written, name: str) -> None:
    structlog.get_logger().info("step", **{name: "shown"})
    assert written.lines()[0][name] == "shown"


def test_a_secret_under_any_name_is_only_its_type(log: Log, written: Written) -> None:
    structlog.get_logger().info("step", value=Secret("hunter2"), more=[Secret("hunter2")])
    assert (written.lines()[0]["value"], written.lines()[0]["more"]) == ("<Secret>", ["<Secret>"])


def test_what_is_below_the_level_is_not_written(written: Written, log: Log) -> None:
    Log("executor", "warning", written).line("info", "request", {})
    structlog.get_logger().debug("quiet")
    assert written.lines() == []


def test_what_libraries_log_is_a_line_without_its_arguments(log: Log, written: Written) -> None:
    logging.getLogger("aiohttp.server").error("Error handling request from %s", "192.0.2.7")
    (line,) = written.lines()
    assert line["event"] == "Error handling request from %s"
    assert line["logger"] == "aiohttp.server"
    assert "192.0.2.7" not in written.getvalue().decode()


def test_a_warning_is_a_line(log: Log, written: Written) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("the bridge is old", UserWarning, stacklevel=1)
    assert "the bridge is old" in str(written.lines()[0]["event"])


def test_an_exception_is_told_by_type_place_and_cause(log: Log, written: Written) -> None:
    try:
        try:
            raise KeyError("ada@example.org")
        except KeyError as error:
            raise ValueError("cannot read 'hunter2' of ada@example.org") from error
    except ValueError:
        structlog.get_logger().exception("unexpected")
    (line,) = written.lines()
    told = line["error"]
    assert isinstance(told, dict)
    assert line["level"] == "error"
    assert told["type"] == "ValueError"
    assert told["message"] == "cannot read *** of ***"
    assert "test_logging.py" in told["stack"][0]
    assert told["cause"]["type"] == "KeyError"
    assert "hunter2" not in written.getvalue().decode()
    assert "ada@" not in written.getvalue().decode()


def test_the_values_that_postgres_quotes_are_left_out() -> None:
    error = Exception('duplicate key violates "users_email"\nDETAIL:  Key (email)=(ada) exists.')
    assert describe_exception(error)["message"] == "duplicate key violates ***"


def test_an_address_with_a_password_is_left_out() -> None:
    assert "hunter2" not in str(describe_exception(OSError("no redis://u:hunter2@cache:6379")))


def test_the_names_in_a_fault_of_the_code_are_kept() -> None:
    assert describe_exception(AttributeError("no attribute 'plan'"))["message"] == (
        "no attribute 'plan'"
    )


async def test_lines_of_one_moment_are_one_write() -> None:
    written = Written()
    writer = LineWriter(written)
    for _ in range(50):
        writer.line(b"{}\n")
    assert written.writes == 0
    await until_so(lambda: written.writes)
    assert (written.writes, len(written.lines())) == (1, 50)


async def test_an_error_is_written_at_once_after_what_waits() -> None:
    written = Written()
    writer = LineWriter(written)
    writer.line(b"1\n")
    writer.urgent(b"2\n")
    assert written.getvalue() == b"1\n2\n"


async def test_many_lines_do_not_wait_for_their_time() -> None:
    written = Written()
    writer = LineWriter(written)
    for _ in range(1_000):
        writer.line(b"{}\n")
    assert len(written.lines()) == 1_000


async def test_no_line_of_many_threads_is_lost_or_torn() -> None:
    written = Written()
    writer = LineWriter(written)

    def chatter() -> None:
        for _ in range(2_000):
            writer.line(b'{"whole":true}\n')

    threads = [threading.Thread(target=chatter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            writer.line(b'{"whole":true}\n')
            await asyncio.sleep(0)
        thread.join()
    writer.flush()
    assert written.getvalue().count(b'{"whole":true}\n') == len(written.lines())
    assert len(written.lines()) >= 8_000


def test_a_reader_that_has_gone_stops_nobody() -> None:
    reader, end = os.pipe()
    os.close(reader)
    with open(end, "wb", buffering=0) as out:  # noqa: PTH123 -- a descriptor is no path
        LineWriter(out).urgent(b"lost\n")


def test_what_waits_is_written_when_the_process_ends() -> None:
    program = (
        "import asyncio, structlog\n"
        "from libs.common.chassis.logging import Log\n"
        "Log('executor').install()\n"
        "async def main(): structlog.get_logger().info('last')\n"
        "asyncio.run(main())\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert json.loads(ran.stdout)["event"] == "last"
