"""docker-compose.yml means something to Compose, and what it tells the services is true."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from libs.common.chassis.serve import VERSION
from services.executor.config import Settings as Executor
from tests.unit.deploy import dockerfile
from tests.unit.deploy.dockerfile import PROJECT
from tests.unit.deploy.settings import DEPLOYED, SETTINGS, load, unknown

TEXT = (PROJECT / "docker-compose.yml").read_text()
EXAMPLE = (PROJECT / "deploy/compose.env.example").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
PARTS: dict[str, dict[str, Any]] = COMPOSE["services"]
BUILT = {name: part for name, part in PARTS.items() if "build" in part}

VARIABLE = re.compile(r"\$\{(?P<name>\w+):(?P<sort>[?-])(?P<rest>[^}]*)\}")


def given(part: str) -> dict[str, str]:
    """The environment of the part's process, with a secret of one letter for each."""
    own: Mapping[str, str] = PARTS[part]["environment"]
    filled = {name: VARIABLE.sub(fill, value) for name, value in own.items()}
    return {**dockerfile.environment(DEPLOYED[part]), **filled}


def fill(found: re.Match[str]) -> str:
    return found["rest"] if found["sort"] == "-" else "s"


def read(compose: dict[str, Any]) -> PyCompose:
    # Not the text: Compose merges what `<<` names, and this parser does not.
    return PyCompose.from_json(json.dumps(compose))


def test_compose_can_read_it() -> None:
    assert set(read(COMPOSE).service_names()) == PARTS.keys()


def test_a_word_that_compose_does_not_know_is_noticed() -> None:
    misspelt = {**COMPOSE, "services": {**PARTS, "nats": {**PARTS["nats"], "comand": []}}}
    with pytest.raises(ValueError, match="comand"):
        read(misspelt)


@pytest.mark.parametrize("part", BUILT)
def test_whatever_is_built_is_a_target_of_the_dockerfile_and_has_this_version(part: str) -> None:
    build = BUILT[part]["build"]
    assert PROJECT / build["context"] / build["dockerfile"] == dockerfile.DOCKERFILE
    assert build["target"] in dockerfile.read_stages()
    assert BUILT[part]["image"] == f"gatehouse-{build['target']}:{VERSION}"


def test_everything_that_can_be_built_is() -> None:
    assert BUILT.keys() == {*SETTINGS, "migrate"}


def test_a_part_that_is_not_built_runs_the_image_of_one_that_is() -> None:
    assert PARTS["messenger"]["image"] == BUILT["executor"]["image"]
    # Compose would look for it in a registry before it has been built.
    assert PARTS["messenger"]["pull_policy"] == "never"


@pytest.mark.parametrize(("part", "service"), DEPLOYED.items())
def test_a_service_is_given_what_it_needs_and_nothing_that_it_does_not_know(
    part: str, service: str
) -> None:
    environ = given(part)
    assert unknown(service, environ) == set()
    load(service, environ)


def test_the_executor_sends_nothing_and_the_messenger_that_sends_is_reached_by_nobody() -> None:
    executor, messenger = given("executor"), given("messenger")
    assert executor.pop("GATEHOUSE_MESSENGERS") == "0"
    assert executor == messenger, "what they are told is otherwise the same"
    told = load("executor", messenger)
    assert isinstance(told, Executor)
    assert told.messengers > 0
    assert "ports" not in PARTS["messenger"]


@pytest.mark.parametrize(("part", "service"), DEPLOYED.items())
def test_a_service_is_not_killed_while_requests_in_flight_may_still_finish(
    part: str, service: str
) -> None:
    settings = load(service, given(part))
    patience = int(PARTS[part]["stop_grace_period"].removesuffix("s"))
    assert patience > settings.grace_seconds + settings.drain_seconds


@pytest.mark.parametrize("part", PARTS)
def test_whatever_is_waited_for_is_there_and_can_say_that_it_is(part: str) -> None:
    for other, wait in PARTS[part].get("depends_on", {}).items():
        if wait["condition"] == "service_completed_successfully":
            assert "restart" not in PARTS[other]
        else:
            assert "healthcheck" in PARTS[other]


def test_what_is_not_given_is_asked_for_by_name_and_the_example_lists_it() -> None:
    listed = set(re.findall(r"^(\w+)=", EXAMPLE, re.MULTILINE))
    offered = set(re.findall(r"^#(\w+)=", EXAMPLE, re.MULTILINE))
    uses = [each.groupdict() for each in VARIABLE.finditer(TEXT)]
    assert len(uses) == TEXT.count("${")
    assert {use["name"] for use in uses if use["sort"] == "?"} == listed
    assert {use["name"] for use in uses if use["sort"] == "-"} == offered
    assert {use["rest"] for use in uses if use["sort"] == "?"} == {"see deploy/compose.env.example"}


def test_the_example_holds_no_secret() -> None:
    assert re.findall(r"^\w+=(.*)$", EXAMPLE, re.MULTILINE) == [""] * 6 + ['""']


def test_a_secret_never_stands_on_a_command_line() -> None:
    for part in PARTS.values():
        told = [part.get("command", []), part.get("healthcheck", {}).get("test", [])]
        assert "$" not in str(told)


def test_nothing_is_published_beyond_this_host() -> None:
    published = [port for part in PARTS.values() for port in part.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


@pytest.mark.parametrize("service", SETTINGS)
def test_a_published_port_is_the_one_that_is_served(service: str) -> None:
    for port in PARTS[service].get("ports", []):
        assert int(port.rpartition(":")[2]) == load(service, given(service)).port


def test_each_file_that_a_server_is_started_with_is_mounted_there() -> None:
    for name, program in (("redis", "valkey-server"), ("nats", "nats-server")):
        command = PARTS[name]["command"]
        (mounted,) = PARTS[name]["configs"]
        assert command[0] == program
        assert command[-1] == mounted["target"]
        assert mounted["source"] in COMPOSE["configs"]
