from __future__ import annotations

import base64
import hashlib
import hmac

from libs.common.chassis.seal import Keys
from libs.common.chassis.signing import sign, webhook_secrets
from libs.common.secret import Secret

OLD = f"old:{base64.b64encode(bytes(32)).decode()}"
NEW = f"new:{base64.b64encode(bytes(range(32))).decode()}"


def test_a_receiver_finds_the_same_signature_for_each_secret() -> None:
    def right(secret: bytes) -> str:
        return hmac.new(secret, b'1795271830.{"a":1}', hashlib.sha256).hexdigest()

    header = sign((Secret("one"), Secret("two")), 1795271830, b'{"a":1}')
    assert header == f"t=1795271830,v1={right(b'one')},v1={right(b'two')}"


def test_while_keys_are_rotated_there_is_a_secret_of_each_and_the_old_one_stays() -> None:
    (before,) = webhook_secrets(Keys.parse(Secret(OLD)), "acme")
    after = webhook_secrets(Keys.parse(Secret(f"{NEW},{OLD}")), "acme")
    assert len(after) == 2
    assert after[1] == before != after[0]


def test_no_two_tenants_have_the_same_secret() -> None:
    keys = Keys.parse(Secret(OLD))
    assert webhook_secrets(keys, "acme") != webhook_secrets(keys, "globex")
