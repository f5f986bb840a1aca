"""How new sessions of a flow are shared among its versions: what management writes beside the flow
in PostgreSQL, as JSON, and the compiler reads there.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

WHOLE = 100
"""The weight of a version that has no other beside it."""


class Share(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many of the new sessions a version gets, beside the others of its rollout."""

    version: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
    weight: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class Abort(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a rollout is taken back by itself."""

    margin: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.1
    """How much less of a version's sessions may succeed than of the baseline's."""
    sessions: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 100
    """How many sessions of each have to have ended before anything is decided."""


NEVER: Final = Abort(margin=1.0)
"""Takes nothing back, as no fewer than none can succeed; by this, sessions are counted all the same
where a rollout has no rule."""


class Rollout(msgspec.Struct, frozen=True):
    """New sessions of a flow, shared among several of its versions."""

    id: int
    """The audit log's entry that it began with, so that no other rollout has it."""
    versions: tuple[Share, ...]
    baseline: int
    """The version that the others are measured by, and that is left when they are taken back."""
    abort: Abort | None
