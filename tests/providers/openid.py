"""A real OpenID Connect provider, of npm, as a process of its own; and somebody who signs in there.

async with provider(folder, CALLBACK) as google:
    back = await google.sign_in(url, "sasha")
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from yarl import URL

from tests.clients.npm import NODE, node
from tests.clients.tls import serving

SCRIPTS = Path(__file__).parent / "node"
CLIENT_ID, CLIENT_SECRET = "gatehouse", "s3cret: of + the client"
_FORM = re.compile(r'action="([^"]+)"')
_MOST_PAGES = 10


@dataclass(frozen=True)
class Provider:
    """A provider that runs."""

    issuer: str
    callback: str
    tls: ssl.SSLContext

    async def sign_in(self, url: str, name: str) -> dict[str, str]:
        """Follow `url` as `name`, agree to all, and return what comes back to the callback."""
        connector = aiohttp.TCPConnector(ssl=self.tls)
        async with aiohttp.ClientSession(connector=connector) as session:
            at, form = URL(url), None
            for _ in range(_MOST_PAGES):
                method = "GET" if form is None else "POST"
                async with session.request(method, at, data=form, allow_redirects=False) as answer:
                    text = await answer.text()
                    form = None
                    if "Location" in answer.headers:
                        at = at.join(URL(answer.headers["Location"]))
                        if str(at.with_query(None)) == self.callback:
                            return dict(at.query)
                        continue
                assert answer.status == 200, text
                found = _FORM.search(text)
                assert found is not None, text
                at = at.join(URL(found[1]))
                asked = "login" if 'name="login"' in text else "consent"
                form = {"prompt": asked, "login": name, "password": "any"}
        raise AssertionError("it leads nowhere")


@asynccontextmanager
async def provider(
    folder: Path, callback: str, *, port: int = 0, key_id: str = "first"
) -> AsyncIterator[Provider]:
    """Run a provider that knows `callback`; its certificate, made once, lies in `folder`."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    if not certificate.exists():
        serving(folder)
    environment = {
        **os.environ,
        "NODE_PATH": str((await node(SCRIPTS)).packages),
        "CERTIFICATE": str(certificate),
        "KEY": str(key),
        "PORT": str(port),
        "KEY_ID": key_id,
        "CLIENT_ID": CLIENT_ID,
        "CLIENT_SECRET": CLIENT_SECRET,
        "CALLBACK": callback,
    }
    process = await asyncio.create_subprocess_exec(
        NODE,
        SCRIPTS / "provider.cjs",
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        issuer = (await process.stdout.readline()).decode().strip()
        assert issuer, "it did not start"
        tls = ssl.create_default_context(cafile=str(certificate))
        yield Provider(issuer, callback, tls)
    finally:
        process.kill()
        await process.communicate()
