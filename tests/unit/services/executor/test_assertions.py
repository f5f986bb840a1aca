from __future__ import annotations

import base64
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from libs.common.errors import Unauthenticated
from libs.common.flow.turn import Facts
from libs.common.secret import Secret
from services.executor.assertions import Assertions, KeySet

OLD, NEW = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
NOW = 1_700_000_000


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(key: ec.EllipticCurvePrivateKey) -> str:
    public = key.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def assertions(keys: KeySet) -> Assertions:
    return Assertions(
        keys, lambda: NOW + 0.5, issuer="https://id.example/", audience="app", lifetime=60
    )


def verified(token: str, keys: KeySet) -> dict[str, object]:
    published = jwt.PyJWKSet.from_json(keys.jwks.decode())
    kid = jwt.get_unverified_header(token)["kid"]
    claims: dict[str, object] = jwt.decode(
        token,
        published[kid],
        algorithms=["ES256"],
        audience="app",
        options={"verify_exp": False},
    )
    return claims


def test_an_assertion_says_who_how_and_until_when() -> None:
    keys = KeySet.parse(Secret(pem(OLD)))
    facts = Facts(account="sasha", proved=("pwd", "otp"))
    claims = verified(assertions(keys).sign("default", "0f", facts, NOW - 30), keys)
    assert claims.pop("jti")
    assert claims == {
        "iss": "https://id.example",
        "aud": "app",
        "sub": "sasha",
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + 60,
        "auth_time": NOW - 30,
        "sid": "0f",
        "amr": ["pwd", "otp"],
        "acr": "aal2",
    }


def test_another_tenant_has_another_issuer() -> None:
    keys = KeySet.parse(Secret(pem(OLD)))
    token = assertions(keys).sign("acme", "session", Facts(account="sasha", proved=("pwd",)), NOW)
    claims = verified(token, keys)
    assert (claims["iss"], claims["acr"]) == ("https://id.example/t/acme", "aal1")


def test_a_key_is_known_before_it_signs_and_after() -> None:
    first, last = Secret(pem(OLD) + pem(NEW)), Secret(pem(NEW) + public_pem(OLD))
    before, after = KeySet.parse(first), KeySet.parse(last)
    facts = Facts(account="sasha")
    old_token = assertions(before).sign("default", "s", facts, NOW)
    new_token = assertions(after).sign("default", "s", facts, NOW)
    for keys in (before, after):
        for token in (old_token, new_token):
            assert verified(token, keys)["sub"] == "sasha"
    kids = [jwt.get_unverified_header(token)["kid"] for token in (old_token, new_token)]
    assert kids[0] != kids[1]


def test_nothing_private_is_published() -> None:
    (published,) = json.loads(KeySet.parse(Secret(pem(OLD))).jwks)["keys"]
    assert published.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}


def test_a_jwks_is_read_as_well() -> None:
    jwk = jwt.algorithms.ECAlgorithm.to_jwk(OLD)
    keys = KeySet.parse(Secret(json.dumps({"keys": [json.loads(jwk)]})))
    assert keys.kid == KeySet.parse(Secret(pem(OLD))).kid


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        '{"keys": []}',
        '{"keys": [{"kty": "EC"}]}',
        public_pem(OLD),
        pem(rsa.generate_private_key(65537, 2048)),
        pem(ec.generate_private_key(ec.SECP384R1())),
        pem(OLD).replace("M", "?"),
    ],
)
def test_what_cannot_sign_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(holds|is) [a-z ]+") as refused:
        KeySet.parse(Secret(text))
    assert not text or text not in str(refused.value)


ALL = KeySet.parse(Secret(pem(NEW) + public_pem(OLD)))
ANNE = Facts(account="anne", proved=("pwd",))


def ours(keys: KeySet = ALL, *, seconds_ago: float = 0, audience: str = "app") -> Assertions:
    return Assertions(
        keys,
        lambda: time.time() - seconds_ago,
        issuer="https://id.example",
        audience=audience,
        lifetime=60,
    )


