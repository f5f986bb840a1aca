from pathlib import Path

import pytest

from libs.common.chassis.redis_line.open import open_line
from tests.clients.tls import make_certificate


@pytest.mark.parametrize(
    "url",
    [
        "http://:hunter2@localhost",
        "redis+ring://:hunter2@localhost:1",
        "redis://:hunter2@",
        "redis://:hunter2@localhost:many",
        "redis://:hunter2/of-slashes@localhost:1",
        "redis://:hunter2\u2100@localhost:1",
        "redis+cluster://:hunter2@localhost",
        "redis+cluster://:hunter2@one:1,two:hunter2",
        "redis+sentinel://:hunter2@localhost:1",
        "redis+sentinel://:hunter2@/name",
    ],
)
async def test_a_url_that_means_nothing_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"Redis|Sentinel") as raised:
        open_line(url)
    assert "hunter2" not in str(raised.value)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


KINDS = ["{}://localhost:1", "{}+cluster://localhost:1", "{}+sentinel://localhost:1/main"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("scheme", "option", "complaint"),
    [
        ("redis", "ssl_ca_certs=any", "ssl_ca_certs of the Redis URL is for rediss://"),
        ("redis", "patience=3", "option of the Redis URL is not known: .*'patience'"),
        ("rediss", "ssl_ca=any", "option of the Redis URL is not known: .*'ssl_ca'"),
        ("redis", "protocol=4", "option of the Redis URL is wrong: protocol"),
        ("redis", "protocol=new", "Invalid value for 'protocol'"),
        ("rediss", "ssl_ca_certs=/no/such", "ssl_ca_certs of the Redis URL names no file"),
        ("rediss", "ssl_certfile=/no/such", "ssl_certfile of the Redis URL names no file"),
        ("rediss", "ssl_cert_reqs=maybe", "option of the Redis URL is wrong: .*maybe"),
        ("rediss", "ssl_min_version=1", "option of the Redis URL is wrong"),
        ("rediss", "ssl_ciphers=none", "option of the Redis URL is wrong: .*cipher"),
    ],
)
async def test_an_option_of_which_no_connection_can_be_made_is_refused_at_once(
    kind: str, scheme: str, option: str, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        open_line(f"{kind.format(scheme)}?{option}")


async def test_a_file_that_holds_no_certificate_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    with pytest.raises(ValueError, match="option of the Redis URL is wrong"):
        open_line(f"rediss://localhost?ssl_ca_certs={tmp_path / 'empty.pem'}")


@pytest.mark.parametrize("kind", KINDS)
async def test_options_of_the_connection_and_of_the_pool_are_taken(
    kind: str, tmp_path: Path
) -> None:
    certificate, key = make_certificate(tmp_path)
    options = (
        f"ssl_ca_certs={certificate}&ssl_certfile={certificate}&ssl_keyfile={key}"
        "&ssl_check_hostname=no&ssl_min_version=772&protocol=2&socket_timeout=0.5&max_connections=3&client_name=mine"
    )
    line = open_line(f"{kind.format('rediss')}?{options}")
    await line.aclose()


@pytest.mark.parametrize("url", ["redis://localhost", "redis://me:word@[::1]:1/2"])
async def test_one_server_needs_no_port_and_may_be_an_address(url: str) -> None:
    await open_line(url).aclose()


async def test_sentinels_may_have_a_user_of_their_own() -> None:
    options = "sentinel_username=watcher&sentinel_password=word"
    await open_line(f"redis+sentinel://me:secret@one:1,two:2/main/3?{options}").aclose()
    with pytest.raises(ValueError, match=r"not known: .*'sentinel_password'"):
        open_line("redis://localhost?sentinel_password=word")
