"""The errors that Gatehouse raises on purpose; whatever else is raised is a fault of its own.

    GatehouseError
    ├── Invalid          what was sent is wrong, and `problems` says where
    ├── Unauthenticated  nobody, or not who they say
    ├── Denied           somebody, but not allowed
    ├── NotFound         no such thing, or none that the caller may know of
    ├── Conflict         true a moment ago, not any more: `retry_after` where it may pass
    ├── Stale            not as the caller demanded that it be
    ├── Expired          there was one, and its time is over
    ├── TooLarge         more bytes than are taken
    ├── Unsupported      in a form that is not spoken here
    ├── Exhausted        too much, too often: `retry_after`
    └── Unavailable      something needed is down: `what`, `retry_after`

Messages reach the caller, so they never hold a secret, an address or an identifier. No error
knows a status code: each face has its own table.
"""

from __future__ import annotations

import msgspec


class EdgeRef(msgspec.Struct, frozen=True, omit_defaults=True):
    """Names an edge in a problem, in the words of the graph."""

    source: str
    target: str
    condition: str | None = None


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing wrong with what was sent: a field of a request, or a place in a flow (seed 001)."""

    code: str
    """Stable and machine-readable, as in `missing_start_node`."""
    message: str
    """Says how to mend it."""
    node_id: str | None = None
    edge: EdgeRef | None = None
    path: str | None = None
    """Where in what was sent, as in `graph.nodes[2].config`; None for the whole of it."""
    invariant: str | None = None
    """The tenant's invariant that is broken."""
    counter_example: tuple[str, ...] | None = None
    """The shortest path that shows the problem, as ids of nodes from the start."""


class GatehouseError(Exception):
    """Anything that Gatehouse refuses or cannot do."""

    def __init__(self, message: str) -> None:
        """Say `message`, which the caller will read."""
        super().__init__(message)
        self.message = message


class Invalid(GatehouseError):
    """What was sent is wrong; all of what is wrong, at once."""

    def __init__(self, message: str, problems: tuple[Problem, ...] = ()) -> None:
        """Say `message` for the whole, and `problems` one by one."""
        super().__init__(message)
        self.problems = problems


class Unauthenticated(GatehouseError):
    """The caller did not say who they are, or could not prove it."""

    def __init__(self, message: str, challenge: str = "Bearer") -> None:
        """`challenge` names the scheme by which they may (RFC 9110, 11.3)."""
        super().__init__(message)
        self.challenge = challenge


class Denied(GatehouseError):
    """The caller is known and may not do this."""


class NotFound(GatehouseError):
    """There is no such thing, or none that the caller may know of."""


class Conflict(GatehouseError):
    """The state that the caller acted on is no longer the state."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        """`retry_after` is in seconds, where the same again may work by then."""
        super().__init__(message)
        self.retry_after = retry_after


class Stale(GatehouseError):
    """What the caller knows of a thing is not, or not any more, what it is."""


class Expired(GatehouseError):
    """There was such a thing, and its time is over."""


class TooLarge(GatehouseError):
    """More was sent than is taken."""


class Unsupported(GatehouseError):
    """It was sent in a form that is not spoken here."""


class Exhausted(GatehouseError):
    """A limit is used up for now."""

    def __init__(self, message: str, retry_after: float) -> None:
        """`retry_after` is in seconds."""
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(GatehouseError):
    """Something that the answer needs cannot be reached; the same again later may work."""

    def __init__(self, what: str, retry_after: float = 1.0) -> None:
        """`what` names the part, as in `redis`; `retry_after` is in seconds."""
        super().__init__(f"{what} cannot be reached")
        self.what = what
        self.retry_after = retry_after