def forged(**changed: object) -> str:
    """Sign with our own key what we would not say."""
    now = int(time.time())
    claims = {
        "iss": "https://id.example",
        "aud": "app",
        "sub": "anne",
        "iat": now,
        "nbf": now,
        "exp": now + 3_600,
        "jti": "7",
        "sid": "0f",
    } | changed
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, NEW, algorithm="ES256", headers={"kid": ALL.kid})


def test_what_we_assert_we_believe_whichever_of_our_keys_signed_it() -> None:
    before = KeySet.parse(Secret(pem(OLD) + pem(NEW)))
    for keys in (before, ALL):
        token = ours(keys).sign("default", "session", ANNE, NOW)
        assert ours().verify("default", Secret(token)).sub == "anne"


@pytest.mark.parametrize("tenant", ["default", "acme"])
def test_an_assertion_is_good_in_its_own_tenant(tenant: str) -> None:
    token = Secret(ours().sign(tenant, "session", ANNE, NOW))
    assert ours().verify(tenant, token).sub == "anne"
    with pytest.raises(Unauthenticated):
        ours().verify("elsewhere", token)


def test_the_forger_of_these_tests_forges_nothing_unless_told() -> None:
    assert ours().verify("default", Secret(forged())).sub == "anne"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "nonsense",
        "a.b.c",
        "[" * 8_000,
        base64.urlsafe_b64encode(b'{"a":' + b"[" * 6_000).decode() + ".e30.e30",
        base64.urlsafe_b64encode(b'{"alg":"ES256","kid":["a"]}').decode() + ".e30.e30",
        "\ud800.\ud800.\ud800",
        forged()[:-4] + "AAAA",
        forged(nbf=int(time.time()) + 3600),
        forged(exp=None),
        forged(exp="soon"),
        forged(jti=None),
        forged(sid=None),
        forged(sid=7),
        forged(nbf=None),
        forged(sub=None),
        forged(sub=7),
        forged(aud="another"),
        forged(aud=None),
        forged(iss=None),
        forged(iss="https://id.example/t/acme"),
        jwt.encode({"sub": "anne"}, "x" * 32, algorithm="HS256", headers={"kid": ALL.kid}),
        jwt.encode({"sub": "anne"}, "", algorithm="none", headers={"kid": ALL.kid}),
        jwt.encode({"sub": "anne"}, NEW, algorithm="ES256"),
        jwt.encode({"sub": "anne"}, NEW, algorithm="ES256", headers={"kid": "another"}),
    ],
)
def test_what_we_did_not_assert_now_is_refused_without_a_reason(token: str) -> None:
    with pytest.raises(Unauthenticated, match=r"^the bearer is not valid$"):
        ours().verify("default", Secret(token))


def test_a_strangers_key_under_our_keys_name_is_refused() -> None:
    stranger = KeySet.parse(Secret(pem(ec.generate_private_key(ec.SECP256R1()))))
    stranger.kid = ALL.kid
    token = ours(stranger).sign("default", "session", ANNE, NOW)
    with pytest.raises(Unauthenticated):
        ours().verify("default", Secret(token))


def test_an_assertion_is_late_once_it_has_lasted_as_long_as_it_says() -> None:
    for ago, late in ((30, False), (90, True)):
        token = Secret(ours(seconds_ago=ago).sign("default", "0f", ANNE, NOW))
        asserted = ours().verify("default", token)
        assert (asserted.sub, asserted.sid, asserted.late) == ("anne", "0f", late)


def test_nobody_makes_an_assertion_late_by_saying_so() -> None:
    assert not ours().verify("default", Secret(forged(late=True))).late


@pytest.mark.parametrize(
    ("proved", "acr"),
    [
        ((), "0"),
        (("user",), "0"),
        (("pwd",), "aal1"),
        (("pwd", "pin"), "aal1"),
        (("pwd", "otp"), "aal2"),
        (("hwk", "user", "mfa"), "aal2"),
    ],
)
def test_acr_says_how_many_factors_were_proved(proved: tuple[str, ...], acr: str) -> None:
    keys = KeySet.parse(Secret(pem(OLD)))
    facts = Facts(account="sasha", proved=proved, created=True)
    claims = verified(assertions(keys).sign("default", "0f", facts, NOW - 30), keys)
    assert (claims["amr"], claims["acr"]) == (list(proved), acr)
