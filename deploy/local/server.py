"""A running server: where it is, and how to stop it and bring it back."""

import importlib.util
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.process import Failed, Process


@dataclass(frozen=True)
class Server:
    """A server on a fixed port over fixed data: `process` stops it and starts it there again."""

    url: str = field(repr=False)
    """With the password."""
    port: int
    process: Process


def private_file(path: Path, text: str) -> None:
    """Write a file, and the folder it is in, for nobody else to read."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)


def script(name: str) -> Path:
    """The program that a wheel put beside this Python."""
    return Path(sysconfig.get_path("scripts")) / name


def wheel(package: str) -> Path:
    """Return the folder of a package without importing it, which is wanted for its files alone."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise Failed(f"the package {package} is not installed")
    return Path(found.origin).parent
