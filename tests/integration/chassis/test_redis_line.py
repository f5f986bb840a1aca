"""What every line promises, and what a line to one server does when that server fails."""

import asyncio
import gc
import os
import signal
from typing import Any

import pytest
from redis.exceptions import ResponseError

from deploy.local.ports import LOOPBACK
from deploy.local.server import Server
from libs.common.chassis.redis_line.port import Limits, Part, RedisLine, Script
from libs.common.errors import Unavailable
from tests.integration.chassis.conftest import PATIENT, opened, until_it_answers
from tests.patience import PATIENCE_SECONDS

ECHO = Script("return {KEYS[1], cmsgpack.unpack(ARGV[1])[1]}")
HASTY = Limits(deadline=0.2)


async def test_a_thousand_callers_at_once_each_get_their_own_answer(line: RedisLine) -> None:
    async def call(number: int) -> None:
        key = f"key:{number}"
        await line.execute(b"SET", key, number)
        assert await line.execute(b"GET", key) == str(number).encode()
        assert await line.run(ECHO, [key.encode()], [number]) == [key.encode(), number]

    await asyncio.gather(*(call(number) for number in range(1000)))


async def test_commands_on_one_key_are_carried_out_in_the_order_of_the_calls(
    line: RedisLine,
) -> None:
    answers = [line.execute(b"INCR", "counter") for _ in range(500)]
    assert await asyncio.gather(*answers) == list(range(1, 501))


async def test_the_commands_of_one_tick_leave_in_one_write(redis_server: Server) -> None:
    async with opened(redis_server.url) as line:
        await line.execute(b"EXISTS", "any")
        before = await line.client.info("stats")
        await asyncio.gather(*(line.execute(b"INCR", "counter") for _ in range(200)))
        after = await line.client.info("stats")
    # One read for them and one for the question itself; reads are counted as they come in.
    reads = after["total_reads_processed"] - before["total_reads_processed"]
    assert reads <= 2
    assert after["total_commands_processed"] - before["total_commands_processed"] >= 200


async def test_any_value_comes_back_as_it_went(line: RedisLine) -> None:
    for value in (b"", bytes(range(256)) * 1000, b"\r\n$-1\r\n"):
        await line.execute(b"SET", b"value", value)
        assert await line.execute(b"GET", b"value") == value
    assert await line.execute(b"GET", b"nothing") is None


async def test_the_answer_of_a_caller_who_went_away_is_read_and_dropped(line: RedisLine) -> None:
    await line.execute(b"SET", "a", "mine")
    given_up = line.execute(b"INCR", "counter")
    kept = line.execute(b"GET", "a")
    given_up.cancel()
    assert await kept == b"mine"
    assert await line.execute(b"GET", "counter") == b"1"


async def test_a_call_that_is_cancelled_after_it_was_sent_harms_nobody(line: RedisLine) -> None:
    await line.execute(b"SET", "a", "mine")

    async def impatient() -> None:
        await line.execute(b"GET", "a")

    for _ in range(20):
        task = asyncio.create_task(impatient())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        assert await line.execute(b"INCR", "b") is not None
    assert await line.execute(b"GET", "b") == b"20"


async def test_an_error_reply_reaches_its_caller_alone(line: RedisLine) -> None:
    await line.execute(b"SET", "text", "x")
    wrong = line.execute(b"INCR", "text")
    right = line.execute(b"GET", "text")
    with pytest.raises(ResponseError, match="not an integer"):
        await wrong
    assert await right == b"x"


async def test_a_script_that_the_server_forgot_is_taught_again(line: RedisLine) -> None:
    assert await line.run(ECHO, [b"a"], ["1"]) == [b"a", b"1"]
    await line.client.script_flush()
    answers = await asyncio.gather(*(line.run(ECHO, [b"a"], [n]) for n in range(10)))
    assert answers == [[b"a", n] for n in range(10)]


@pytest.mark.parametrize("size", [0, 1, 31, 32, 255, 256, 65_535, 65_536, 200_000])
async def test_a_script_is_told_bytes_of_any_length(line: RedisLine, size: int) -> None:
    data = (bytes(range(256)) * 800)[:size]
    assert await line.run(ECHO, [b"a"], [data]) == [b"a", data]


async def test_a_script_is_told_texts_and_numbers_and_lists_of_them(line: RedisLine) -> None:
    told: tuple[Part, ...] = ("", "Grüße", 0, -1, 2**53, [1, ["b"]], [])
    said = await line.run(Script("return cmsgpack.unpack(ARGV[1])"), [b"a"], told)
    assert said == [b"", "Grüße".encode(), 0, -1, 2**53, [1, [b"b"]], []]


async def test_a_script_may_have_several_keys_and_tells_yes_from_no(line: RedisLine) -> None:
    script = Script(
        "local yes, no, half = unpack(cmsgpack.unpack(ARGV[1]))"
        "return {#KEYS, KEYS[12], yes == true, no == false, tostring(half)}"
    )
    keys = [f"{{one}}{number}".encode() for number in range(12)]
    said = await line.run(script, keys, (True, False, 0.5))
    assert said == [12, keys[11], 1, 1, b"0.5"]


async def test_an_error_inside_a_script_is_an_error_reply(line: RedisLine) -> None:
    with pytest.raises(ResponseError):
        await line.run(Script("return redis.call('INCR', KEYS[1], 'too many')"), [b"a"])


