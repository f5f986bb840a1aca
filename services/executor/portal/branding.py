"""How a tenant's pages look: its name, logo, colours and background. Pure.

Colours come out so that what stands on them can be read, whatever colours went in.
"""

from __future__ import annotations

import msgspec


class Branding(msgspec.Struct, frozen=True):
    """What a tenant's pages are told apart by."""

    name: str = ""
    logo: str | None = None
    """Address of a picture."""


DEFAULT = Branding()
