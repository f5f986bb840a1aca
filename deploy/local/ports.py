"""Finds loopback ports for servers."""

import secrets
import socket

LOOPBACK = "127.0.0.1"

# Below what Linux (32768) and macOS (49152) give to outgoing connections: a server that is down for
# a moment must not find its port taken by somebody's connection, or by its own client's.
CANDIDATES = range(20_000, 32_000)


def free_port(wished: int | None = None) -> int:
    """Return `wished` if nobody listens there, else another free port."""
    if wished is not None and is_free(wished):
        return wished
    while True:
        # Not `random`: two runs of tests with the same seed would reach for the same ports.
        port = secrets.choice(CANDIDATES)
        if is_free(port):
            return port


def is_free(port: int) -> bool:
    with socket.socket() as listener:
        # As servers do, so that connections of a server just stopped do not count.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError:
            return False
    # macOS lets a port be bound on loopback while another program has it on every address.
    with socket.socket() as client:
        return client.connect_ex((LOOPBACK, port)) != 0
