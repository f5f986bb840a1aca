from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest
from msgspec import Meta

from libs.common.chassis.config import ServiceSettings, describe, load, strangers
from libs.common.chassis.startup import StartupFailure
from libs.common.secret import Secret

DSN_ROW = (
    "| `GATEHOUSE_POSTGRES_DSN` or `GATEHOUSE_POSTGRES_DSN_FILE` | required | secret | database |"
)
DSN = "postgres://gatehouse:hunter2@localhost/gatehouse"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    postgres_dsn: Annotated[Secret, Meta(description="database", examples=["postgres://h/d"])]
    tries: Annotated[int, Meta(ge=1, le=10, description="tries", examples=[3])] = 5
    ratio: Annotated[float, Meta(gt=0)] = 0.5
    mode: Literal["slow", "quick"] = "slow"
    verbose: bool = False
    origins: tuple[str, ...] = ()
    key: Annotated[Secret | None, Meta(description="a | b")] = None
    name: str = ""


def given(**more: str) -> dict[str, str]:
    return {"GATEHOUSE_POSTGRES_DSN": DSN, **more}


def failure(environ: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(StartupFailure) as failed:
        load(Settings, environ)
    return failed.value.reasons


def test_every_kind_of_setting_is_read_from_its_variable() -> None:
    settings = load(
        Settings,
        given(
            GATEHOUSE_TRIES="3",
            GATEHOUSE_RATIO="0.25",
            GATEHOUSE_MODE="quick",
            GATEHOUSE_VERBOSE="true",
            GATEHOUSE_ORIGINS="https://a.example, https://b.example,",
            GATEHOUSE_KEY="k",
            GATEHOUSE_NAME="null",
        ),
    )
    assert settings == Settings(
        postgres_dsn=Secret(DSN),
        tries=3,
        ratio=0.25,
        mode="quick",
        verbose=True,
        origins=("https://a.example", "https://b.example"),
        key=Secret("k"),
        name="null",
    )


def test_what_is_not_set_has_its_default() -> None:
    assert load(Settings, given()) == Settings(postgres_dsn=Secret(DSN))


def test_everything_wrong_is_told_at_once_with_variable_meaning_and_example() -> None:
    assert failure({"GATEHOUSE_TRIES": "0", "GATEHOUSE_MODE": "fast"}) == (
        "GATEHOUSE_POSTGRES_DSN is not set; it is the database, for example postgres://h/d",
        "GATEHOUSE_TRIES is wrong: Expected `int` >= 1; it is the tries, for example 3",
        "GATEHOUSE_MODE is wrong: Invalid enum value 'fast'",
    )


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_a_number_that_is_none_is_refused(number: str) -> None:
    (reason,) = failure(given(GATEHOUSE_RATIO=number))
    assert reason.startswith("GATEHOUSE_RATIO is wrong")


def test_an_empty_secret_is_refused() -> None:
    (reason,) = failure({"GATEHOUSE_POSTGRES_DSN": ""})
    assert reason.startswith("GATEHOUSE_POSTGRES_DSN is empty")


def test_a_secret_is_read_from_the_file_that_is_named(tmp_path: Path) -> None:
    mounted = tmp_path / "dsn"
    mounted.write_text(DSN + "\n")
    settings = load(Settings, {"GATEHOUSE_POSTGRES_DSN_FILE": str(mounted)})
    assert settings.postgres_dsn == Secret(DSN)


def test_a_secret_given_both_ways_is_refused(tmp_path: Path) -> None:
    (reason,) = failure(given(GATEHOUSE_POSTGRES_DSN_FILE=str(tmp_path)))
    assert "is set twice" in reason
    assert DSN not in reason


def test_a_file_that_cannot_be_read_is_named_by_its_variable(tmp_path: Path) -> None:
    (reason,) = failure({"GATEHOUSE_POSTGRES_DSN_FILE": str(tmp_path / "missing")})
    assert "the file that GATEHOUSE_POSTGRES_DSN_FILE names (FileNotFoundError)" in reason


def test_only_secrets_are_read_from_files(tmp_path: Path) -> None:
    mounted = tmp_path / "tries"
    mounted.write_text("3")
    assert load(Settings, given(GATEHOUSE_TRIES_FILE=str(mounted))).tries == 5


def test_a_misspelt_variable_is_named_with_what_was_meant() -> None:
    assert strangers(Settings, given(GATEHOUSE_POSTGRESS_DSN="x")) == (
        "GATEHOUSE_POSTGRESS_DSN is not a setting; did you mean GATEHOUSE_POSTGRES_DSN?",
    )


@pytest.mark.parametrize(
    "name",
    [
        "GATEHOUSE_NATS_URL",  # another service's
        "GATEHOUSE_TRIES_PORT",  # Kubernetes writes these for each Service
        "GATEHOUSE_TRIES_SERVICE_HOST",
        "GATEHOUSE_TRIES_PORT_8080_TCP_ADDR",
        "HATEHOUSE_TRIES",
    ],
)
def test_other_variables_are_no_slips(name: str) -> None:
    assert strangers(Settings, given(**{name: "x"})) == ()


def test_the_reference_has_a_row_for_each_setting() -> None:
    assert describe(Settings).splitlines()[2:] == [
        DSN_ROW,
        "| `GATEHOUSE_TRIES` | `5` | whole number ≥ 1 ≤ 10 | tries |",
        "| `GATEHOUSE_RATIO` | `0.5` | number > 0 |  |",
        "| `GATEHOUSE_MODE` | `slow` | `quick`, `slow` |  |",
        "| `GATEHOUSE_VERBOSE` | `false` | `true`, `false` |  |",
        "| `GATEHOUSE_ORIGINS` | none | list with commas |  |",
        "| `GATEHOUSE_KEY` or `GATEHOUSE_KEY_FILE` | none | secret | a \\| b |",
        "| `GATEHOUSE_NAME` | none | text |  |",
    ]


def test_a_default_secret_is_masked_in_the_reference() -> None:
    class Local(msgspec.Struct, frozen=True):
        key: Secret = Secret("hunter2")

    assert "hunter2" not in describe(Local)
    assert "`***`" in describe(Local)


def test_every_setting_of_all_services_says_what_it_is() -> None:
    rows = describe(ServiceSettings).splitlines()[2:]
    assert len(rows) == len(msgspec.structs.fields(ServiceSettings))
    assert all(not row.endswith("|  |") for row in rows)
