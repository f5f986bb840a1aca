from typing import get_args

import pytest

from libs.common.secret import Secret
from services.management.auth import Caller, Scope, Tokens
from services.management.token import main

KEY = "0123456789abcdef0123456789abcdef"
ENVIRONMENT = {"GATEHOUSE_ADMIN_SIGNING_KEY": KEY}
TOKENS = Tokens(Secret(KEY), issuer="gatehouse", audience="gatehouse-management")


def test_a_token_is_printed_that_the_service_takes(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--tenant", "acme", "--scopes", "read:flows", "--minutes", "1", "--subject", "ci"]
    assert main(arguments, ENVIRONMENT) == 0
    caller = TOKENS.verify(capsys.readouterr().out.strip())
    assert caller == Caller("ci", frozenset({"read:flows"}), "acme")


def test_without_options_a_token_may_everything_everywhere(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([], ENVIRONMENT) == 0
    caller = TOKENS.verify(capsys.readouterr().out.strip())
    assert caller.tenant is None
    assert caller.scopes == set(get_args(Scope))


@pytest.mark.parametrize("environ", [{}, {"GATEHOUSE_ADMIN_SIGNING_KEY": "short"}])
def test_a_key_that_is_missing_or_short_is_named(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([], environ) == 1
    out, told = capsys.readouterr()
    assert out == ""
    assert "GATEHOUSE_ADMIN_SIGNING_KEY" in told


@pytest.mark.parametrize("arguments", [["--scopes", "everything"], ["--minutes", "0"]])
def test_what_makes_no_sense_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments, ENVIRONMENT)
    assert arguments[0] in capsys.readouterr().err
