"""What of a blueprint could not be carried as it stands, and what became of it.

It names entries, attributes and policies, never a value: that could be a secret.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Fate = Literal["left_out", "changed", "stand_in", "closed"]
"""`left_out`: nothing of it is in a flow. `changed`: it is, and does not do quite the same.
`stand_in`: a node marks its place, and lets nobody past until the author puts another there.
`closed`: what hung on it now lets nobody past."""


class Remark(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that is not as it was."""

    entry: int
    """The place in `entries`, from 0; through all sections, where there are some."""
    model: str
    fate: Fate
    reason: str
    """Why it cannot be carried."""
    became: str
    """What stands there now."""
    id: str | None = None
    """The entry's, if it has one."""
    name: str | None = None
    """What the object is called: its name, or its slug."""


class Counts(msgspec.Struct, frozen=True):
    """How much there was."""

    entries: int
    carried: int
    """Entries that nothing is said of."""
    remarks: int


class Report(msgspec.Struct, frozen=True):
    """All remarks, in the order of the file."""

    counts: Counts
    remarks: tuple[Remark, ...]
