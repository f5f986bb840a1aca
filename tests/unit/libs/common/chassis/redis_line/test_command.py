import pytest
from redis.exceptions import (
    AskError,
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    MovedError,
    NoScriptError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)

from libs.common.chassis.redis_line.command import NoReplicasError, refusal


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("CLUSTERDOWN The cluster is down", ClusterDownError),
        ("LOADING Redis is loading the dataset in memory", BusyLoadingError),
        ("MASTERDOWN Link with MASTER is down", MasterDownError),
        ("NOREPLICAS Not enough good replicas to write.", NoReplicasError),
        ("NOSCRIPT No matching script.", NoScriptError),
        ("READONLY You can't write against a read only replica.", ReadOnlyError),
        ("TRYAGAIN Multiple keys request during rehashing of slot", TryAgainError),
        ("ERR value is not an integer or out of range", ResponseError),
        ("WRONGTYPE Operation against a key", ResponseError),
    ],
)
def test_an_error_reply_has_the_type_that_redis_py_gives_it(
    text: str, kind: type[RedisError]
) -> None:
    assert type(refusal(text)) is kind


@pytest.mark.parametrize(("code", "kind"), [("MOVED", MovedError), ("ASK", AskError)])
def test_a_redirection_says_which_slot_and_where_to(code: str, kind: type[AskError]) -> None:
    error = refusal(f"{code} 3999 [2001:db8::1]:6381")
    assert type(error) is kind
    assert isinstance(error, AskError)
    assert (error.slot_id, error.port) == (3999, 6381)


def test_what_is_no_redirection_keeps_its_words() -> None:
    assert str(refusal("WRONGTYPE Operation against a key")) == "WRONGTYPE Operation against a key"
