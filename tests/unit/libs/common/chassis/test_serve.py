import tomllib
from pathlib import Path

from libs.common.chassis.serve import VERSION


def test_what_runs_says_the_version_of_the_project() -> None:
    root = Path(__file__).parents[5]
    assert tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"] == VERSION
