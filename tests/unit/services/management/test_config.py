import msgspec
import pytest

from libs.common.chassis.config import load
from libs.common.chassis.startup import StartupFailure
from libs.common.secret import Secret
from services.management.config import Settings, TokenSettings

NEEDED = {
    "GATEHOUSE_POSTGRES_DSN": "postgres://u:p@localhost/d",
    "GATEHOUSE_NATS_URL": "nats://localhost",
    "GATEHOUSE_ADMIN_SIGNING_KEY": "0123456789abcdef0123456789abcdef",
}


def test_what_has_no_default_is_named_all_at_once() -> None:
    with pytest.raises(StartupFailure) as caught:
        load(Settings, {})
    assert sorted(reason.split()[0] for reason in caught.value.reasons) == sorted(NEEDED)


def test_no_secret_shows() -> None:
    settings = load(Settings, NEEDED)
    assert settings.port == 8080
    assert settings.tenants == ("default",)
    assert not any(value in repr(settings) for value in NEEDED.values())


@pytest.mark.parametrize("name", ["a b", "a/b", "-a", "{a}", "a:b", "x" * 64])
def test_a_tenant_is_named_so_that_it_fits_a_path_and_a_key(name: str) -> None:
    with pytest.raises(StartupFailure, match="GATEHOUSE_TENANTS"):
        load(Settings, {**NEEDED, "GATEHOUSE_TENANTS": f"default,{name}"})


def test_tokens_are_minted_by_the_settings_that_verify_them() -> None:
    key = Secret(NEEDED["GATEHOUSE_ADMIN_SIGNING_KEY"])
    minted = msgspec.structs.asdict(TokenSettings(admin_signing_key=key))
    settings = load(Settings, NEEDED)
    assert minted == {name: getattr(settings, name) for name in minted}
