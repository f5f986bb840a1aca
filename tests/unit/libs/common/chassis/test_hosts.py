import pytest

from libs.common.chassis.hosts import parse_hosts


def test_hosts_mean_tenants_in_any_case() -> None:
    assert parse_hosts(("Login.Acme.example = acme",)) == {"login.acme.example": "acme"}


@pytest.mark.parametrize("pair", ["acme", "=acme", "acme="])
def test_a_host_without_a_tenant_is_refused(pair: str) -> None:
    with pytest.raises(ValueError, match="host=tenant"):
        parse_hosts((pair,))
