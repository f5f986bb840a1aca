"""What an endpoint is, said once.

The router, the door, the document for clients, the limits and the tests are all made of this: an
endpoint that is declared nowhere is not served, and one that is served is declared.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Annotated, Any, Final, Generic, TypeVar

from aiohttp import hdrs, web
from msgspec import Meta

from libs.common.chassis.problems import JSON
from services.management.auth import Scope
from services.management.routes.faces import Face, face_of

F = TypeVar("F")

OF_TENANT: Final = "/t/{tenant}"
"""Before the path of an operation, where it is about another tenant than the default one."""

TENANT: Final = re.compile(r"[A-Za-z0-9_-]{1,63}")
Tenant = Annotated[str, Meta(pattern=f"^{TENANT.pattern}$", description="names the tenant")]


@dataclasses.dataclass(frozen=True)
class Content:
    """A body, where more than its type is to be said."""

    kind: Any
    """A type that msgspec decodes or encodes, or a tuple of those that it may be one of; None for
    bytes that are no JSON."""
    media: tuple[str, ...] = (JSON,)
    optional: bool = False
    """Whether a request may come without it."""

    @property
    def kinds(self) -> tuple[Any, ...]:
        """Return the types that it may be one of."""
        if self.kind is None:
            return ()
        return self.kind if isinstance(self.kind, tuple) else (self.kind,)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Operation(Generic[F]):
    """One endpoint; its handler is a method of `F`, which a module's `Endpoints` is."""

    method: str
    path: str
    """As aiohttp's router has it, without the prefix of a tenant."""
    handler: Callable[[F, web.Request], Awaitable[web.StreamResponse]]
    """Called with a request that was let in, which `admitted` tells more of."""
    summary: str
    """A few words for a list, without a full stop."""
    scope: Scope | None
    """What a token has to allow; None for what anybody may ask."""
    answers: Mapping[int, Any]
    """By status, of those that are no refusals of the face's shape: a type, a `Content`, or None
    for no body."""
    refusals: tuple[HTTPStatus, ...] = ()
    """How it says no besides the ways that all of its kind have."""
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """The type of each part of the path."""
    query: type | None = None
    """A struct."""
    body: Any = None
    """A type, a `Content`, or None for none."""
    tenants: bool = True
    """Whether it is also there under `/t/{tenant}`."""
    tagged: bool = False
    """Whether its answer has an `ETag`, and a condition on it is kept."""
    writes: bool | None = None
    """Whether it changes anything; None says so by the method."""
    secret: bool = False
    """Whether its answer holds a secret, which then must be stored nowhere."""

    def __post_init__(self) -> None:
        """Raise `ValueError` for a path that has parts of no type."""
        if self.writes is None:
            reads = self.method in {hdrs.METH_GET, hdrs.METH_HEAD}
            object.__setattr__(self, "writes", not reads)
        parts = web.DynamicResource(self.path).get_info().get("formatter", self.path)
        names = {part.partition("}")[0] for part in parts.split("{")[1:]}
        if names != self.parameters.keys():
            raise ValueError(f"{self.method} {self.path} declares {sorted(self.parameters)}")

    @property
    def name(self) -> str:
        """Return a name that no other operation has, for clients that are generated."""
        module = self.handler.__module__.rpartition(".routes.")[2].replace(".", "_")
        return f"{module}_{self.handler.__name__}"

    @property
    def face(self) -> Face:
        """Return the face that it is of."""
        return face_of(self.path)

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Return what its path may begin with."""
        return ("", OF_TENANT) if self.tenants else ("",)
