"""Sessions in Redis: one hash a session, sealed, written by compare-and-set.

A submit is looked up and claimed in one script, and its turn is stored by another. The claim lets
one runner at a time answer a step, so that ten equal submits run one turn; it lapses when its
runner dies. docs/decisions/0005-repeated-submits.md says when a submit is a repeat.

    r       revision                          d      digest of the submit answered last
    b       session and answer, sealed        t      when, in ms of Redis' clock
    e       effects not yet told, sealed      again  '1' if the view shown takes that submit anew
    f       the flow's type                   shape  what that submit looked like, '' if again
    x       when it expires, in ms            step   id of the step shown, '' where it has ended
    m       '1' if it goes on as another      owner, until   the claim, '' and 0 if none

One that goes on as another keeps that one in its place, and shows it only to whoever repeats what
led there: so one script decides who goes on, and another makes the other session, in a slot of its
own, as often as need be.

Nothing is in clear but what says nothing of the user. All times are of Redis' clock, so that the
clocks of executors need not agree.
"""

from __future__ import annotations

import itertools
import secrets
from asyncio import Future
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, cast, get_args

import msgspec

from libs.common.chassis.redis_line.port import Part, RedisLine, Reply, Script
from libs.common.chassis.seal import Box, Keys, Unsealable
from libs.common.flow.model import FlowType
from libs.common.flow.turn import Session

FORMAT: Final = 1
"""The first byte of a stored session; grows when the bytes after it change their meaning."""

MOVED: Final = 2
"""That of one that goes on as another. A release that does not know of these must not read them: to
whoever began it would show what is shown to whoever followed the link."""

_FORMATS: Final = {False: bytes((FORMAT,)), True: bytes((MOVED,))}
"""By whether it goes on as another."""
_SESSION: Final = b"session"
_EFFECTS: Final = b"effects"
_STEPS: Final = b"steps"
_ENCODER: Final = msgspec.msgpack.Encoder()


def _script(name: str) -> Script:
    return Script((Path(__file__).parent / "lua" / f"{name}.lua").read_text("utf-8"))


_LOAD, _STORE, _HOLD, _CLEAR = map(_script, ("load", "store", "hold", "clear"))


class UnreadableSession(Exception):
    """The stored session is of a release that this one cannot read."""


