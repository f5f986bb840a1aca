"""Where the servers that tests start keep their data: in memory, if there is room.

Each test has a database of its own, which takes ten times as long to make on a disk.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 -- what is made there has a name that nobody guesses
ROOM = 4 * 2**30
"""Bytes that have to be free there; containers often have a hundredth of it."""
_PREFIX = "gatehouse-tests-"


@contextmanager
def servers_data(disk: Path) -> Iterator[Path]:
    """Make a folder, on `disk` only if need be, and remove it in the end."""
    if not has_room(MEMORY):
        yield disk
        return
    remove_left()
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=MEMORY))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def has_room(place: Path) -> bool:
    """Whether data can be kept at `place`."""
    return os.access(place, os.W_OK) and shutil.disk_usage(place).free >= ROOM


def remove_left() -> None:
    """Remove what runs left that were killed: it would stay until the machine is restarted."""
    for folder in MEMORY.glob(f"{_PREFIX}*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if not Path("/proc", pid).exists():
            shutil.rmtree(folder, ignore_errors=True)
