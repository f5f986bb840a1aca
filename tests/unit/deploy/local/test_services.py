"""What the local stack tells the services is true."""

from dataclasses import fields

import pytest

from deploy.local.keys import Keys
from deploy.local.services import Surroundings, environment
from tests.unit.deploy.settings import SETTINGS, load, unknown

AROUND = Surroundings(
    *("postgresql://x", "redis://x", "nats://x", "smtp+plain://x", "http://x"),
    Keys(*("x" for _ in fields(Keys))),
)


@pytest.mark.parametrize("service", SETTINGS)
def test_a_service_is_given_what_it_needs_and_nothing_that_it_does_not_know(service: str) -> None:
    environ = environment(service, 8000, AROUND)
    assert unknown(service, environ) == set()
    assert load(service, environ).port == 8000