class Kept(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is sealed of a session: together, since sealing costs by the piece."""

    session: Session
    answer: bytes
    """The one now shown."""


_DECODERS: Final[Mapping[int, msgspec.msgpack.Decoder[Kept]]] = {
    FORMAT: msgspec.msgpack.Decoder(Kept),
    MOVED: msgspec.msgpack.Decoder(Kept),
}


class Submit(msgspec.Struct, frozen=True, gc=False):
    """What tells one submit from another."""

    digests: list[bytes]
    """Of what was sent, its name included, under each key of the deployment, so that executors
    recognise a repeat while a key is being rotated in."""
    step: str
    """The step that it says it answers, or empty."""
    named: bool
    """The client gave it a name: its equals are repeats of it, however far apart."""
    shape: str
    """A checksum of its action and the names of its inputs."""


Standing: TypeAlias = Literal[
    "absent", "expired", "answered", "stale", "ended", "moved", "busy", "claimed"
]
"""How a submit stands to its session, in the words of load.lua.

- `answered`: it is a repeat, and there is its answer.
- `stale`: it is for another step than the current one, which the answer shows.
- `moved`: somebody has followed a link that was mailed, and goes on with it as another session.
- `busy`: a submit is being answered, maybe this very one.
- `claimed`: the session is the caller's to advance, and nobody else's.
"""

_STANDINGS: Final[Mapping[bytes | None, Standing]] = {
    each.encode(): each for each in get_args(Standing)
}
_TYPES: Final[Mapping[bytes | None, FlowType]] = {each.value.encode(): each for each in FlowType}


class Found(msgspec.Struct, frozen=True, gc=False):
    """What is stored of a session, as far as a submit may know of it."""

    standing: Standing
    revision: bytes = b""
    type: FlowType | None = None
    answer: bytes | None = None
    session: Session | None = None
    effects: bytes | None = None
    """Those not yet told, still sealed."""


class Stored(msgspec.Struct, frozen=True, gc=False):
    """What a turn leaves to be stored."""

    session: Session
    answer: bytes
    step: str
    """Id of the step shown, or empty where the flow has ended."""
    again: bool
    """The view shown would take the submit once more."""
    lasts: int
    """Seconds until the session expires."""
    effects: bytes | None = None
    """Those to be told, sealed."""
    entry: bytes | None = None
    """What the step log keeps of it."""
    moved: bool = False
    """It is another session's, which this one goes on as."""


class Handle(msgspec.Struct, frozen=True, gc=False):
    """One request's hold on one session."""

    slot: str
    """Where all keys of the session are."""
    keys: tuple[bytes]
    """Where the session lies."""
    box: Box
    owner: str
    """What it is known to Redis as."""

    def seal_effects(self, effects: bytes) -> bytes:
        """Seal effects as the session stores them."""
        return self.box.seal(_EFFECTS, effects)

    def open_effects(self, sealed: bytes) -> bytes:
        """Open effects as the session stores them."""
        return self.box.open(_EFFECTS, sealed)

    def open_step(self, sealed: bytes) -> bytes:
        """Open an entry of the step log."""
        return self.box.open(_STEPS, sealed)

    def seal_step(self, entry: bytes) -> bytes:
        """Seal an entry as the step log has it."""
        return self.box.seal(_STEPS, entry)

    @property
    def steps(self) -> bytes:
        """Where the step log lies."""
        return f"gh:steps:{self.slot}".encode()


class Sessions:
    """The sessions of all tenants."""

    def __init__(
        self,
        line: RedisLine,
        keys: Keys,
        *,
        claim: float,
        replay: float,
        forget: float,
        explain: float,
    ) -> None:
        """Take times in seconds: of a claim, of taking equals for repeats, of staying expired.

        The step log of a session is kept for `explain` after its lifetime.
        """
        self._line = line
        self._keys = keys
        self._claim = int(claim * 1000)
        self._replay = int(replay * 1000)
        self._forget = int(forget * 1000)
        self._explain = int(explain * 1000)
        # Unlike any other process', and cheaper for each request than randomness.
        self._prefix = secrets.token_hex(8)
        self._numbers = itertools.count()

    def handle(self, tenant: str, session: str) -> Handle:
        """Begin to do with one session what one request does."""
        slot = f"{{{tenant}:{session}}}"
        owner = f"{self._prefix}{next(self._numbers)}"
        return Handle(
            slot, (f"gh:session:{slot}".encode(),), self._keys.box(tenant, session), owner
        )

    def ask(self, handle: Handle, submit: Submit, seen: bytes = b"") -> Future[Reply]:
        """Send the question that `read` reads the answer of; it leaves at the end of this tick.

        `seen` is the revision that an earlier look found busy.
        """
        asked = (
            handle.owner,
            self._claim,
            submit.step,
            self._replay,
            submit.named,
            submit.shape,
            seen,
            submit.digests,
        )
        return self._line.run(_LOAD, handle.keys, asked)

    def read(self, handle: Handle, reply: Reply) -> Found:
        """Open what `ask` found; raise `Unsealable` or `UnreadableSession`."""
        found: list[Any] = reply  # type: ignore[assignment]  # as load.lua says
        standing = _STANDINGS[found[0]]
        if len(found) == 1:
            return Found(standing)
        revision: bytes = found[1]
        if len(found) == 2:  # noqa: PLR2004 - as load.lua says it
            return Found(standing, revision)
        _, _, sealed, effects, kind = found
        type = _TYPES.get(kind)
        if type is None:
            raise UnreadableSession("a session is of a type that this release does not know")
        if sealed is None:
            return Found(standing, revision, type)
        kept = _decode(handle.box.open(_SESSION, sealed))
        return Found(standing, revision, type, kept.answer, kept.session, effects)

    # What only hands on is no coroutine: each is paid for at every answer.
    def store(
        self, handle: Handle, stored: Stored, submit: Submit | None, expecting: int | None
    ) -> Future[Reply]:
        """Store the turn that `submit` made of revision `expecting`; None for a new session.

        Answers 0 where the session is not so any more, or the claim on it is lost.
        """
        box, kept = handle.box, _kept(stored)
        entries: tuple[bytes, ...] = ()
        if stored.entry is None:
            sealed = box.seal(_SESSION, kept)
        else:
            sealed, entry = box.seal_both(_SESSION, kept, _STEPS, stored.entry)
            entries = (entry,)
        return self._store(handle, stored, sealed, entries, submit, expecting)

    async def go_on(self, handle: Handle, following: Handle, stored: Stored) -> None:
        """Make the session that the one of `handle` goes on as, unless there is one already.

        It has the step log of both.
        """
        try:
            log = [following.seal_step(handle.open_step(each)) for each in await self.steps(handle)]
        except Unsealable:
            # The key of its beginning was taken out. A log without one tells nothing.
            log = []
        sealed = following.box.seal(_SESSION, _kept(stored))
        await self._store(following, stored, sealed, log, None, None)

    def _store(
        self,
        handle: Handle,
        stored: Stored,
        sealed: bytes,
        entries: Sequence[bytes],
        submit: Submit | None,
        expecting: int | None,
    ) -> Future[Reply]:
        """Store what is `sealed`, and add `entries` to its log; 0 where that may not be."""
        session = stored.session
        keys: Sequence[bytes] = handle.keys
        log: tuple[Part, ...] = ()
        if entries:
            keys = (*handle.keys, handle.steps)
            kept = 1000 * (session.expires_at - session.started_at) + self._explain
            log = (kept, entries)
        args = (
            False if expecting is None else expecting,
            handle.owner,
            session.revision,
            sealed,
            session.type,
            "" if submit is None else submit.digests[0],
            stored.again,
            "" if submit is None or stored.again else submit.shape,
            stored.step,
            stored.lasts * 1000,
            self._forget,
            stored.effects or False,
            stored.moved,
            *log,
        )
        return self._line.run(_STORE, keys, args)

    def keep(self, handle: Handle) -> None:
        """Hold the claim for as long again; nobody waits for it to be done."""
        self._line.run(_HOLD, handle.keys, (handle.owner, self._claim))

    def release(self, handle: Handle) -> None:
        """Give the claim back, so that a retry need not wait; nobody waits for it to be done."""
        self._line.run(_HOLD, handle.keys, (handle.owner, 0))

    async def effects(self, handle: Handle) -> bytes | None:
        """Return the effects not yet told, sealed; None if all are, or the session is gone."""
        return cast("bytes | None", await self._line.execute(b"HGET", handle.keys[0], "e"))

    async def steps(self, handle: Handle) -> list[bytes]:
        """Return the entries of the step log, sealed; none where there is no such log any more."""
        return cast("list[bytes]", await self._line.execute(b"LRANGE", handle.steps, "0", "-1"))

    async def clear(self, handle: Handle, told: bytes) -> None:
        """Drop the effects `told`, as they were read."""
        await self._line.run(_CLEAR, handle.keys, (told,))


def _kept(stored: Stored) -> bytes:
    # As a `Kept` is encoded, which need not be made for that.
    return _FORMATS[stored.moved] + _ENCODER.encode((stored.session, stored.answer))


def _decode(data: bytes) -> Kept:
    decoder = _DECODERS.get(data[0])
    if decoder is None:
        raise UnreadableSession(
            f"a session has format {data[0]}; this release reads {', '.join(map(str, _DECODERS))}"
        )
    try:
        return decoder.decode(data[1:])
    except msgspec.ValidationError as error:
        raise UnreadableSession("a session is not as this release stores them") from error
