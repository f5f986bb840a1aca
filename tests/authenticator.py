"""An authenticator in software, which answers as it is told to: also in ways that no browser would.

What real ones answer is tested in a real browser, under `tests/browser`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, BACKUP_ELIGIBLE, ATTESTED = 0x01, 0x04, 0x08, 0x40
_NO_MAKE = bytes(15) + b"\x01"


class Authenticator:
    """One passkey, of the curve P-256."""

    def __init__(self, origin: str, *, flags: int = PRESENT | VERIFIED) -> None:
        """Be used on a page of `origin`, and set `flags` in all that is signed."""
        self.origin = origin
        self.flags = flags
        self.count = 0
        self.id = secrets.token_bytes(32)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.handle = b""

    def make(self, options: Mapping[str, Any], **client: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Answer creation options; `client` changes what is said of the page."""
        self.handle = _bytes(options["user"]["id"])
        data = self._client_data("webauthn.create", options, client)
        attested = _NO_MAKE + len(self.id).to_bytes(2, "big") + self.id + self._public_key()
        signed = self._data(client.get("site", options["rp"]["id"]), ATTESTED) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": signed})
        response = {"clientDataJSON": _text(data), "attestationObject": _text(attestation)}
        return self._credential({**response, "transports": ["internal", "teleport"]})

    def show(self, options: Mapping[str, Any], **client: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Answer request options; `client` changes what is said of the page."""
        self.count += 1 if self.count else 0
        data = self._client_data("webauthn.get", options, client)
        signed = self._data(client.get("site", options["rpId"]), 0)
        message = signed + hashlib.sha256(data).digest()
        response = {
            "clientDataJSON": _text(data),
            "authenticatorData": _text(signed),
            "signature": _text(self._key.sign(message, ec.ECDSA(hashes.SHA256()))),
            "userHandle": _text(self.handle),
        }
        return self._credential(response)

    def _client_data(
        self, kind: str, options: Mapping[str, Any], client: Mapping[str, Any]
    ) -> bytes:
        said = {"type": kind, "challenge": options["challenge"], "origin": self.origin}
        told = {name: value for name, value in client.items() if name != "site"}
        return json.dumps({**said, "crossOrigin": False, **told}).encode()

    def _data(self, site: str, flags: int) -> bytes:
        site_hash = hashlib.sha256(site.encode()).digest()
        return site_hash + bytes([self.flags | flags]) + self.count.to_bytes(4, "big")

    def _public_key(self) -> bytes:
        numbers = self._key.public_key().public_numbers()
        x, y = (number.to_bytes(32, "big") for number in (numbers.x, numbers.y))
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        name = _text(self.id)
        return {"id": name, "rawId": name, "type": "public-key", "response": response}


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
