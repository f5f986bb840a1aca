import pytest

from libs.common.chassis.startup import StartupFailure, depends_on


class DriverError(Exception):
    pass


@pytest.mark.parametrize("error", [ConnectionRefusedError, TimeoutError, DriverError])
def test_a_part_that_is_away_is_named_with_its_setting_and_without_its_password(
    error: type[Exception],
) -> None:
    with (
        pytest.raises(StartupFailure) as failed,
        depends_on("PostgreSQL", "GATEHOUSE_POSTGRES_DSN", DriverError),
    ):
        raise error("postgres://gatehouse:hunter2@db")
    (reason,) = failed.value.reasons
    assert reason == (
        f"GATEHOUSE_POSTGRES_DSN: PostgreSQL cannot be reached ({error.__name__}); "
        "start it, or correct the setting"
    )


def test_a_fault_of_the_code_stays_one() -> None:
    with pytest.raises(ZeroDivisionError), depends_on("PostgreSQL", "GATEHOUSE_POSTGRES_DSN"):
        raise ZeroDivisionError
