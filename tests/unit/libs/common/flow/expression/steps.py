"""Counts what work takes in steps, which unlike seconds are the same on every machine.

A step is a call, of a Python or a C function, or the resumption of a generator. What one C
function does is not seen, and is at most linear in its arguments.
"""

import sys
from collections.abc import Callable
from types import FrameType


def steps(work: Callable[[], object]) -> int:
    """The steps that `work` takes."""
    count = 0

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count
