"""The step log: what is kept of a session's turns, so that it can be explained and replayed.

It lies beside the session, in a list that outlives it, sealed like it; its entries are written by
the script that stores their turns. What is in an entry, `libs.common.flow.record` says: nothing
that was typed, and nothing that names anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Final

import msgspec

from libs.common.flow.plan import Program
from libs.common.flow.record import MOST_ENTRIES, Entry, decode
from libs.common.flow.recorder import Recorder, Words, head_of, words_of
from libs.common.flow.turn import Session, Submission, Surroundings, Turn
from services.executor.handlers.table import Hear

FORMAT: Final = 1
"""The first byte of an entry; grows when the bytes after it change their meaning."""

LARGEST: Final = 8_192
"""Bytes of an entry. A larger one is left out, and so is all that comes after it."""

_FORMAT: Final = bytes((FORMAT,))
_PLANS_MOST: Final = 512


class UnreadableEntry(Exception):
    """The stored entry is of a release that this one cannot read."""


class StepLog:
    """What one executor keeps of turns."""

    def __init__(self, *, on: bool) -> None:
        """Keep all, or nothing."""
        self._on = on
        self._words: dict[str, Mapping[str, Words]] = {}

    def watch(
        self,
        program: Program,
        session: Session,
        surroundings: Surroundings,
        submitted: Submission | None = None,
    ) -> Watched:
        """Return what is to watch the next turn of `session`."""
        words = self._words.get(program.plan)
        if words is None and self._on:
            if len(self._words) >= _PLANS_MOST:
                self._words.clear()
            words = self._words[program.plan] = words_of(program)
        recorder = Recorder(words, perf_counter, perf_counter())
        return Watched(program, session, surroundings, submitted, recorder)


class Watched(msgspec.Struct, frozen=True, gc=False):
    """A turn under way, and what watches it."""

    program: Program
    begun: Session
    """As it was before."""
    surroundings: Surroundings
    submitted: Submission | None
    """None where it is the first turn."""
    recorder: Recorder

    @property
    def hear(self) -> Hear | None:
        """What is told of answers."""
        return None if self.recorder.words is None else self.recorder.hear

    def entry(self, turn: Turn) -> bytes | None:
        """Return what is to be kept of `turn`, if anything."""
        if self.recorder.words is None or turn.session.revision > MOST_ENTRIES:
            return None
        head = None
        if self.submitted is None:
            head = head_of(self.begun, turn, self.program)
        entry = self.recorder.entry(turn, self.surroundings, self.submitted, head)
        return None if len(entry) > LARGEST else _FORMAT + entry


def read(data: bytes) -> Entry:
    """Read an entry; raise `UnreadableEntry` where this release cannot."""
    if data[:1] != _FORMAT:
        raise UnreadableEntry(f"an entry has format {data[0]}; this release reads {FORMAT}")
    try:
        return decode(data[1:])
    except msgspec.MsgspecError as error:
        raise UnreadableEntry("an entry is not as this release stores them") from error
