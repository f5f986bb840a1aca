import pytest
from redis.crc import key_slot

from libs.common.chassis.bucket import Allowance, Bucket, allowance, headers, tokens

SECRET = b"invented"
TENANT = Bucket("tenant", 50, 50 / 60)
CLIENT = Bucket("client", 10, 0.5)


def test_all_buckets_of_a_tenant_are_in_one_slot() -> None:
    wanted = tokens(SECRET, "acme", [(TENANT, ""), (CLIENT, "192.0.2.7"), (CLIENT, "192.0.2.8")])
    assert len({key_slot(key) for key in wanted.keys}) == 1
    assert len(set(wanted.keys)) == 3


def test_a_subject_is_not_readable_in_its_key_and_hidden_otherwise_by_each_secret() -> None:
    (key,) = tokens(SECRET, "acme", [(CLIENT, "192.0.2.7")]).keys
    (other,) = tokens(b"another", "acme", [(CLIENT, "192.0.2.7")]).keys
    assert key.startswith(b"gh:bucket:{acme}:client:")
    assert b"192.0.2.7" not in key
    assert key != other


def test_tenants_do_not_share_a_bucket() -> None:
    one, other = (tokens(SECRET, tenant, [(CLIENT, "a")]) for tenant in ("acme", "umbrella"))
    assert one.keys != other.keys


def test_the_script_is_told_the_capacity_and_the_microseconds_a_token_takes() -> None:
    wanted = tokens(SECRET, "acme", [(TENANT, ""), (CLIENT, "a")])
    assert wanted.args == (50, 1_200_000, 10, 2_000_000)


def test_the_reply_is_told_of_the_tightest_bucket() -> None:
    wanted = tokens(SECRET, "acme", [(TENANT, ""), (CLIENT, "a")])
    assert allowance(wanted, [0, 1, 0, 1_700_000_000, 1_500_000]) == Allowance(
        taken=False,
        bucket="client",
        limit=10,
        remaining=0,
        reset_at=1_700_000_000,
        retry_after=1.5,
    )


def test_headers_of_what_was_given_say_nothing_of_retrying() -> None:
    given = Allowance(True, "client", 10, 9, 1_700_000_000, 0)
    assert headers(given) == {
        "X-RateLimit-Limit": "10",
        "X-RateLimit-Remaining": "9",
        "X-RateLimit-Reset": "1700000000",
    }


def test_a_refusal_rounds_up_the_seconds_to_wait() -> None:
    refused = Allowance(False, "client", 10, 0, 1_700_000_000, 0.001)
    assert headers(refused)["Retry-After"] == "1"


@pytest.mark.parametrize(("capacity", "refill"), [(0, 1.0), (1, 0.0), (1, -1.0), (1, float("nan"))])
def test_a_bucket_that_lets_nobody_through_is_refused(capacity: int, refill: float) -> None:
    with pytest.raises(ValueError, match="must hold a token"):
        Bucket("closed", capacity, refill)
