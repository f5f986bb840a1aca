"""Signs what the executor asserts of a user: a short-lived JWT that anybody can check, we as well.

ES256 (RFC 7518). A key is rotated in by adding it at the end, so that all verifiers know it before
it signs; then by moving it to the front; and taken out when the last assertion of it has expired.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_pem_public_key,
)
from jwt.algorithms import ECAlgorithm

from libs.common.errors import Unauthenticated
from libs.common.flow.proof import level_of
from libs.common.flow.turn import Facts
from libs.common.secret import Secret

DEFAULT_TENANT: Final = "default"

_ALGORITHM: Final = "ES256"
_CLAIMS: Final = ["iss", "aud", "sub", "iat", "nbf", "exp", "jti", "sid"]
NOT_VALID: Final = "the bearer is not valid"
"""What is told of a bearer that proves nothing, whatever is wrong with it."""
_BROKEN: Final = (KeyError, ValueError, RecursionError)
"""What else PyJWT raises: `RecursionError` for a head of nothing but brackets."""
_CLOCKS_APART: Final = 5.0
"""Seconds that the clocks of two executors may differ."""
_PEM: Final = re.compile(
    r"-----BEGIN (?P<kind>[A-Z ]*(?:PRIVATE|PUBLIC) KEY)-----.*?-----END (?P=kind)-----", re.DOTALL
)


class KeySet:
    """The signing key, and all that are published."""

    def __init__(self, keys: list[ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey]) -> None:
        """Sign with the first private key; raise `ValueError` where there is none."""
        private = [key for key in keys if isinstance(key, ec.EllipticCurvePrivateKey)]
        if not private:
            raise ValueError("holds no private key")
        if any(not isinstance(key.curve, ec.SECP256R1) for key in keys):
            raise ValueError("holds a key that is not on the curve P-256")
        self.signing = private[0]
        published = [_public_jwk(key) for key in keys]
        self.kid = published[keys.index(self.signing)]["kid"]
        self.jwks: Final = msgspec.json.encode({"keys": published})
        """The published set, as JSON (RFC 7517)."""
        self.public: Final[Mapping[str, ec.EllipticCurvePublicKey]] = {
            jwk["kid"]: _public(key) for jwk, key in zip(published, keys, strict=True)
        }
        """Each published key by its id."""

    @classmethod
    def parse(cls, text: Secret) -> KeySet:
        """Read PEM blocks or a JWKS; raise `ValueError`, which quotes nothing of them."""
        value = text.reveal()
        try:
            if value.lstrip().startswith("{"):
                jwks = json.loads(value)["keys"]
                keys = [ECAlgorithm.from_jwk(jwk) for jwk in jwks]
            else:
                keys = [_from_pem(block[0], block["kind"]) for block in _PEM.finditer(value)]
        except (ValueError, KeyError, TypeError, jwt.InvalidKeyError) as error:
            raise ValueError(f"is no set of keys ({type(error).__name__})") from None
        return cls(keys)


class Asserted(msgspec.Struct, frozen=True):
    """What an assertion of ours says, by the names of its claims."""

    iss: str
    aud: str
    sub: str
    iat: int
    nbf: int
    exp: int
    jti: str
    sid: str
    late: bool = False
    """It has expired."""


class Assertions:
    """Signs assertions in the name of `issuer`."""

    def __init__(
        self,
        keys: KeySet,
        clock: Callable[[], float],
        *,
        issuer: str,
        audience: str,
        lifetime: int,
    ) -> None:
        """Let an assertion be good for `lifetime` seconds."""
        self._keys = keys
        self._clock = clock
        self._issuer = issuer.rstrip("/")
        self._audience = audience
        self._lifetime = lifetime

    def issuer(self, tenant: str) -> str:
        """Say who asserts for `tenant`."""
        return issuer_of(self._issuer, tenant)

    def sign(self, tenant: str, sid: str, facts: Facts, since: int) -> str:
        """Assert that `facts.account` has signed in, as `sid`, and how they proved it `since`."""
        now = int(self._clock())
        claims: dict[str, Any] = {
            "iss": self.issuer(tenant),
            "aud": self._audience,
            "sub": facts.account,
            "iat": now,
            "nbf": now,
            "exp": now + self._lifetime,
            "jti": str(uuid.uuid4()),
            "auth_time": since,
            "amr": list(facts.proved),
            "acr": level_of(facts.proved),
            "sid": sid,
        }
        return jwt.encode(
            claims, self._keys.signing, algorithm=_ALGORITHM, headers={"kid": self._keys.kid}
        )

    def verify(self, tenant: str, token: Secret) -> Asserted:
        """Return what `token` asserts in `tenant`; raise `Unauthenticated` if nothing.

        It may be `late`: what it asserted has to be known otherwise to be so still.
        """
        try:
            shown = token.reveal()
            claims = jwt.decode(
                shown,
                self._keys.public[jwt.get_unverified_header(shown)["kid"]],
                algorithms=[_ALGORITHM],
                issuer=self.issuer(tenant),
                audience=self._audience,
                leeway=_CLOCKS_APART,
                options={"require": _CLAIMS, "verify_exp": False},
            )
            asserted = msgspec.convert(claims, Asserted)
        except (jwt.InvalidTokenError, msgspec.ValidationError, *_BROKEN) as error:
            # What is wrong with it is not told.
            raise Unauthenticated(NOT_VALID) from error
        late = asserted.exp <= self._clock() - _CLOCKS_APART
        return msgspec.structs.replace(asserted, late=late)


def issuer_of(issuer: str, tenant: str) -> str:
    """Say who asserts for `tenant`."""
    return issuer if tenant == DEFAULT_TENANT else f"{issuer}/t/{tenant}"


def _from_pem(block: str, kind: str) -> ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey:
    load = load_pem_public_key if "PUBLIC" in kind else _load_private
    key = load(block.encode())
    if not isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey):
        raise TypeError("not an elliptic curve")
    return key


def _load_private(data: bytes) -> PrivateKeyTypes:
    return load_pem_private_key(data, password=None)


def _public(
    key: ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey,
) -> ec.EllipticCurvePublicKey:
    return key.public_key() if isinstance(key, ec.EllipticCurvePrivateKey) else key


def _public_jwk(key: ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) -> dict[str, str]:
    jwk = ECAlgorithm.to_jwk(_public(key), as_dict=True)
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    # RFC 7638: the same key has the same id wherever it is loaded, with nobody naming it.
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True)
    thumbprint = hashlib.sha256(canonical.encode()).digest()
    kid = jwt.utils.base64url_encode(thumbprint).decode()
    return {**members, "kid": kid, "use": "sig", "alg": _ALGORITHM}
