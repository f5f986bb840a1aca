"""Starts a program, knows when it is ready, and stops it.

A program never outlives this process (see `leash`), and never runs twice over the same data: it
holds a lock that its descendants inherit, so the next start waits until the last of them is gone.
"""

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LEASH = Path(__file__).with_name("leash.py")
POLL_SECONDS = 0.01
LAST_LINES = 15


class Failed(Exception):
    """A part did not do what it was started for. The message names the part and its log."""


@dataclass(frozen=True)
class Program:
    """What is to be run, and how it is told to end."""

    name: str
    command: Sequence[str | Path]
    log: Path
    """Appended to."""
    lock: Path
    """Held as long as the program or a descendant of it lives."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Added to that of this process; may hold secrets."""
    folder: Path | None = None
    """Where it runs; None is where this process does."""
    identity: str = "same"
    """Who it runs as; see `leash.become`."""
    prepare: Callable[[], None] = lambda: None
    """Called with the lock held, when nothing else can be at work on the data."""
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    """What it gets when this process dies."""
    start_seconds: float = 90.0
    stop_seconds: float = 15.0


async def at_once() -> bool:
    return True


class Process:
    """A program that can be started, stopped, killed and started again.

    Bound to no event loop: what one loop started, another may stop.
    """

    def __init__(self, program: Program, ready: Callable[[], Awaitable[bool]] = at_once) -> None:
        self._program = program
        self._ready = ready
        self._child: subprocess.Popen[bytes] | None = None
        self._told_to_end = False
        self._lifeline = -1
        self._log_begins = 0

    @property
    def name(self) -> str:
        return self._program.name

    @property
    def log(self) -> Path:
        return self._program.log

    @property
    def pid(self) -> int:
        """The process id; raises Failed if it was never started."""
        if self._child is None:
            raise Failed(f"{self.name} was not started")
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    async def start(self) -> None:
        """Start it and return when it answers; raises Failed, and then nothing is left of it."""
        await self._spawn()
        await self._in_time(self._answers(), "ready")

    async def finish(self) -> None:
        """Start it and return when it has ended well; raises Failed if it did not."""
        await self._spawn()
        await self._in_time(self._gone(), "done")
        if self._exit() != "exit code 0":
            raise self._failed(f"ended with {self._exit()}")

    async def stop(self) -> None:
        """Ask it to end, and kill it if it does not within its time. Harmless to repeat."""
        self._told_to_end = True
        self._signal(self._program.stop_signal)
        deadline = time.monotonic() + self._program.stop_seconds
        while self.running and time.monotonic() < deadline:
            await asyncio.sleep(POLL_SECONDS)
        await self.kill()

    async def kill(self) -> None:
        """Kill it (SIGKILL), as a crash would. Harmless to repeat."""
        self._told_to_end = True
        self._signal(signal.SIGKILL)
        await self._gone()

    def died(self) -> Failed | None:
        """Say how it ended, if it did and was not stopped or killed from here."""
        if self._child is None or self._told_to_end or self.running:
            return None
        return self._failed(f"ended with {self._exit()}")

    async def _in_time(self, waiting: Coroutine[None, None, None], what: str) -> None:
        seconds = self._program.start_seconds
        try:
            async with asyncio.timeout(seconds):
                await waiting
        except TimeoutError:
            await self.kill()
            raise self._failed(f"not {what} after {seconds:.0f} s") from None
        except BaseException:  # Cancelled, too: what is half started is not left behind.
            await self.kill()
            raise

    async def _answers(self) -> None:
        while not await self._ready():
            if not self.running:
                raise self._failed(f"ended with {self._exit()} before it was ready")
            await asyncio.sleep(POLL_SECONDS)

    async def _spawn(self) -> None:
        if self.running:
            raise Failed(f"{self.name} runs already")
        await self._gone()
        program = self._program
        lock = await self._lock()
        reader, self._lifeline = os.pipe()
        self._told_to_end = False
        try:
            program.prepare()
            with program.log.open("ab") as log:
                self._log_begins = log.tell()
                # Not asyncio's, which belongs to the loop that started it.
                self._child = subprocess.Popen(
                    [
                        *(sys.executable, "-I", "-S", LEASH),
                        *(str(reader), str(int(program.death_signal)), program.identity),
                        *program.command,
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=program.folder,
                    env={**os.environ, **program.environment},
                    pass_fds=(reader, lock),
                    # Ctrl-C reaches whoever started the program, who then ends it in good order.
                    start_new_session=True,
                    umask=0o077,
                )
        finally:
            os.close(reader)
            os.close(lock)

    async def _lock(self) -> int:
        lock = os.open(self._program.lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            async with asyncio.timeout(self._program.start_seconds):
                while not locked(lock):
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            os.close(lock)
            raise Failed(
                f"{self.name}: another process uses this data ({self._program.lock})"
            ) from None
        except BaseException:  # Cancelled, too: a lock that is not returned is not kept.
            os.close(lock)
            raise
        return lock

    def _signal(self, number: signal.Signals) -> None:
        if self._child is not None and self.running:
            self._child.send_signal(number)

    async def _gone(self) -> None:
        while self.running:
            await asyncio.sleep(POLL_SECONDS)
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1

    def _exit(self) -> str:
        code = self._child.returncode if self._child is not None else None
        if code is not None and code < 0:
            return f"signal {signal.Signals(-code).name}"
        return f"exit code {code}"

    def _failed(self, why: str) -> Failed:
        with self.log.open("rb") as log:
            log.seek(self._log_begins)
            lines = log.read().decode(errors="replace").splitlines()[-LAST_LINES:]
        shown = "".join(f"\n  | {line}" for line in lines) or " (empty)"
        return Failed(f"{self.name}: {why}; the end of its log {self.log}:{shown}")


def locked(file: int) -> bool:
    """Lock an open file, unless another process has."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
