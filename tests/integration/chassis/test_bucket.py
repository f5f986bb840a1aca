"""The scripts, on each kind of Redis. No test waits for a refill: buckets here refill in days."""

import asyncio

from libs.common.chassis.bucket import Allowance, Bucket, Tokens, give_back, take, tokens
from libs.common.chassis.redis_line.port import RedisLine, Script

SECRET = b"invented"
DAY = 86_400
SMALL = Bucket("small", 3, 1 / DAY)
LARGE = Bucket("large", 10, 1 / DAY)
FAST = Bucket("fast", 2, 1_000_000)
NOW = Script("return tonumber(redis.call('TIME')[1])")


def wish(*wanted: tuple[Bucket, str]) -> Tokens:
    return tokens(SECRET, "acme", wanted)


async def drain(line: RedisLine, wanted: Tokens, times: int) -> list[Allowance]:
    return [await take(line, wanted) for _ in range(times)]


async def test_a_bucket_gives_what_it_holds_and_then_refuses(line: RedisLine) -> None:
    given = await drain(line, wish((SMALL, "a")), 5)
    assert [each.taken for each in given] == [True, True, True, False, False]
    assert [each.remaining for each in given] == [2, 1, 0, 0, 0]
    assert {(each.bucket, each.limit) for each in given} == {("small", 3)}


async def test_who_was_refused_is_told_when_to_come_back(line: RedisLine) -> None:
    *given, refused = await drain(line, wish((SMALL, "a")), 4)
    assert {each.retry_after for each in given} == {0}
    assert DAY - 60 < refused.retry_after <= DAY


async def test_the_reset_is_the_second_in_which_the_bucket_is_full_on_the_clock_of_redis(
    line: RedisLine,
) -> None:
    before = await line.run(NOW, [b"any"])
    first, second, third, refused = await drain(line, wish((SMALL, "a")), 4)
    after = await line.run(NOW, [b"any"])
    assert isinstance(before, int)
    assert isinstance(after, int)
    assert before + DAY <= first.reset_at <= after + DAY + 1
    assert second.reset_at == first.reset_at + DAY
    assert third.reset_at == refused.reset_at == first.reset_at + 2 * DAY


async def test_subjects_do_not_share_a_bucket(line: RedisLine) -> None:
    await drain(line, wish((SMALL, "a")), 3)
    assert (await take(line, wish((SMALL, "b")))).taken


async def test_a_token_of_each_or_of_none(line: RedisLine) -> None:
    both = wish((LARGE, "tenant"), (SMALL, "client"))
    given = await drain(line, both, 6)
    assert [each.taken for each in given] == [True] * 3 + [False] * 3
    assert (await take(line, wish((LARGE, "tenant")))).remaining == 6


async def test_the_tightest_is_who_has_fewest_left_then_who_refuses_longest(
    line: RedisLine,
) -> None:
    slow = Bucket("slow", 1, 1 / (2 * DAY))
    both = wish((LARGE, "tenant"), (SMALL, "client"))
    assert (await take(line, both)).bucket == "small"
    await drain(line, wish((LARGE, "tenant")), 8)
    assert (await take(line, both)).bucket == "large"
    await drain(line, wish((SMALL, "client"), (slow, "client")), 1)
    for order in ((SMALL, slow), (slow, SMALL)):
        refused = await take(line, wish(*((bucket, "client") for bucket in order)))
        assert (refused.taken, refused.bucket) == (False, "slow")


async def test_callers_at_once_get_no_more_than_there_is(line: RedisLine) -> None:
    wanted = wish((LARGE, "a"))
    given = await asyncio.gather(*(take(line, wanted) for _ in range(100)))
    assert sum(each.taken for each in given) == 10


async def test_what_is_given_back_can_be_taken_again(line: RedisLine) -> None:
    wanted = wish((SMALL, "a"), (LARGE, "a"))
    await drain(line, wanted, 4)
    await give_back(line, wanted)
    given = await drain(line, wanted, 2)
    assert [each.taken for each in given] == [True, False]


async def test_giving_back_never_makes_more_than_it_holds(line: RedisLine) -> None:
    wanted = wish((SMALL, "a"))
    for _ in range(5):
        await give_back(line, wanted)
    assert [each.taken for each in await drain(line, wanted, 4)] == [True] * 3 + [False]


async def test_a_full_bucket_leaves_nothing_behind(line: RedisLine) -> None:
    wanted = wish((SMALL, "a"))
    (key,) = wanted.keys
    await take(line, wanted)
    left = await line.execute(b"PTTL", key)
    assert isinstance(left, int)
    assert 0 < left <= DAY * 1000
    await give_back(line, wanted)
    assert await line.execute(b"EXISTS", key) == 0


async def test_a_bucket_that_refills_gives_again(line: RedisLine) -> None:
    # A token a microsecond: less than two calls are apart.
    given = await drain(line, wish((FAST, "a")), 50)
    assert all(each.taken for each in given)
    # Redis keeps the key for up to a millisecond after the bucket is full: it gains nothing by it.
    assert all(each.remaining < FAST.capacity for each in given)


async def test_a_bucket_that_was_made_smaller_is_full_again_no_later_than_its_new_size_says(
    line: RedisLine,
) -> None:
    await drain(line, wish((LARGE, "a")), 10)
    smaller = Bucket("large", 2, 1 / DAY)
    refused = await take(line, wish((smaller, "a")))
    assert not refused.taken
    assert refused.retry_after <= DAY
