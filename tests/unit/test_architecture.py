"""The rules of pyproject.toml bite: each is broken once, in a copy of this very tree."""

import ast
import importlib.metadata
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tools.requirements import DEV, Workspace

ROOT = Path(__file__).parents[2]
PACKAGES = ("libs", "services", "deploy", "tests", "tools")

APART = "services never import each other"
BELOW = "libs.common never imports a service, nor what starts or tests it"
DOWN = "chassis → wire → nodes → flow → errors point down"
PURE = "flow and nodes import no I/O, no clock, no randomness"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def broken(tree: Path) -> list[str]:
    """The names of the contracts that import-linter calls broken."""
    lint_imports = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [sys.executable, lint_imports, "--no-logo", "--no-cache"],
        cwd=tree,
        env={"COLUMNS": "200", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert "Contracts: " in done.stdout, done.stdout + done.stderr
    found = re.findall(r"^(.+) BROKEN\b", done.stdout, re.MULTILINE)
    assert bool(done.returncode) == bool(found)
    return found


def test_the_tree_as_it_is_breaks_no_rule(tree: Path) -> None:
    assert broken(tree) == []


@pytest.mark.parametrize(
    ("module", "line", "rule"),
    [
        ("services/executor/planted.py", "import services.management", APART),
        ("services/management/planted.py", "from services import compiler", APART),
        ("libs/common/chassis/planted.py", "from services import executor", BELOW),
        ("libs/common/chassis/planted.py", "import tests.unit", BELOW),
        ("services/compiler/planted.py", "import deploy.local", BELOW),
        ("libs/common/errors.py", "import libs.common.flow", DOWN),
        ("libs/common/flow/planted.py", "from libs.common import nodes", DOWN),
        ("libs/common/nodes/planted.py", "from libs.common import chassis", DOWN),
        ("libs/common/wire/planted.py", "import libs.common.chassis", DOWN),
        ("libs/common/nobody_said_where.py", "", DOWN),
        ("libs/common/flow/planted.py", "import asyncio", PURE),
        ("libs/common/flow/planted.py", "import time", PURE),
        ("libs/common/nodes/planted.py", "from random import choice", PURE),
        ("libs/common/nodes/planted.py", "import redis.asyncio", PURE),
        ("libs/common/flow/planted.py", "def late() -> None:\n    from os import environ", PURE),
        ("libs/common/errors.py", "import logging", PURE),
    ],
)
def test_each_rule_names_itself_when_it_is_broken(
    tree: Path, module: str, line: str, rule: str
) -> None:
    with (tree / module).open("a") as file:
        file.write(f"\n{line}\n")
    assert rule in broken(tree)


@pytest.mark.parametrize("call", ["datetime.datetime.now(datetime.UTC)", "datetime.date.today()"])
def test_the_clock_is_refused_by_name_in_flow_and_nodes_alone(tree: Path, call: str) -> None:
    for package in ("libs/common/flow", "libs/common/nodes", "libs/common/chassis"):
        (tree / package / "planted.py").write_text(f"import datetime\n\nNOW = {call}\n")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "ruff",
            "check",
            "--no-cache",
            "--select=TID251",
            "--output-format=concise",
        ],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    refused = {line.partition(":")[0] for line in done.stdout.splitlines() if "TID251" in line}
    assert refused == {"libs/common/flow/planted.py", "libs/common/nodes/planted.py"}


def has_tests(source: Path) -> bool:
    """Whether a file of tests, or a folder of cases for a table's test, bears the source's name."""
    cases = ROOT / "tests/fixtures" / source.parent.name / source.stem
    return (ROOT / "tests/unit" / source).with_name(f"test_{source.name}").is_file() or any(
        cases.glob("*.yaml")
    )


def test_each_file_of_the_language_has_its_tests_under_the_same_name() -> None:
    sources = [
        path.relative_to(ROOT)
        for package in ("libs/common/flow", "libs/common/nodes")
        for path in (ROOT / package).rglob("*.py")
        if path.stem != "__init__"
    ]
    assert sources
    assert [str(source) for source in sorted(sources) if not has_tests(source)] == []


PINNED = ROOT / "tests" / "clients" / "authentik"
"""What runs with packages of its own, which the files beside it declare."""


def imported(folder: Path) -> set[str]:
    """The distributions that the modules under `folder` import, those of this tree aside."""
    names: set[str] = set()
    for path in folder.rglob("*.py"):
        if path.is_relative_to(PINNED):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module)
    foreign = {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {*PACKAGES}
    distributions = importlib.metadata.packages_distributions()
    return {canonicalize_name(distributions[name][0]) for name in foreign}


@pytest.mark.parametrize(
    ("folder", "declared_for"),
    [
        ("libs/common", "common"),
        ("services/management", "management"),
        ("services/compiler", "compiler"),
        ("services/executor", "executor"),
        ("deploy", DEV),
        ("tests", DEV),
        ("tools", DEV),
    ],
)
def test_what_is_imported_is_declared(folder: str, declared_for: str) -> None:
    declared = {canonicalize_name(each.name) for each in Workspace(ROOT).declared(declared_for)}
    assert imported(ROOT / folder) - declared == set()
