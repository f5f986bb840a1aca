"""The public keys that an issuer of tokens publishes, as a JWK Set (RFC 7517).

What a key may verify follows from its type, and from its own `alg` where it has one; a token has no
say in it. A secret key, or a public one as the secret of an HMAC, must never verify anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from msgspec import UNSET, UnsetType

PublicKey: TypeAlias = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

_RSA_BITS: Final = range(2048, 8192 + 1)
"""Shorter ones are broken (RFC 7518 3.3), longer ones take long to check."""


class Key(msgspec.Struct, frozen=True):
    """A key, and what it verifies."""

    key: PublicKey
    algorithms: frozenset[str]
    """Names of RFC 7518."""


class _Set(msgspec.Struct, frozen=True):
    keys: tuple[msgspec.Raw, ...]


class _Jwk(msgspec.Struct, frozen=True):
    """What is read of a key (RFC 7517, 4; RFC 7518, 6; RFC 8037, 2): nothing that is private."""

    kid: str
    kty: Literal["RSA", "EC", "OKP"]
    use: Literal["sig"] = "sig"
    alg: str | UnsetType = UNSET
    n: str | UnsetType = UNSET
    e: str | UnsetType = UNSET
    crv: str | UnsetType = UNSET
    x: str | UnsetType = UNSET
    y: str | UnsetType = UNSET


def read_keys(data: bytes) -> Mapping[str, Key]:
    """Read the keys of a set by their ids; raise `ValueError` for what is no set.

    Keys of no id, for another use, or of a kind that is not taken are passed over.
    """
    found: dict[str, Key] = {}
    for raw in msgspec.json.decode(data, type=_Set).keys:
        try:
            written = msgspec.json.decode(raw, type=_Jwk)
            key = _key(written)
        except (msgspec.ValidationError, jwt.PyJWTError):
            continue
        if key.algorithms:
            # Of two with one id the first stands.
            found.setdefault(written.kid, key)
    return found


def _key(written: _Jwk) -> Key:
    # Its own `alg` would choose how the rest is read.
    described = msgspec.to_builtins(msgspec.structs.replace(written, alg=UNSET))
    key = jwt.PyJWK(described).key
    algorithms = _algorithms(key)
    return Key(key, algorithms if written.alg is UNSET else algorithms & {written.alg})


def _algorithms(key: object) -> frozenset[str]:
    match key:
        case rsa.RSAPublicKey() if key.key_size in _RSA_BITS:
            return frozenset({"RS256", "PS256"})
        case ec.EllipticCurvePublicKey(curve=ec.SECP256R1()):
            return frozenset({"ES256"})
        case ed25519.Ed25519PublicKey():
            return frozenset({"EdDSA"})
        case _:
            return frozenset()
