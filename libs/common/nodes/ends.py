"""What the two ends of a flow share: the author's words, and where the user goes from there."""

from __future__ import annotations

from typing import Annotated

import msgspec

EndMessage = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]

# No `//host`, and no backslash, which browsers take for a slash: both lead to another site. No
# `user@` before the host, which hides where the link leads. `$` alone would let a line feed follow.
_REDIRECT = (
    r"^(/(?!/)|https://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?(?=[/?#]|$))"
    r"[^\s\\\x00-\x20\x7f]*$(?!\n)"
)

Redirect = Annotated[str, msgspec.Meta(max_length=2_000, pattern=_REDIRECT)]
"""A path of the site that shows the flow, or an absolute `https` URL."""
