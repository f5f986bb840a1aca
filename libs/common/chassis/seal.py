"""Seals what is stored, so that whoever reads Redis, PostgreSQL or a backup learns nothing.

AES-256-GCM. The associated data names the purpose, the tenant and the thing, so that nothing
sealed for one can be passed off as another's. What seals is derived from a deployment key and a
salt that each process draws for itself, and anew long before its random nonces could repeat: with
one key for all they would after 2^32 turns (NIST SP 800-38D, 8.3), which a busy deployment makes in
days.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from libs.common.secret import Secret

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_DIGEST_BYTES: Final = 16
_LONGEST_ID: Final = 32
_BOX: Final = b"gatehouse box"
_SALT_BYTES: Final = 16
_SEALED_MOST: Final = 2**24
"""What is sealed under one salt."""
_CIPHERS_KEPT: Final = 1_000
"""Ciphers kept ready: of the salts of so many processes, each of which seals what any may open."""


class Unsealable(Exception):
    """What is stored was sealed with no key of this deployment, for another use, or changed."""


class Keys:
    """The deployment's keys for one use: the first seals, all open.

    A key is rotated in by adding it at the end, and after a roll-out, moving it to the front; it
    is taken out when all that it sealed has expired.
    """

    __slots__ = ("_hashers", "_left", "_sealing", "cipher", "first", "secrets")

    def __init__(self, secrets: Mapping[bytes, bytes]) -> None:
        """Take at least one key of 32 bytes by its id, the sealing one first."""
        self.secrets = secrets
        self.first = next(iter(secrets))
        self._hashers: dict[bytes, tuple[hashlib.blake2b, ...]] = {}
        self._left = 0
        self._sealing: tuple[bytes, AESGCM]
        self.cipher = lru_cache(_CIPHERS_KEPT)(self._make_cipher)
        """Takes what something sealed begins with: the length of a key's id, the id, a salt. Raises
        `Unsealable` where there is no such key."""

    @classmethod
    def parse(cls, text: Secret) -> Keys:
        """Read `id:base64,id:base64,...`; raise `ValueError`, which quotes no key."""
        secrets: dict[bytes, bytes] = {}
        for entry in text.reveal().split(","):
            name, colon, encoded = entry.strip().partition(":")
            if not colon or not name.isascii() or not name.isalnum() or len(name) > _LONGEST_ID:
                raise ValueError("is a list of id:base64, with letters and digits in the id")
            try:
                key = base64.b64decode(encoded, validate=True)
            except binascii.Error:
                raise ValueError(f"has a key `{name}` that is not base64") from None
            if len(key) != _KEY_BYTES:
                raise ValueError(f"has a key `{name}` of {len(key)} bytes; it needs {_KEY_BYTES}")
            if name.encode() in secrets:
                raise ValueError(f"has two keys called `{name}`")
            secrets[name.encode()] = key
        return cls(secrets)

    def digests(self, purpose: bytes, data: bytes) -> list[bytes]:
        """Digest `data` under each key, the first key's first: to compare, without storing it."""
        hashers = self._hashers.get(purpose)
        if hashers is None:
            hashers = tuple(
                hashlib.blake2b(key=key, person=purpose, digest_size=_KEY_BYTES)
                for key in self.secrets.values()
            )
            self._hashers[purpose] = hashers
        digests = []
        for hasher in hashers:
            # A copy of a keyed hasher costs a third of a new one.
            copy = hasher.copy()
            copy.update(data)
            digests.append(copy.digest()[:_DIGEST_BYTES])
        return digests

    def derive(self, purpose: bytes) -> bytes:
        """Derive a key from the first, for what need not outlive a rotation."""
        return hashlib.blake2b(purpose, key=self.secrets[self.first], person=b"derive").digest()

    def sealing(self, things: int = 1) -> tuple[bytes, AESGCM]:
        """Return what seals the next thing: the key's id and the salt as stored, and the cipher."""
        if self._left < things:
            begin = bytes((len(self.first),)) + self.first + os.urandom(_SALT_BYTES)
            self._sealing, self._left = (begin, self.cipher(begin)), _SEALED_MOST
        self._left -= things
        return self._sealing

    def _make_cipher(self, begin: bytes) -> AESGCM:
        salted = 1 + begin[0] if begin else 0
        secret = self.secrets.get(begin[1:salted])
        if secret is None:
            raise Unsealable("sealed with a key that this deployment does not have")
        key = hashlib.blake2b(begin[salted:], key=secret, person=_BOX, digest_size=_KEY_BYTES)
        return AESGCM(key.digest())

    def box(self, tenant: str, thing: str) -> Box:
        """Return what seals and opens for `thing` of `tenant`."""
        return Box(self, f"{tenant}\0{thing}".encode())


class Box:
    """Seals and opens what belongs to one thing, such as one session."""

    __slots__ = ("_keys", "_owner")

    def __init__(self, keys: Keys, owner: bytes) -> None:
        """Belong to `owner`, which is public."""
        self._keys = keys
        self._owner = b"\0" + owner

    def seal(self, purpose: bytes, data: bytes) -> bytes:
        """Seal `data` for `purpose`: the key's id, the salt, a nonce, and what is sealed."""
        begin, cipher = self._keys.sealing()
        nonce = os.urandom(_NONCE_BYTES)
        return b"".join((begin, nonce, cipher.encrypt(nonce, data, purpose + self._owner)))

    def seal_both(
        self, purpose: bytes, data: bytes, other_purpose: bytes, other_data: bytes
    ) -> tuple[bytes, bytes]:
        """Seal two things, for less than twice what one costs."""
        begin, cipher = self._keys.sealing(2)
        nonces = os.urandom(2 * _NONCE_BYTES)
        nonce, other_nonce = nonces[:_NONCE_BYTES], nonces[_NONCE_BYTES:]
        sealed = cipher.encrypt(nonce, data, purpose + self._owner)
        other = cipher.encrypt(other_nonce, other_data, other_purpose + self._owner)
        return b"".join((begin, nonce, sealed)), b"".join((begin, other_nonce, other))

    def open(self, purpose: bytes, sealed: bytes) -> bytes:
        """Return what was sealed for `purpose`, or raise `Unsealable`."""
        begins = 1 + sealed[0] + _SALT_BYTES if sealed else 0
        rest = begins + _NONCE_BYTES
        cipher = self._keys.cipher(sealed[:begins])
        try:
            return cipher.decrypt(sealed[begins:rest], sealed[rest:], purpose + self._owner)
        except (InvalidTag, ValueError):  # ValueError: cut short within the nonce
            raise Unsealable("sealed for another use, or changed since") from None
