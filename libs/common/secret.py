"""A string that must not be seen: a password, a key, a connection string.

It never shows its value by accident: not by `repr`, `str`, formatting, msgspec, pickle or copy.
Only `reveal` gives it, so that a search for that word finds every place which reads one.
"""

from __future__ import annotations

import hmac
from typing import NoReturn, final

MASK = "***"


@final
class Secret:
    """A masked string; equality takes the same time wherever the strings differ."""

    __slots__ = ("_value",)
    # A hash would put the value within reach of dictionaries, caches and their timing.
    __hash__ = None  # type: ignore[assignment]  # how Python spells "not hashable"

    def __init__(self, value: str) -> None:
        """Keep `value` out of sight."""
        self._value = value

    def reveal(self) -> str:
        """Return the value itself."""
        return self._value

    def __eq__(self, other: object) -> bool:
        """Compare in constant time; a secret equals only secrets."""
        if not isinstance(other, Secret):
            return NotImplemented
        # `surrogatepass`: JSON can carry lone surrogates, and comparing must not raise.
        return hmac.compare_digest(
            self._value.encode("utf-8", "surrogatepass"),
            other._value.encode("utf-8", "surrogatepass"),
        )

    def __repr__(self) -> str:
        """Return the mask, never the value."""
        return f"Secret({MASK})"

    def __str__(self) -> str:
        """Return the mask, never the value."""
        return MASK

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """Refuse: what pickles or deep-copies a secret is about to lose sight of it."""
        raise TypeError("a Secret is not serialised")


def decode_secret(kind: type, value: object) -> Secret:
    """Make a `Secret` of a string: msgspec's `dec_hook`, which knows no other type."""
    if kind is not Secret:
        raise LookupError(f"{kind.__name__} has no decoder")
    if not isinstance(value, str):
        # Only the type: the value may be the secret, sent in another shape.
        raise TypeError(f"Expected `str`, got `{type(value).__name__}`")
    return Secret(value)
