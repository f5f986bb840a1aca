from __future__ import annotations

import pytest

from libs.common.chassis.config import load, read
from libs.common.chassis.startup import StartupFailure
from libs.common.flow.model import FlowType
from services.executor.config import Settings

LEAST = {
    "GATEHOUSE_POSTGRES_DSN": "postgresql://localhost",
    "GATEHOUSE_REDIS_URL": "redis://localhost",
    "GATEHOUSE_NATS_URL": "nats://localhost",
    "GATEHOUSE_SESSION_KEYS": "a:x",
    "GATEHOUSE_CREDENTIAL_KEYS": "a:x",
    "GATEHOUSE_ASSERTION_KEYS": "x",
}


def test_every_limit_has_a_default() -> None:
    settings = load(Settings, LEAST)
    assert settings.port == 8090
    assert settings.lifetime(FlowType.LOGIN) == 15 * 60
    assert settings.lifetime(FlowType.REGISTRATION) == 60 * 60
    assert settings.idle == 15 * 60


@pytest.mark.parametrize("variable", sorted(LEAST))
def test_what_is_missing_is_named(variable: str) -> None:
    with pytest.raises(StartupFailure, match=variable):
        load(Settings, {name: value for name, value in LEAST.items() if name != variable})


def test_what_makes_no_sense_is_named_and_not_quoted() -> None:
    def parse(_value: str) -> None:
        raise ValueError("is wrong")

    with pytest.raises(StartupFailure, match=r"^GATEHOUSE_SESSION_KEYS is wrong$"):
        read("session_keys", parse, "secret")
