"""Which tenant a host means, where a path names none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class _Asked(Protocol):
    @property
    def host(self) -> str: ...


def parse_hosts(pairs: tuple[str, ...]) -> Mapping[str, str]:
    """Read `host=tenant` pairs; raise `ValueError` for what is none."""
    tenants: dict[str, str] = {}
    for pair in pairs:
        host, equals, tenant = pair.partition("=")
        if not (host and equals and tenant):
            raise ValueError(f"is a list of host=tenant, which `{pair}` is not")
        tenants[host.strip().lower()] = tenant.strip()
    return tenants


def host_of(request: _Asked) -> str:
    """Return the host that `request` was sent to, as `parse_hosts` has it: without a port."""
    return (request.host.rpartition(":")[0] or request.host).lower()
