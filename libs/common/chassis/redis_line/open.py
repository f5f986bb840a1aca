"""From a URL to a line: what stands behind is said in the scheme, the rest is redis-py's own URL.

    redis://[user:password@]host:port[/db]            one server
    redis+cluster://[user:password@]h1:p1,h2:p2       a cluster, found from any of these
    redis+sentinel://[user:password@]h1:p1,h2:p2/name[/db]   the master that Sentinel calls `name`

`rediss` for `redis` means TLS. Options after `?` are those of redis-py (`protocol`,
`ssl_ca_certs`, ...); `sentinel_username` and `sentinel_password` are for the Sentinels themselves,
which are spoken to with the same TLS settings. What is wrong with an option is said when the line
is made: later, it could only be told from a server that is away.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import Connection, SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.maint_notifications import MaintNotificationsConfig

from libs.common.chassis.redis_line.cluster import ClusterLine
from libs.common.chassis.redis_line.port import Limits, RedisLine
from libs.common.chassis.redis_line.single import SingleLine

_QUIET: Final = MaintNotificationsConfig(enabled=False)
"""The line does not act on such notices, so it must not ask for them."""
_PORT: Final = 6379
_UNREADABLE: Final = (
    "a Redis URL names each host as host:port, and has / ? # @ of a password as %2F %3F %23 %40"
)
_FILES: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_OF_POOLS: Final = ("max_connections",)
"""Options that are not about one connection."""
_SENTINEL: Final = {"sentinel_username": "username", "sentinel_password": "password"}
"""Options for the Sentinels themselves, and what redis-py calls them there."""
_SHARED: Final = ("ssl", "socket_", "protocol", "maint_notifications_config")
"""How options begin that are for the Sentinels as well as for the master."""


def open_line(url: str, limits: Limits | None = None) -> RedisLine:
    """Make the line that `url` names, in a running loop; it connects when first used.

    Raises `ValueError`, which never quotes the password, if the URL cannot be understood or names
    files that cannot be read.
    """
    limits = limits or Limits()
    try:
        parts = urlsplit(url)
        credentials, at, hosts = parts.netloc.rpartition("@")
        default = None if "+" in parts.scheme else _PORT
        servers = [_server(host, default) for host in hosts.split(",")]
    except ValueError:
        # From None, since the standard library quotes what it cannot read.
        raise ValueError(_UNREADABLE) from None
    transport, _, kind = parts.scheme.partition("+")
    if transport not in ("redis", "rediss") or kind not in ("", "cluster", "sentinel"):
        raise ValueError("a Redis URL starts with redis[s]://, or with +cluster or +sentinel in it")
    path = parts.path.strip("/")
    name, _, database = path.partition("/") if kind == "sentinel" else ("", "", path)
    plain = f"{transport}://{credentials}{at}_/{database}?{parts.query}" if kind else url
    options: dict[str, Any] = dict(parse_url(plain))
    tls = options.pop("connection_class", None) is SSLConnection
    own = {}
    if kind == "sentinel":
        own = {theirs: options.pop(ours) for ours, theirs in _SENTINEL.items() if ours in options}
    _check(options, tls=tls)
    if not kind:
        return SingleLine(Redis.from_url(url, maint_notifications_config=_QUIET), limits)
    del options["host"]
    options |= {"ssl": tls, "maint_notifications_config": _QUIET}
    if kind == "cluster":
        nodes = [ClusterNode(host, port) for host, port in servers]
        # One shard that is away must not take the others with it.
        client = RedisCluster(startup_nodes=nodes, require_full_coverage=False, **options)
        return ClusterLine(client, limits)
    if not name:
        raise ValueError("a Sentinel URL ends with the name of its master, as in /main")
    return _sentinel_line(servers, name, options, own, limits)


def _sentinel_line(
    servers: list[tuple[str, int]],
    name: str,
    options: dict[str, Any],
    own: dict[str, Any],
    limits: Limits,
) -> SingleLine:
    shared = {key: value for key, value in options.items() if key.startswith(_SHARED)}
    # They are asked one after the other, so each has its share of the time; and none is asked
    # twice before the next, as redis-py would do for longer than anybody waits.
    share = limits.deadline / (len(servers) + 1)
    own = {"socket_timeout": share, "socket_connect_timeout": share} | shared | own
    own["retry"] = Retry(NoBackoff(), 0)
    sentinel = Sentinel(servers, sentinel_kwargs=own)  # type: ignore[no-untyped-call]  # redis-py's
    return SingleLine(sentinel.master_for(name, **options), limits, also_closes=sentinel.sentinels)


def _check(options: dict[str, Any], *, tls: bool) -> None:
    """Raise `ValueError` for options of which no connection can be made."""
    secured = [option for option in options if option.startswith("ssl_")]
    if secured and not tls:
        raise ValueError(f"{secured[0]} of the Redis URL is for rediss://, which speaks TLS")
    for option in _FILES:
        if option in options and not Path(options[option]).is_file():
            raise ValueError(f"{option} of the Redis URL names no file")
    one = {option: value for option, value in options.items() if option not in _OF_POOLS}
    try:
        if tls:
            SSLConnection(**one).ssl_context.get()
        else:
            Connection(**one)
    except TypeError as error:
        raise ValueError(f"an option of the Redis URL is not known: {error}") from error
    except (RedisError, OSError, ValueError) as error:
        raise ValueError(f"an option of the Redis URL is wrong: {error}") from error


def _server(text: str, default: int | None) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    port = parts.port or default
    if not parts.hostname or port is None:
        raise ValueError(text)
    return parts.hostname, port
