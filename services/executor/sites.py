"""Where a tenant's passkeys are good: the relying party's id and the pages of Web Authentication.

A browser signs for no page outside the site, and what it signed names the page: whatever is signed
for another one, as for a trap that looks alike, is refused.
"""

from __future__ import annotations

import ipaddress
import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec

from libs.common.chassis.config import variable
from libs.common.chassis.startup import StartupFailure
from services.executor.origins import is_site

_SITE: Final = re.compile(r"(?!\d+(\.\d+){3}$)[a-z0-9-]+(\.[a-z0-9-]+)*")
_EVERYBODY: Final = ""
LOCALHOST: Final = "localhost"


class Site(msgspec.Struct, frozen=True):
    """Where passkeys of a tenant are good."""

    id: str
    """The domain that they are made for."""
    origins: tuple[str, ...]
    """Of the pages that they may be used on."""


class Sites:
    """The sites of all tenants."""

    def __init__(self, default: Site, tenants: Mapping[str, Site]) -> None:
        """Take `default` for who is not among `tenants`."""
        self._default = default
        self._tenants = tenants

    def of(self, tenant: str) -> Site:
        """Return the site of `tenant`."""
        return self._tenants.get(tenant, self._default)


def parse_sites(issuer: str, sites: tuple[str, ...], origins: tuple[str, ...]) -> Sites:
    """Read what an operator says of sites, or raise `StartupFailure`.

    What a tenant is not told of by name is as for all of them, and that is the issuer's.
    """
    named: dict[str, str] = {}
    for written in sites:
        tenant, site = _split(written)
        if not _SITE.fullmatch(site) or tenant in named:
            raise _refused("passkey_sites", "domain in lower case, one for each tenant", written)
        named[tenant] = site
    pages: defaultdict[str, list[str]] = defaultdict(list)
    for written in origins:
        tenant, origin = _split(written)
        if not is_site(origin):
            raise _refused("passkey_origins", "scheme://host or scheme://host:port", written)
        pages[tenant].append(origin)
    default = _of_issuer(issuer)
    if _EVERYBODY in named:
        default = Site(named[_EVERYBODY], (f"https://{named[_EVERYBODY]}",))
    default = _with(default, pages.get(_EVERYBODY))
    tenants = {
        tenant: _with(
            Site(named[tenant], (f"https://{named[tenant]}",)) if tenant in named else default,
            pages.get(tenant),
        )
        for tenant in {*named, *pages} - {_EVERYBODY}
    }
    return Sites(default, tenants)


def _split(written: str) -> tuple[str, str]:
    tenant, equals, rest = written.partition("=")
    return (tenant.strip(), rest.strip()) if equals else (_EVERYBODY, written.strip())


def _with(site: Site, origins: list[str] | None) -> Site:
    if origins is None:
        return site
    for origin in origins:
        host = _host(origin)
        if host != site.id and not host.endswith(f".{site.id}"):
            raise _refused("passkey_origins", f"origin at `{site.id}` or below it", origin)
    return Site(site.id, tuple(origins))


def _of_issuer(issuer: str) -> Site:
    parts = urlsplit(issuer)
    host = parts.hostname or LOCALHOST
    port = "" if parts.port is None else f":{parts.port}"
    if _is_loopback(host):
        # No browser makes a passkey for an address, and every one of them for this name.
        host = LOCALHOST
    return Site(host, (f"{parts.scheme or 'https'}://{host}{port}",))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host(origin: str) -> str:
    return urlsplit(origin).hostname or ""


def _refused(setting: str, expected: str, written: str) -> StartupFailure:
    return StartupFailure(f"{variable(setting)}: `{written}` is no {expected}")