@pytest.mark.parametrize("name", [b"BLPOP", b"SUBSCRIBE", b"MULTI", b"WATCH", b"SELECT", b"get"])
async def test_what_waits_or_changes_the_connection_does_not_go_by_the_line(
    line: RedisLine, name: bytes
) -> None:
    with pytest.raises(ValueError, match="use its client"):
        line.execute(name, "key")


async def test_every_waiter_is_told_when_the_connection_is_cut(redis_server: Server) -> None:
    async with opened(redis_server.url) as line:
        await line.execute(b"SET", "a", "1")
        # The server does not answer while it sleeps, so all of these are on their way when it ends.
        os.kill(redis_server.process.pid, signal.SIGSTOP)
        waiting = [line.execute(b"GET", "a") for _ in range(100)]
        await asyncio.sleep(0.01)
        await redis_server.process.kill()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        await redis_server.process.start()
        assert [type(answer) for answer in answers] == [Unavailable] * 100
        assert {answer.what for answer in answers if isinstance(answer, Unavailable)} == {"redis"}
        await until_it_answers(line)


async def test_a_second_failure_that_nobody_looks_at_is_not_reported(redis_server: Server) -> None:
    reported: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: reported.append(context))
    async with opened(redis_server.url) as line:
        waiting = [line.execute(b"GET", "a") for _ in range(2)]
    with pytest.raises(Unavailable):
        await waiting.pop()
    waiting.clear()
    gc.collect()
    assert reported == []


async def test_a_connection_that_the_server_closed_is_opened_again(redis_server: Server) -> None:
    async with opened(redis_server.url) as line:
        await line.execute(b"SET", "a", "1")
        await line.client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        await until_it_answers(line)
        assert await line.execute(b"GET", "a") == b"1"


async def test_a_line_outlives_a_restart_of_the_server(redis_server: Server) -> None:
    async with opened(redis_server.url) as line:
        await line.execute(b"SET", "a", "1")
        await redis_server.process.stop()
        with pytest.raises(Unavailable):
            await line.execute(b"GET", "a")
        await redis_server.process.start()
        await until_it_answers(line)
        assert await line.execute(b"GET", "a") is None


async def test_a_master_that_became_a_replica_is_given_up(redis_server: Server) -> None:
    async with opened(redis_server.url) as line:
        await line.execute(b"SET", "a", "1")
        own = await line.client.client_id()
        await line.client.replicaof(LOOPBACK, "1")
        with pytest.raises(Unavailable):
            await line.execute(b"SET", "a", "2")
        await line.client.replicaof("NO", "ONE")
        await until_it_answers(line)
        assert await line.execute(b"SET", "a", "3") == b"OK"
        clients = {int(client["id"]) for client in await line.client.client_list()}
        assert max(clients) > own


async def test_a_master_that_lacks_replicas_is_unavailable_to_writes_alone(
    redis_server: Server,
) -> None:
    async with opened(redis_server.url) as line:
        await line.execute(b"SET", "a", "1")
        await line.client.config_set("min-replicas-to-write", 1)
        try:
            with pytest.raises(Unavailable):
                await line.execute(b"SET", "a", "2")
            with pytest.raises(Unavailable):
                await line.run(Script("return redis.call('SET', KEYS[1], 2)"), [b"a"])
            assert await line.execute(b"GET", "a") == b"1"
        finally:
            await line.client.config_set("min-replicas-to-write", 0)


async def test_a_hung_server_is_unavailable_and_comes_back(redis_server: Server) -> None:
    async with opened(redis_server.url, HASTY) as line:
        await until_it_answers(line)
        os.kill(redis_server.process.pid, signal.SIGSTOP)
        try:
            # A bound for the test, not a measurement: without a deadline this never ends.
            async with asyncio.timeout(PATIENCE_SECONDS):
                for _ in range(3):
                    with pytest.raises(Unavailable):
                        await line.execute(b"GET", "a")
        finally:
            os.kill(redis_server.process.pid, signal.SIGCONT)
        await until_it_answers(line)


async def test_a_server_that_hangs_in_the_handshake_is_unavailable(redis_server: Server) -> None:
    os.kill(redis_server.process.pid, signal.SIGSTOP)
    try:
        async with opened(redis_server.url, HASTY) as line, asyncio.timeout(PATIENCE_SECONDS):
            with pytest.raises(Unavailable):
                await line.execute(b"GET", "a")
    finally:
        os.kill(redis_server.process.pid, signal.SIGCONT)


async def test_more_callers_than_may_wait_are_turned_away_at_once(redis_server: Server) -> None:
    async with opened(redis_server.url, Limits(deadline=PATIENT.deadline, waiting=10)) as line:
        answers = await asyncio.gather(
            *(line.execute(b"INCR", "bounded") for _ in range(25)), return_exceptions=True
        )
        assert [type(answer) for answer in answers] == [int] * 10 + [Unavailable] * 15
        assert isinstance(await line.execute(b"INCR", "bounded"), int)


async def test_a_wrong_password_is_unavailable_and_nowhere_in_the_error(
    redis_server: Server,
) -> None:
    async with opened(f"redis://:wrong-secret@{LOOPBACK}:{redis_server.port}") as line:
        with pytest.raises(Unavailable) as raised:
            await line.execute(b"GET", "a")
        assert "wrong-secret" not in str(raised.value)


async def test_who_still_waits_when_the_line_is_closed_is_told_so(line: RedisLine) -> None:
    await line.execute(b"SET", "a", "1")
    waiting = line.execute(b"GET", "a")
    await line.aclose()
    with pytest.raises(Unavailable):
        await waiting
    with pytest.raises(Unavailable):
        await line.execute(b"GET", "a")
