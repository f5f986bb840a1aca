"""Finds in the tracked files what belongs to one machine: registries' hosts and absolute paths."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

# One letter of each stands in brackets, so that this file does not hold what it looks for.
FOREIGN = re.compile(
    r"pythonhoste[d]|pypi[.]or[g]|registry[.]npm[j]s|deb[.]debia[n]"
    r"|[(\"' =:]/(?:far[m]|hom[e]|roo[t]|User[s]|wor[k])/"
)


def foreign(text: str) -> Iterator[tuple[int, str]]:
    """Each line, by its number, that names a registry or a place on somebody's machine."""
    for number, line in enumerate(text.splitlines(), start=1):
        if FOREIGN.search(line):
            yield number, line.strip()


def main() -> None:
    root = Path(__file__).parent.parent
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True, text=True
    )
    found = [
        f"{name}:{number}: {line}"
        for name in filter(None, listed.stdout.split("\0"))
        if (root / name).is_file()
        for number, line in foreign((root / name).read_text(errors="replace"))
    ]
    if found:
        sys.exit("\n".join([*found, "a registry's host, or a path of one machine"]))


if __name__ == "__main__":
    main()
