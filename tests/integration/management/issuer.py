"""An issuer of tokens: a real HTTP server with keys, which can be changed and taken away."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from libs.common.flow.model import Json

AUDIENCE = "gatehouse-management"
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()


def jwk(id: str, key: PrivateKey) -> Json:
    """Write the public half of `key` as an issuer publishes it."""
    writers = (RSAAlgorithm, ECAlgorithm, OKPAlgorithm)
    algorithm: Any = writers[(type(RSA), type(EC), type(ED)).index(type(key))]
    written = algorithm.to_jwk(key.public_key(), as_dict=True)
    return {**written, "kid": id, "use": "sig"}


@dataclass
class StandIn:
    """The issuer, as a test has it at the moment."""

    url: str = ""
    keys: dict[str, PrivateKey] = field(default_factory=lambda: {"rsa": RSA, "ec": EC, "ed": ED})
    discovery: Json = None
    """What it says of itself; nothing where it is None, as with an issuer that is no OpenID one."""
    answer: web.Response | None = None
    """In place of its keys."""
    asked: list[str] = field(default_factory=list)
    """The paths that were asked for."""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        match request.path:
            case "/.well-known/openid-configuration" if self.discovery is not None:
                return web.json_response(self.discovery)
            case "/.well-known/jwks.json" | "/keys":
                if self.answer is not None:
                    return self.answer
                return web.json_response({"keys": [jwk(*each) for each in self.keys.items()]})
            case _:
                raise web.HTTPNotFound

    def fetches(self) -> int:
        """Return how often it was asked for its keys."""
        return sum("openid" not in path for path in self.asked)

    def token(
        self,
        kid: str | None = "rsa",
        algorithm: str = "RS256",
        key: object = None,
        **claims: Json,
    ) -> str:
        """A token that is right but for what is given; None leaves a claim out."""
        right = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "auth0|7",
            "exp": datetime.now(UTC) + timedelta(minutes=5),
            "scope": "read:flows",
        }
        chosen = {name: value for name, value in {**right, **claims}.items() if value is not None}
        headers: Mapping[str, Any] = {} if kid is None else {"kid": kid}
        signing: Any = self.keys[kid or "rsa"] if key is None else key
        return jwt.encode(chosen, signing, algorithm, dict(headers))


@asynccontextmanager
async def issuing() -> AsyncIterator[StandIn]:
    """Serve an issuer on a port of its own."""
    issuer = StandIn()
    app = web.Application()
    app.router.add_get("/{path:.*}", issuer.serve)
    async with TestServer(app) as server:
        issuer.url = str(server.make_url("/")).rstrip("/")
        yield issuer


def forged(header: Json, claims: Json, signature: bytes = b"") -> str:
    """Put a token together that no library would."""
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(jwt.utils.base64url_encode(part).decode() for part in parts)
