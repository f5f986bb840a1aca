"""What executors know of the clients that management keeps: those that may introspect.

Management gives them their scopes and secrets; of a secret there is only what `digest` returns.
"""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias, get_args

CLIENT_ID: Final = re.compile(r"[0-9a-f]{32}")
Introspect: TypeAlias = Literal["introspect:assertions"]
INTROSPECT: Final[str] = get_args(Introspect)[0]
"""The scope of a client that may ask whether somebody is still signed in."""
