import json

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from libs.common.flow.model import Json
from services.management.keysets import read_keys

RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()


def jwk(key: object, **fields: Json) -> Json:
    match key:
        case rsa.RSAPrivateKey():
            written = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        case ec.EllipticCurvePrivateKey():
            written = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
        case ed25519.Ed25519PrivateKey() | ed448.Ed448PrivateKey():
            written = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
        case _:
            raise AssertionError(key)
    chosen = {**written, "kid": "a", **fields}
    return {name: value for name, value in chosen.items() if value is not None}


def algorithms(*keys: Json) -> dict[str, set[str]]:
    found = read_keys(json.dumps({"keys": keys}).encode())
    return {id: set(key.algorithms) for id, key in found.items()}


@pytest.mark.parametrize(
    ("key", "verifies"),
    [
        (jwk(RSA), {"RS256", "PS256"}),
        (jwk(RSA, use="sig", alg="RS256"), {"RS256"}),
        (jwk(RSA, alg="PS256"), {"PS256"}),
        (jwk(EC), {"ES256"}),
        (jwk(EC, alg="ES256"), {"ES256"}),
        (jwk(ED), {"EdDSA"}),
    ],
)
def test_a_key_verifies_what_its_type_is_for(key: Json, verifies: set[str]) -> None:
    assert algorithms(key) == {"a": verifies}


@pytest.mark.parametrize(
    "key",
    [
        {"kty": "oct", "kid": "a", "k": "c2VjcmV0", "alg": "HS256"},
        jwk(RSA, alg="HS256"),
        jwk(RSA, alg="ES256"),
        jwk(RSA, alg="RS384"),
        jwk(RSA, alg="none"),
        jwk(RSA, alg=["RS256"]),
        jwk(RSA, use="enc"),
        jwk(RSA, kid=None),
        jwk(RSA, kid=7),
        jwk(RSA, n="AQAB"),
        jwk(RSA, n="!"),
        jwk(RSA, n=None),
        jwk(EC, alg="RS256"),
        jwk(EC, x="AQ"),
        jwk(EC, crv="P-384"),
        jwk(ec.generate_private_key(ec.SECP384R1())),
        jwk(ed448.Ed448PrivateKey.generate()),
        jwk(ED, x="AQ"),
        {"kid": "a"},
        "a",
        None,
    ],
)
def test_a_key_of_another_kind_is_passed_over(key: Json) -> None:
    assert algorithms(key, jwk(ED, kid="b")) == {"b": {"EdDSA"}}


def test_a_short_key_verifies_nothing() -> None:
    short = rsa.generate_private_key(65537, 1024)  # noqa: S505 -- it is to be refused
    assert algorithms(jwk(short)) == {}


def test_of_a_private_key_only_the_public_half_is_read() -> None:
    private = json.loads(RSAAlgorithm.to_jwk(RSA))
    found = read_keys(json.dumps({"keys": [{**private, "kid": "a"}]}).encode())
    assert isinstance(found["a"].key, rsa.RSAPublicKey)


def test_of_two_keys_with_one_id_the_first_stands() -> None:
    assert algorithms(jwk(EC), jwk(ED)) == {"a": {"ES256"}}


@pytest.mark.parametrize("data", [b"", b"<html>", b"[]", b"{}", b'{"keys": {}}', b"\xff"])
def test_what_is_no_set_is_refused(data: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        read_keys(data)
