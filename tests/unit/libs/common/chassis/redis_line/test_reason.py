import ssl

import pytest
from redis.asyncio.sentinel import MasterNotFoundError
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import ResponseError

from libs.common.chassis.redis_line.reason import reason


def verification(code: int, message: str) -> ssl.SSLCertVerificationError:
    """Make what OpenSSL raises for a certificate that it does not take."""
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = code, message
    return error


def wrapped(cause: Exception) -> Exception:
    """Wrap `cause` as redis-py does."""
    try:
        try:
            raise cause
        except OSError:
            raise NotConnected("Error connecting") from None
    except NotConnected as error:
        return error


@pytest.mark.parametrize(
    ("code", "message", "option"),
    [
        (62, "Hostname mismatch", "(the host in the Redis URL)"),
        (64, "IP address mismatch", "(the host in the Redis URL)"),
        (18, "self-signed certificate", "(ssl_ca_certs in the Redis URL)"),
        (20, "unable to get local issuer certificate", "(ssl_ca_certs in the Redis URL)"),
    ],
)
def test_a_certificate_that_is_not_taken_says_what_to_look_at(
    code: int, message: str, option: str
) -> None:
    assert reason(wrapped(verification(code, message))) == f"{message} {option}"


def test_a_network_that_refuses_is_named() -> None:
    assert (
        reason(wrapped(ConnectionRefusedError(111, "Connection refused"))) == "Connection refused"
    )


def test_redis_py_says_which_sentinels_it_asked() -> None:
    assert reason(MasterNotFoundError("No master found for 'main'")) == "No master found for 'main'"


def test_what_a_server_answers_to_a_password_is_not_told() -> None:
    answer = "unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'default' 'hunter2'"
    assert reason(ResponseError(answer)) is None
