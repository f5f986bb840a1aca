"""What the page about simulations shows is what comes: request and answer, file and report."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from libs.common.flow.simulate import make_program, simulate
from libs.common.golden.__main__ import main
from libs.common.golden.files import read_suite
from libs.common.nodes.catalogue import NODE_TYPES
from services.management.goldens import MOST_TESTS
from services.management.judging import FAILED, SECONDS, TOO_SLOW
from services.management.routes.simulate import SimulateBody, script_of

PROJECT = Path(__file__).parents[2]
PAGE = (PROJECT / "docs" / "how-to" / "simulate-and-test-a-flow.md").read_text("utf-8")
EXAMPLE = "docs/examples/sign-up.golden.yaml"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_answer_that_is_shown_is_the_answer_to_the_request() -> None:
    request, answer, _ = blocks("json")
    body = msgspec.json.decode(request, type=SimulateBody)
    program = make_program(read_suite(PROJECT / EXAMPLE).flow, NODE_TYPES)
    played = msgspec.json.encode(simulate(program, script_of(body)))
    assert msgspec.json.decode(played) == json.loads(answer)


def test_the_file_that_is_shown_is_the_example() -> None:
    (shown,) = blocks("yaml")
    assert shown == (PROJECT / EXAMPLE).read_text("utf-8")


def test_the_report_that_is_shown_is_what_the_command_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(PROJECT)
    (command,), (report,) = blocks("sh"), blocks("text")
    *python, file = command.split()
    assert python == ["python", "-m", "libs.common.golden"]
    assert main([file]) == 0
    assert capsys.readouterr().out == report


def test_the_codes_and_the_bounds_that_are_named_are_those() -> None:
    assert f"`{FAILED}`" in PAGE
    assert f"`{TOO_SLOW}`" in PAGE
    assert f"{SECONDS:g} seconds together" in PAGE
    assert f"at most {MOST_TESTS}," in PAGE
