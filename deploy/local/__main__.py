"""`python -m deploy.local run` and `demo`: the local stack, from start to end."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from deploy.local.demo import walk
from deploy.local.examples import seed, what_to_try
from deploy.local.process import Failed
from deploy.local.services import PROJECT
from deploy.local.stack import local_stack

INTERRUPTED = 130


async def run(folder: Path, executors: int) -> int:
    """Serve until told to stop, or until a part dies; raises Failed."""
    async with local_stack(folder, executors=executors, say=say) as stack:
        walkable = await stack.serves(seed(stack.facts))
        say(what_to_try(stack.facts, folder, walkable=walkable))
        try:
            raise await stack.one_dies()
        except asyncio.CancelledError:
            say("stopping")
    return 0


async def demo(folder: Path, executors: int) -> int:
    """Walk the journeys; the exit code is 0 only if each came out right. Raises Failed."""
    async with local_stack(folder, executors=executors, say=say) as stack:
        went_well = await stack.serves(walk(stack.facts, stack.settings["executor"], say))
    return 0 if went_well else 1


COMMANDS = {
    "run": (run, "start everything, and keep serving until Ctrl-C"),
    "demo": (demo, "start everything, walk real sign-ins, print each exchange, and stop"),
}


def say(line: str) -> None:
    # At once, since whoever waits for the stack may be reading a pipe.
    print(line, flush=True)


async def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (command, purpose) in COMMANDS.items():
        chosen = commands.add_parser(name, help=purpose)
        chosen.set_defaults(command=command)
        chosen.add_argument("--folder", type=Path, default=PROJECT / ".local", help="what is kept")
        chosen.add_argument("--executors", type=int, default=1, help="how many (default: 1)")
    given = parser.parse_args()

    work = asyncio.create_task(given.command(given.folder.resolve(), given.executors))

    def stop() -> None:
        # Once: impatience must not interrupt the stopping.
        if not work.cancelling():
            work.cancel()

    told = [signal.SIGINT, signal.SIGTERM]
    # Under nohup the stack goes on when its terminal is closed.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        told.append(signal.SIGHUP)
    for number in told:
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        code: int = await work
    except asyncio.CancelledError:
        return INTERRUPTED
    except Failed as failure:
        print(failure, file=sys.stderr)
        return 1
    return code


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
