"""What an origin looks like, as browsers send it (RFC 6454, 6): scheme, host and a port that is not
the scheme's own, in lower case. One that is written otherwise would never match.

Each is a pattern for a whole text. There is no `*` in any of them.
"""

from __future__ import annotations

from typing import Final

HOST: Final = r"([a-z0-9._-]+|\[[0-9a-f:.]+\])"
PORT: Final = r"(:[1-9][0-9]{0,4})?"
_PORT_IS_ANOTHER: Final = r"(?!http:.*:80$|https:.*:443$)"
_SCHEME: Final = r"[a-z][a-z0-9+.-]*"
_HERE: Final = r"(localhost|127\.0\.0\.1|\[::1\])"

ANY: Final = rf"{_PORT_IS_ANOTHER}{_SCHEME}://{HOST}{PORT}"
"""Of whatever scheme, as an app in a web view has one."""
SITE: Final = rf"{_PORT_IS_ANOTHER}https?://{HOST}{PORT}"
"""Of a web site."""
SAFE: Final = rf"{_PORT_IS_ANOTHER}(https://{HOST}|{_SCHEME}://{_HERE}){PORT}"
"""Of a web site with TLS, or of whatever runs on the user's own machine."""
