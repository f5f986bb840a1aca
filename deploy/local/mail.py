"""The local stack's mail server: every mail becomes a file, and none leaves this machine."""

import asyncio
import signal
import sys
import time
from itertools import count
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.local.ports import LOOPBACK, free_port
from deploy.local.process import Process, Program
from deploy.local.server import Server


class Folder:
    """Keeps what comes in: `20261121-181502-1.eml`, the newest last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._numbers = count(1)

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        name = f"{stamp}-{next(self._numbers)}.eml"
        half_written = self._path / f".{name}"
        half_written.write_bytes(envelope.original_content or b"")
        half_written.rename(self._path / name)
        return "250 OK"


async def start_mail(folder: Path, *, log: Path, port: int | None = None) -> Server:
    """Start a server that puts mail into `folder`, which is made if it is not there."""
    port = free_port(port)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    program = Program(
        name="mail",
        command=[sys.executable, "-m", "deploy.local.mail", str(port), folder],
        log=log,
        lock=folder / ".lock",
        folder=Path(__file__).parents[2],
    )

    async def ready() -> bool:
        try:
            _, writer = await asyncio.open_connection(LOOPBACK, port)
        except OSError:
            return False
        writer.close()
        return True

    process = Process(program, ready)
    await process.start()
    return Server(f"smtp+plain://{LOOPBACK}:{port}", port, process)


async def serve(port: int, folder: Path) -> None:
    """Take mail until told to stop."""
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    handler = Folder(folder)
    server = await loop.create_server(lambda: SMTP(handler, enable_SMTPUTF8=True), LOOPBACK, port)
    await told.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
