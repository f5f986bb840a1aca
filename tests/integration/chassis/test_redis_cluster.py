"""What a line to a cluster does while slots move and nodes come and go."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.cluster import NodesManager
from redis.crc import key_slot
from redis.exceptions import ResponseError

from deploy.local.ports import LOOPBACK
from deploy.local.server import Server
from deploy.local.valkey import start_valkey, start_valkey_cluster
from libs.common.chassis.redis_line.port import RedisLine
from libs.common.errors import Unavailable
from tests.integration.chassis.conftest import cluster_url, opened, until_it_answers
from tests.patience import PATIENCE_SECONDS, until

TAG = "{moving}"
SLOT = key_slot(TAG.encode())


async def say(client: Redis, *words: str | int) -> object:
    answer: object = await client.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py's
    return answer


class Node:
    """One node, spoken to behind the line's back."""

    def __init__(self, url: str) -> None:
        self.client = Redis.from_url(url, decode_responses=True)
        self.id = ""

    async def cluster(self, *words: str | int) -> str:
        return str(await say(self.client, "CLUSTER", *words))

    async def knows(self, id: str) -> bool:
        return id in await self.cluster("NODES")

    async def has_a_key_of_its_master(self) -> bool:
        info = await self.client.info("replication")
        return info["master_link_status"] == "up" and await self.client.dbsize() == 1


