"""What the two ends of a flow share: the author's words, and where the user goes from there."""

from __future__ import annotations

from typing import Annotated

import msgspec

EndMessage = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]

# No backslash, which browsers take for a slash, and nothing that they drop: both lead elsewhere.
REST = r"[^\s\\\x00-\x20\x7f]*"
"""The pattern of what may follow a host: path, query and fragment."""
# No `//host`, which is another site's address.
PATH = rf"/(?!/){REST}"
"""The pattern of a path of the site that a page is on."""
# No `user@` before the host, which hides where the link leads.
_HOST = r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?"
HTTPS = rf"https://{_HOST}(?=[/?#]|$){REST}"
"""The pattern of an absolute `https` URL."""
# `$` alone would let a line feed follow.
_REDIRECT = rf"^({PATH}|{HTTPS})$(?!\n)"

Page = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(https://|http://(localhost|127\.0\.0\.1)[:/])[!-\"$-~]+$(?!\n)",
        max_length=2_000,
    ),
]
"""An absolute URL of a client's own page, without a fragment."""
Redirect = Annotated[str, msgspec.Meta(max_length=2_000, pattern=_REDIRECT)]
"""A path of the site that shows the flow, or an absolute `https` URL."""
