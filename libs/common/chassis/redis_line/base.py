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
        command = Command(self._loop, key, pack((name, key, *args)))
        self._send(command)
        return command.answer

    def run(
        self, script: Script, keys: Sequence[bytes], args: Sequence[Part] = ()
    ) -> Future[Reply]:
        """See `RedisLine.run`."""
        rest = (*keys, encode(args))
        command = Command(self._loop, keys[0], script.pack(rest), script, rest)
        self._send(command)
        return command.answer

    def repeat(self, call: Call) -> Future[Reply]:
        """See `RedisLine.repeat`."""
        command = Command(self._loop, call.rest[0], call.packed, call.script, call.rest)
        self._send(command)
        return command.answer
