"""From a URL to a line: what stands behind is said in the scheme, the rest is redis-py's own URL.

    redis://[user:password@]host:port[/db]            one server
    redis+cluster://[user:password@]h1:p1,h2:p2       a cluster, found from any of these
    redis+sentinel://[user:password@]h1:p1,h2:p2/name[/db]   the master that Sentinel calls `name`

`rediss` for `redis` means TLS. Options after `?` are those of redis-py (`protocol`,
`ssl_ca_certs`, ...); `sentinel_username` and `sentinel_password` are for the Sentinels themselves,
which are spoken to with the same TLS settings.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import SSLConnection, parse_url
from redis.asyncio.sentinel import Sentinel
from redis.maint_notifications import MaintNotificationsConfig

from libs.common.chassis.redis_line.cluster import ClusterLine
from libs.common.chassis.redis_line.port import Limits, RedisLine
from libs.common.chassis.redis_line.single import SingleLine

_QUIET: Final = MaintNotificationsConfig(enabled=False)
"""The line does not act on such notices, so it must not ask for them."""


def open_line(url: str, limits: Limits | None = None) -> RedisLine:
    """Make the line that `url` names, in a running loop; it connects when first used.

    Raises `ValueError`, which never quotes the password, if the URL cannot be understood.
    """
    limits = limits or Limits()
    parts = urlsplit(url)
    transport, _, kind = parts.scheme.partition("+")
    if transport not in ("redis", "rediss") or kind not in ("", "cluster", "sentinel"):
        raise ValueError("a Redis URL starts with redis[s]://, or with +cluster or +sentinel in it")
    if not kind:
        return SingleLine(Redis.from_url(url, maint_notifications_config=_QUIET), limits)
    credentials, at, hosts = parts.netloc.rpartition("@")
    servers = [_server(host) for host in hosts.split(",")]
    path = parts.path.strip("/")
    name, _, database = path.partition("/") if kind == "sentinel" else ("", "", path)
    plain = f"{transport}://{credentials}{at}_/{database}?{parts.query}"
    options: dict[str, Any] = dict(parse_url(plain))
    del options["host"]
    options["ssl"] = options.pop("connection_class", None) is SSLConnection
    options["maint_notifications_config"] = _QUIET
    if kind == "cluster":
        nodes = [ClusterNode(host, port) for host, port in servers]
        # One shard that is away must not take the others with it.
        client = RedisCluster(startup_nodes=nodes, require_full_coverage=False, **options)
        return ClusterLine(client, limits)
    if not name:
        raise ValueError("a Sentinel URL ends with the name of its master, as in /main")
    return _sentinel_line(servers, name, options, limits)


def _sentinel_line(
    servers: list[tuple[str, int]], name: str, options: dict[str, Any], limits: Limits
) -> SingleLine:
    own = {key: value for key, value in options.items() if key.startswith(("ssl", "socket_"))}
    own["maint_notifications_config"] = _QUIET
    for key in ("username", "password"):
        if value := options.pop(f"sentinel_{key}", None):
            own[key] = value
    sentinel = Sentinel(servers, sentinel_kwargs=own)  # type: ignore[no-untyped-call]  # redis-py's
    return SingleLine(sentinel.master_for(name, **options), limits, also_closes=sentinel.sentinels)


def _server(text: str) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    if not parts.hostname or parts.port is None:
        raise ValueError("each Redis host is written host:port")
    return parts.hostname, parts.port
