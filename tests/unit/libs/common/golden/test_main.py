"""The command, as it is called."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from libs.common.golden.__main__ import main

ROOT = Path(__file__).parents[5]
EXAMPLE = ROOT / "docs" / "examples" / "sign-up.golden.yaml"
HOLDS = "flow: {flow}\nname: {name}\nexpect: {{path: [start, ask]}}\n"
MISSES = "flow: {flow}\nname: {name}\nexpect: {{path: [start, write]}}\n"


def write(folder: Path, text: str, name: str) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(text.format(flow=EXAMPLE.with_name("sign-up.json"), name=name))
    return path


def test_the_example_holds_and_tells_what_no_test_walks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([str(EXAMPLE)]) == 0
    told = capsys.readouterr().out
    assert told.splitlines()[1:] == [
        "  ok    staff get an account",
        "  ok    others are told why they do not",
        "  ok    an address that is none is asked for again",
        "  5 of 6 edges walked",
        "          no test walks write → sorry (taken)",
        "3 tests, 0 missed",
    ]


def test_a_miss_is_told_and_exits_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [write(tmp_path, HOLDS, "one"), write(tmp_path, MISSES, "two")]
    assert main([str(file) for file in files]) == 1
    told = capsys.readouterr().out.splitlines()
    assert "  MISS  two" in told
    assert "          path: expected start → write; went start → ask" in told
    assert told[-1] == "2 tests, 1 missed"


def test_a_file_that_cannot_be_read_exits_with_2_and_the_others_are_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / "none.yaml", write(tmp_path, MISSES, "two")]
    assert main([str(file) for file in files]) == 2
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"{tmp_path / 'none.yaml'}: No such file or directory"
    assert told[-1] == "1 tests, 1 missed, 1 files could not be run"


def test_a_flow_that_cannot_run_exits_with_2_and_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nodes = [{"id": "start", "type": "start"}, {"id": "x", "type": "prompt"}]
    graph = {"nodes": nodes, "edges": [{"source": "x", "target": "y"}]}
    flow = json.dumps({"type": "login", "graph": graph})
    path = tmp_path / "broken.yaml"
    path.write_text(f"flow: {flow}\nname: a\nexpect: {{path: []}}\n")
    assert main([str(path)]) == 2
    told = capsys.readouterr().out
    assert "the flow cannot run: invalid_edge at x → y: " in told
    assert "the flow cannot run: invalid_config at x: " in told
    assert "the flow cannot run: unreachable_success: " in told


def test_programs_get_the_same_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [write(tmp_path, HOLDS, "one"), write(tmp_path, MISSES, "two"), tmp_path / "none.yaml"]
    assert main(["--json", *map(str, files)]) == 2
    one, two, none = json.loads(capsys.readouterr().out)
    assert one["tests"] == [{"name": "one", "passed": True, "misses": []}]
    assert (one["coverage"]["walked"], one["coverage"]["edges"]) == (1, 6)
    assert two["tests"][0]["misses"] == [
        {"path": "path", "message": "expected start → write; went start → ask"}
    ]
    assert none.keys() == {"file", "unreadable"}


def test_it_needs_no_settings_and_speaks_to_no_terminal_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "libs.common.golden", str(EXAMPLE)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("3 tests, 0 missed\n")