@pytest.fixture
async def owners(
    redis_cluster: tuple[Server, ...], redis_cluster_url: str
) -> AsyncIterator[tuple[Node, Node]]:
    """Who owns SLOT, and somebody else; put back in the end."""
    nodes = [Node(server.url) for server in redis_cluster]
    for node in nodes:
        node.id = await node.cluster("MYID")
    owner = nodes[SLOT * len(nodes) // 16384]
    other = next(node for node in nodes if node is not owner)
    yield owner, other
    for node in (owner, other):
        await node.client.flushall()
    await give(owner, nodes)
    for node in nodes:
        await node.client.aclose()


async def give(owner: Node, nodes: list[Node]) -> None:
    # The new owner first: a node that has keys of a slot does not give it away. And as an import
    # that ends, which makes its word the last one: else it would believe the one before, who may
    # still call the slot its own.
    await begin_to_import(next(node for node in nodes if node is not owner), owner)
    for node in sorted(nodes, key=lambda node: node is not owner):
        await node.cluster("SETSLOT", SLOT, "NODE", owner.id)


async def begin_to_import(source: Node, target: Node) -> None:
    # Refused where it is the target's already.
    with suppress(ResponseError):
        await target.cluster("SETSLOT", SLOT, "IMPORTING", source.id)


async def begin_to_move(source: Node, target: Node) -> None:
    await begin_to_import(source, target)
    await source.cluster("SETSLOT", SLOT, "MIGRATING", target.id)


async def move_key(source: Node, target: Node, key: str, password: str) -> None:
    port = target.client.connection_pool.connection_kwargs["port"]
    await say(source.client, "MIGRATE", LOOPBACK, port, key, 0, 5000, "AUTH", password)


@pytest.fixture
async def line(
    redis_cluster: tuple[Server, ...], redis_cluster_url: str
) -> AsyncIterator[RedisLine]:
    async with opened(cluster_url(redis_cluster)) as line:
        yield line


async def test_many_keys_in_many_slots_in_one_tick_all_find_their_node(line: RedisLine) -> None:
    keys = [f"key:{number}" for number in range(1000)]
    await asyncio.gather(*(line.execute(b"SET", key, key) for key in keys))
    assert await asyncio.gather(*(line.execute(b"GET", key) for key in keys)) == [
        key.encode() for key in keys
    ]


async def test_any_one_node_is_enough_to_find_the_cluster(
    redis_cluster: tuple[Server, ...], redis_cluster_url: str
) -> None:
    for node in redis_cluster:
        async with opened(cluster_url((node,))) as line:
            await asyncio.gather(*(line.execute(b"SET", f"key:{n}", n) for n in range(20)))


async def test_a_slot_that_has_moved_is_followed(
    line: RedisLine, owners: tuple[Node, Node]
) -> None:
    owner, other = owners
    await line.execute(b"SET", TAG, "before")
    await owner.client.delete(TAG)
    await give(other, [owner, other])
    await asyncio.gather(*(line.execute(b"INCR", f"{TAG}:{n % 5}") for n in range(500)))
    assert await other.client.mget([f"{TAG}:{n}" for n in range(5)]) == ["100"] * 5


async def test_a_slot_is_followed_before_the_other_nodes_have_heard_that_it_moved(
    line: RedisLine, owners: tuple[Node, Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, other = owners
    await line.execute(b"EXISTS", TAG)
    await give(other, [owner, other])

    async def read_the_old_map_again(_self: NodesManager, **_: object) -> None:
        """Change nothing."""

    monkeypatch.setattr(NodesManager, "initialize", read_the_old_map_again)
    assert await line.execute(b"INCR", TAG) == 1


async def test_a_key_that_is_already_at_the_new_owner_is_asked_for_there(
    line: RedisLine, owners: tuple[Node, Node], servers_password: str
) -> None:
    owner, other = owners
    await line.execute(b"SET", f"{TAG}:gone", "there")
    await line.execute(b"SET", f"{TAG}:left", "here")
    await begin_to_move(owner, other)
    await move_key(owner, other, f"{TAG}:gone", servers_password)
    answers = await asyncio.gather(
        *(line.execute(b"GET", f"{TAG}:{name}") for name in ("gone", "left", "gone"))
    )
    assert answers == [b"there", b"here", b"there"]


async def test_keys_half_way_between_two_owners_are_waited_for(
    line: RedisLine, owners: tuple[Node, Node], servers_password: str
) -> None:
    owner, other = owners
    keys = [f"{TAG}:1", f"{TAG}:2"]
    for key in keys:
        await line.execute(b"SET", key, key)
    await begin_to_move(owner, other)
    await move_key(owner, other, keys[0], servers_password)
    waiting = line.execute(b"MGET", keys[0], keys[1])
    before = await owner.client.info("errorstats")

    async def was_told_to_try_again() -> bool:
        return before != await owner.client.info("errorstats")

    await until(was_told_to_try_again)
    await move_key(owner, other, keys[1], servers_password)
    await give(other, [owner, other])
    assert await waiting == [key.encode() for key in keys]


async def test_a_slot_that_stays_torn_is_unavailable(
    redis_cluster: tuple[Server, ...], owners: tuple[Node, Node], servers_password: str
) -> None:
    owner, other = owners
    async with opened(cluster_url(redis_cluster)) as line:
        for name in ("1", "2"):
            await line.execute(b"SET", f"{TAG}:{name}", name)
        await begin_to_move(owner, other)
        await move_key(owner, other, f"{TAG}:1", servers_password)
        with pytest.raises(Unavailable):
            # A bound for the test: without one on the tries, this never ends.
            async with asyncio.timeout(PATIENCE_SECONDS):
                await line.execute(b"MGET", f"{TAG}:1", f"{TAG}:2")


async def test_no_node_at_all_is_unavailable() -> None:
    async with opened(f"redis+cluster://{LOOPBACK}:1,{LOOPBACK}:2") as line:
        with pytest.raises(Unavailable):
            await line.execute(b"GET", "a")


@pytest.fixture
async def replicated(
    servers_password: str, tmp_path: Path
) -> AsyncIterator[tuple[tuple[Server, ...], Server, Node]]:
    """A cluster of this test's own, and which of its nodes, the owner of SLOT, has a replica."""
    settings: dict[str, Any] = {"password": servers_password, "log": tmp_path / "log"}
    async with AsyncExitStack() as end:
        servers = await start_valkey_cluster(tmp_path, **settings)
        data = tmp_path / "replica"
        spare = await start_valkey(data, **settings, durable=False, cluster=True)
        for server in (*servers, spare):
            end.push_async_callback(server.process.stop)
        owner = servers[SLOT * len(servers) // 16384]
        master, replica = Node(owner.url), Node(spare.url)
        for node in (master, replica):
            end.push_async_callback(node.client.aclose)
        master.id = await master.cluster("MYID")
        await replica.client.config_set("masterauth", servers_password)
        bus = (await master.client.config_get("cluster-port"))["cluster-port"]
        await replica.cluster("MEET", LOOPBACK, owner.port, str(bus))
        await until(lambda: replica.knows(master.id))
        await master.client.config_set("repl-diskless-sync-delay", "0")
        await replica.cluster("REPLICATE", master.id)
        yield servers, owner, replica


async def test_a_dead_node_is_unavailable_until_its_replica_has_taken_over(
    replicated: tuple[tuple[Server, ...], Server, Node],
) -> None:
    servers, master, replica = replicated
    async with opened(cluster_url(servers)) as line:
        await line.execute(b"SET", TAG, "kept")
        await until(replica.has_a_key_of_its_master)
        await master.process.kill()
        with pytest.raises(Unavailable):
            await line.execute(b"GET", TAG)
        await replica.cluster("FAILOVER", "TAKEOVER")
        await until_it_answers(line, TAG)
        assert await line.execute(b"GET", TAG) == b"kept"
