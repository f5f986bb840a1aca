"""What every line does alike: it turns a call into a `Command` and hands that on."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Callable, Sequence

from libs.common.chassis.redis_line.command import NAMES, Command
from libs.common.chassis.redis_line.port import Arg, Call, Key, Limits, Reply, Script


class BaseLine:
    """The calls of a `RedisLine`; where a command goes is the business of who derives from it."""

    def __init__(self, limits: Limits, send: Callable[[Command], None]) -> None:
        """Give each command to `send`. Needs a running loop."""
        self._loop = asyncio.get_running_loop()
        self._deadline = limits.deadline
        self._send = send

    def execute(self, name: bytes, key: Key, *args: Arg) -> Future[Reply]:
        """See `RedisLine.execute`."""
        if name not in NAMES:
            raise ValueError(f"{name!r} does not go by the line; use its client")
        command = Command(self._loop, self._deadline, key, (name, key, *args))
        self._send(command)
        return command.answer

    def run(self, script: Script, keys: Sequence[Key], args: Sequence[Arg] = ()) -> Future[Reply]:
        """See `RedisLine.run`."""
        call = (b"EVALSHA", script.sha, len(keys), *keys, *args)
        command = Command(self._loop, self._deadline, keys[0], call, script)
        self._send(command)
        return command.answer

    def repeat(self, call: Call) -> Future[Reply]:
        """See `RedisLine.repeat`."""
        command = Command(self._loop, self._deadline, call.key, call.args, call.script, call.packed)
        self._send(command)
        return command.answer
