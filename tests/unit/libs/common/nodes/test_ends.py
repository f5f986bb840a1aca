from __future__ import annotations

import json
import re

import msgspec
import pytest

from libs.common.nodes import failure, success
from libs.common.nodes.ends import Redirect


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/welcome?from=sign-in#top",
        "https://example.com",
        "https://app.example.com:8443/a?b=c@d",
        "https://192.0.2.7/",
    ],
)
def test_a_redirect_is_a_path_or_an_absolute_https_address(target: str) -> None:
    assert msgspec.convert(target, Redirect) == target


@pytest.mark.parametrize(
    "target",
    [
        "",
        "welcome",
        "//evil.example",
        "/\\evil.example",
        "/a\\b",
        "/a b",
        "/a\n",
        "/a\x00b",
        "\t//evil.example",
        "http://example.com",
        "javascript:alert(1)",
        "https://",
        "https:///evil.example",
        "https://good.example@evil.example",
        "https://good.example:80@evil.example",
        "https://good.example\\@evil.example",
        "https://-/",
        "https://example.com\n",
        "/" + "x" * 2_000,
    ],
)
def test_a_redirect_that_could_lead_elsewhere_is_refused(target: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(target, Redirect)


def test_a_redirect_is_checked_in_time_that_grows_with_its_length() -> None:
    pattern = msgspec.json.schema(Redirect)["pattern"]
    # Backtracking would take ages here, and the test with it.
    assert not re.search(pattern, "https://" + "a-" * 100_000)


@pytest.mark.parametrize("config", [success.Config, failure.Config])
def test_an_editor_learns_the_bounds_from_the_schema(config: type[msgspec.Struct]) -> None:
    schema = json.dumps(msgspec.json.schema(config))
    assert '"maxLength": 1000' in schema
    assert '"maxLength": 2000' in schema
