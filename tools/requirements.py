"""Pins what the workspace declares into `requirements/`, and checks that both are still in step.

`pin` resolves anew but keeps today's versions wherever they still fit, so that one dependency more
moves no other; `pin --upgrade` takes the newest of all. `check` must never ask a registry: a
release made elsewhere may not turn it red, and a changed list of dependencies always must.
"""

import argparse
import importlib.metadata
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

DEV = "dev"


class Pin(NamedTuple):
    """One `name==version` of a requirements file, and the hashes that may be installed for it."""

    requirement: Requirement
    hashes: frozenset[str]

    @property
    def version(self) -> str:
        return str(self.requirement.specifier).removeprefix("==")


class Workspace:
    """What the pyprojects say; nothing here looks at `requirements/`."""

    def __init__(self, root: Path) -> None:
        top = _toml(root / "pyproject.toml")
        paths = [
            path
            for pattern in top["tool"]["uv"]["workspace"]["members"]
            for path in sorted(root.glob(f"{pattern}/pyproject.toml"))
        ]
        projects = {path: _toml(path)["project"] for path in paths}
        self.members: Mapping[str, list[str]] = {
            canonicalize_name(each["name"]): each["dependencies"] for each in projects.values()
        }
        self.services = {
            path.parent.name: path.relative_to(root)
            for path in paths
            if path.parent.parent.name == "services"
        }
        self.oldest_python = top["project"]["requires-python"].removeprefix(">=")
        self._dev: list[str] = top["dependency-groups"]["dev"]
        self._projects = {path.parent.name: each for path, each in projects.items()}

    def declared(self, member: str) -> list[Requirement]:
        """What the member of that folder, or `dev`, needs; a member in it stands for its own."""
        listed = self._dev if member == DEV else self._projects[member]["dependencies"]
        return list(dict.fromkeys(self._without_members(listed)))

    def _without_members(self, listed: Iterable[str]) -> Iterator[Requirement]:
        for requirement in map(Requirement, listed):
            member = self.members.get(canonicalize_name(requirement.name))
            if member is None:
                yield requirement
            else:
                yield from self._without_members(member)


def pin(root: Path, *, upgrade: bool) -> None:
    """Write every file of `requirements/`; the services get the versions that development has."""
    workspace = Workspace(root)
    same = [
        *("--universal", "--python-version", workspace.oldest_python),
        *("--generate-hashes", "--no-header", "--no-annotate", "--quiet"),
        *(f"--no-emit-package={member}" for member in workspace.members),
        *(["--upgrade"] if upgrade else []),
    ]
    _compile(root, DEV, ["--group", DEV, *same])
    for service, path in workspace.services.items():
        _compile(root, service, [str(path), "--constraints", f"requirements/{DEV}.txt", *same])


def problems(root: Path) -> list[str]:
    """Every way in which `requirements/` is out of step with the workspace, by file."""
    workspace = Workspace(root)
    dev = _pins(root, DEV)
    found = []
    for file in (DEV, *workspace.services):
        pins = _pins(root, file)
        found += [f"{file}.txt: {each}" for each in _unsatisfied(workspace.declared(file), pins)]
        found += [
            f"{file}.txt: {name} is not pinned as in {DEV}.txt"
            for name, each in pins.items()
            if name not in dev
            or (each.version, each.hashes) != (dev[name].version, dev[name].hashes)
        ]
    return found


def _unsatisfied(declared: Iterable[Requirement], pins: Mapping[str, Pin]) -> Iterator[str]:
    """Walk from what is declared through what is installed, and compare with the pins on the way.

    Only what applies to this machine is walked: nothing else is installed, so nothing else can be
    known without asking a registry.
    """
    reached: set[str] = set()
    seen: set[str] = set()
    waiting = [(each, "the workspace") for each in declared if _applies(each)]
    while waiting:
        requirement, wanted_by = waiting.pop()
        name = canonicalize_name(requirement.name)
        reached.add(name)
        pinned = pins.get(name)
        if pinned is None:
            yield f"{name} is missing ({wanted_by} wants it)"
            continue
        if not requirement.specifier.contains(pinned.version, prereleases=True):
            yield f"{name} {pinned.version} is not {requirement.specifier} ({wanted_by} wants it)"
        if str(requirement) in seen:
            continue
        seen.add(str(requirement))
        waiting += [(needed, name) for needed in _needed_by(requirement)]
    yield from (
        f"{name} is wanted by nothing"
        for name in pins
        if _applies(pins[name].requirement) and name not in reached
    )


def _needed_by(requirement: Requirement) -> Iterator[Requirement]:
    """What the installed distribution needs on this machine, for the extras asked of it."""
    for line in importlib.metadata.requires(requirement.name) or ():
        needed = Requirement(line)
        if any(_applies(needed, extra) for extra in ("", *requirement.extras)):
            yield needed


def _applies(requirement: Requirement, extra: str = "") -> bool:
    """Whether this machine needs it, by its marker."""
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def _pins(root: Path, file: str) -> dict[str, Pin]:
    text = (root / "requirements" / f"{file}.txt").read_text()
    found: dict[str, Pin] = {}
    for line in text.replace("\\\n", " ").splitlines():
        stated, *hashes = line.partition("#")[0].split("--hash=")
        if stated.strip():
            requirement = Requirement(stated)
            found[canonicalize_name(requirement.name)] = Pin(
                requirement, frozenset(each.strip() for each in hashes)
            )
    return found


def _compile(root: Path, file: str, arguments: list[str]) -> None:
    # The file that is written is also read first: its versions are kept where they still fit.
    command = [sys.executable, "-m", "uv", "pip", "compile", *arguments]
    subprocess.run([*command, "--output-file", f"requirements/{file}.txt"], cwd=root, check=True)


def _toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.requirements", description=__doc__)
    parser.add_argument("command", choices=["pin", "check"])
    parser.add_argument("--upgrade", action="store_true", help="take the newest of everything")
    asked = parser.parse_args()
    root = Path(__file__).parent.parent
    if asked.command == "pin":
        pin(root, upgrade=asked.upgrade)
    elif found := problems(root):
        sys.exit("\n".join([*found, "requirements/ is out of step: run `make requirements`"]))


if __name__ == "__main__":
    main()
