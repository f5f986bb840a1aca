"""What every line does alike: it turns a call into a `Command` and hands that on."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Callable, Sequence

from libs.common.chassis.redis_line.command import NAMES, Command
from libs.common.chassis.redis_line.port import Arg, Call, Key, Part, Reply, Script, encode, pack


class BaseLine:
    """The calls of a `RedisLine`; where a command goes is the business of who derives from it."""

    def __init__(self, send: Callable[[Command], None]) -> None:
        """Give each command to `send`. Needs a running loop."""
        self._loop = asyncio.get_running_loop()
        self._send = send

    def execute(self, name: bytes, key: Key, *args: Arg) -> Future[Reply]:
        """See `RedisLine.execute`."""
        if name not in NAMES:
            raise ValueError(f"{name!r} does not go by the line; use its client")
        answer: Future[Reply] = self._loop.create_future()
        self._send(Command(answer, key, (pack((name, key, *args)),)))
        return answer

    def run(
        self, script: Script, keys: Sequence[bytes], args: Sequence[Part] = ()
    ) -> Future[Reply]:
        """See `RedisLine.run`."""
        answer: Future[Reply] = self._loop.create_future()
        self._send(Command(answer, keys[0], script.pack(keys, encode(args)), script, keys))
        return answer

    def repeat(self, call: Call) -> Future[Reply]:
        """See `RedisLine.repeat`."""
        answer: Future[Reply] = self._loop.create_future()
        self._send(Command(answer, call.keys[0], call.parts, call.script, call.keys))
        return answer
