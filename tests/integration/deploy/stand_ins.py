"""`python -m deploy.local` with stand-ins for the services: a file each, that answers `/readyz`.

What is tested with it is the supervisor; the real services are in the end-to-end tests.
"""

import asyncio
import dataclasses
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from unittest.mock import patch

from deploy.local import __main__, stack
from deploy.local.process import Process
from deploy.local.services import is_ready, service_process

SERVICE = """
import http.server, os, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

if os.environ.get("BROKEN") == sys.argv[1]:
    sys.exit("a setting is wrong")
http.server.HTTPServer(("127.0.0.1", int(os.environ["GATEHOUSE_PORT"])), Handler).serve_forever()
"""


def stand_in(
    name: str, service: str, port: int, settings: Mapping[str, str], *, logs: Path
) -> Process:
    program = service_process(name, service, port, settings, logs=logs)._program
    command = [sys.executable, "-c", SERVICE, name]
    return Process(dataclasses.replace(program, command=command), ready=lambda: is_ready(port))


async def nothing_to_walk(_facts: stack.Facts) -> bool:
    return False


if __name__ == "__main__":
    # Whoever runs the tests under `nohup` has it ignored, and so would the stack.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    with (
        patch.object(stack, "service_process", stand_in),
        patch.object(__main__, "seed", nothing_to_walk),
    ):
        code = asyncio.run(__main__.main())
    sys.exit(code)
