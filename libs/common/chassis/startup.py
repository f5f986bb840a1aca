"""What keeps a service from starting: told in one line each, with the setting to change.

An operator reads these lines, so they name settings and servers; they never hold a secret.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class StartupFailure(Exception):
    """A service cannot start, for reasons that its operator can change."""

    def __init__(self, *reasons: str) -> None:
        """Give each reason as one line that names the setting and says what to do."""
        super().__init__("\n".join(reasons))
        self.reasons = reasons


@contextmanager
def depends_on(what: str, setting: str, *errors: type[Exception]) -> Iterator[None]:
    """Turn `OSError` (a time-out is one) and `errors` into a `StartupFailure` that names `setting`.

    `what` is the part as an operator calls it, as in `PostgreSQL`.
    """
    expected: tuple[type[Exception], ...] = (OSError, *errors)
    try:
        yield
    except expected as error:
        # The type alone: a driver's message may quote the connection string.
        raise StartupFailure(
            f"{setting}: {what} cannot be reached ({type(error).__name__}); "
            "start it, or correct the setting"
        ) from error
