"""Finds loopback ports for servers, and gives none to two who ask."""

import secrets
import socket

LOOPBACK = "127.0.0.1"

# Below what Linux (32768) and macOS (49152) give to outgoing connections: a server that is down for
# a moment must not find its port taken by somebody's connection, or by its own client's.
CANDIDATES = range(20_000, 32_000)

_OURS: set[int] = set()
"""What this process was given, for as long as it lives."""


def free_port(wished: int | None = None) -> int:
    """Return `wished` if it is nobody else's, else another port that nobody was given."""
    if wished is not None and is_free(wished) and (wished in _OURS or _claim(wished)):
        return wished
    while True:
        # Not `random`: two runs of tests with the same seed would reach for the same ports.
        port = secrets.choice(CANDIDATES)
        if port not in _OURS and is_free(port) and _claim(port):
            return port


def is_free(port: int) -> bool:
    """Whether nobody listens at `port`."""
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


def _claim(port: int) -> bool:
    """Have `port` until this process ends, unless another has it."""
    # It takes a server a second to listen, and one that is stopped does not: meanwhile another
    # process would find the port free. UDP has ports of its own, so this is in no server's way.
    mark = socket.socket(type=socket.SOCK_DGRAM)
    try:
        mark.bind((LOOPBACK, port))
    except OSError:
        mark.close()
        return False
    mark.detach()
    _OURS.add(port)
    return True
