"""Reads the operator's lists of origins: those that could never match are refused at start."""

from __future__ import annotations

import re
from typing import Final

from libs.common.wire.origins import ANY, SITE

_ANY: Final = re.compile(ANY)
_SITE: Final = re.compile(SITE)


def parse_origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    """Return `origins`, of which `*` is any; raise `ValueError` for one that no browser sends."""
    for origin in origins:
        if origin != "*" and not _ANY.fullmatch(origin):
            raise ValueError(
                "is a list of scheme://host or scheme://host:port as browsers send them, in lower "
                f"case, without a path or the scheme's own port, or `*`; `{origin}` is neither"
            )
    return origins


def parse_sites_origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    """Return `origins`; raise `ValueError` for what is no origin of a web site."""
    for origin in origins:
        if not is_site(origin):
            raise ValueError(
                "is a list of http(s)://host or http(s)://host:port, in lower case, without a path "
                f"or the scheme's own port; `{origin}` is none"
            )
    return origins


def is_site(origin: str) -> bool:
    """Whether this is the origin of a web site."""
    return _SITE.fullmatch(origin) is not None
