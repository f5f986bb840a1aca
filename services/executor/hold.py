"""Keeps a claim on a session for as long as its turn takes, however slow what it asks for is."""

from __future__ import annotations

import asyncio

from services.executor.sessions import Handle, Sessions


class Hold:
    """Renews a claim while its turn waits for answers."""

    __slots__ = ("_every", "_handle", "_sessions", "_timer")

    def __init__(self, sessions: Sessions, handle: Handle, every: float) -> None:
        """Renew it every so many seconds, from now on."""
        self._sessions = sessions
        self._handle = handle
        self._every = every
        self._timer = asyncio.get_running_loop().call_later(every, self._renew)

    def let_go(self) -> None:
        """Renew no more."""
        self._timer.cancel()

    def _renew(self) -> None:
        self._sessions.keep(self._handle)
        self._timer = asyncio.get_running_loop().call_later(self._every, self._renew)
