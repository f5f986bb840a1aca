"""The pages that people may be sent to: of the same site, or of an origin that an operator named.

A redirect to anywhere would lend the site's good name to a trap.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from libs.common.nodes.ends import PATH, REST

_ORIGIN: Final = re.compile(r"https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[1-9][0-9]{0,4})?")
LONGEST: Final = 2_000
"""Characters of an address."""


class Pages:
    """What may be led to."""

    def __init__(self, origins: Sequence[str]) -> None:
        """Let people be sent to paths, and to pages of `origins`."""
        places = "|".join([PATH, *(rf"{re.escape(origin)}([/?#]{REST})?" for origin in origins)])
        self._safe = re.compile(places)

    def allow(self, url: str) -> bool:
        """Whether people may be sent to `url`."""
        return len(url) <= LONGEST and self._safe.fullmatch(url) is not None


def parse_pages(origins: tuple[str, ...]) -> Pages:
    """Return the pages of `origins`; raise `ValueError` for what is no origin of a site."""
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(
                "is a list of http(s)://host or http(s)://host:port, in lower case and without a "
                f"path; `{origin}` is none"
            )
    return Pages(origins)
