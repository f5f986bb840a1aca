"""What an image holds is enough for its process, and no more."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.deploy.dockerfile import (
    DOCKERFILE,
    PROJECT,
    environment,
    last,
    read_stages,
    whole,
)
from tests.unit.deploy.settings import SETTINGS, load, required, unknown

SERVICES = tuple(SETTINGS)
IMAGES = (*SERVICES, "migrate")


def copied(image: str) -> list[str]:
    return [path for each in whole(image) if each.word == "COPY" for path in each.sources()]


@pytest.mark.parametrize("stage", read_stages())
def test_whatever_is_copied_exists_and_reaches_the_builder(stage: str) -> None:
    let_through = {
        line.removeprefix("!")
        for line in (PROJECT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    for path in copied(stage):
        assert (PROJECT / path).exists()
        assert Path(path).parts[0] in let_through


def test_nothing_reaches_the_builder_that_is_not_named() -> None:
    lines = (PROJECT / ".dockerignore").read_text().splitlines()
    assert next(line for line in lines if not line.startswith("#")) == "*"


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_holds_what_is_shared_and_its_own_service_alone(service: str) -> None:
    assert copied(service) == ["libs", "services/__init__.py", f"services/{service}"]


@pytest.mark.parametrize("service", SERVICES)
def test_what_an_image_holds_starts_its_service_as_far_as_its_settings(
    service: str, tmp_path: Path
) -> None:
    for path in copied(service):
        source, copy = PROJECT / path, tmp_path / path
        if source.is_dir():
            shutil.copytree(source, copy)
        else:
            copy.parent.mkdir(exist_ok=True)
            shutil.copy(source, copy)
    program, *arguments = last(service, "ENTRYPOINT").command()
    assert program == "python"
    ended = subprocess.run(
        [sys.executable, *arguments],
        cwd=tmp_path,
        env=environment(service),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    lines = ended.stderr.splitlines()
    assert lines
    assert all(line.startswith(f"{service} cannot start: GATEHOUSE_") for line in lines), lines


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_serves_every_address_on_the_port_that_it_exposes(service: str) -> None:
    own = environment(service)
    assert unknown(service, own) == set()
    settings = load(service, {**required(service), **own})
    assert settings.host == "0.0.0.0"  # noqa: S104 -- a container's own addresses
    assert str(settings.port) == last(service, "EXPOSE").rest
    assert settings.port == load(service, required(service)).port


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_installed_from_its_own_pins_by_hash_and_nothing_is_compiled(
    service: str,
) -> None:
    install = f"{service}-packages"
    assert copied(install) == [f"requirements/{service}.txt"]
    command = last(install, "RUN").rest
    assert "pip --python /opt/venv install --require-hashes --only-binary :all: -r" in command
    assert f"--from={install} /opt/venv /opt/venv" in [
        each.rest for each in whole(service) if each.word == "COPY"
    ]


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_runs_as_a_user_who_is_known_by_number_not_to_be_root(image: str) -> None:
    uid, gid = last(image, "USER").rest.split(":")
    assert int(uid) > 0
    assert int(gid) > 0


@pytest.mark.parametrize("image", IMAGES)
def test_no_shell_stands_between_a_signal_and_the_process(image: str) -> None:
    assert isinstance(json.loads(last(image, "ENTRYPOINT").rest), list)


def test_the_base_image_is_named_once() -> None:
    foreign = {each.base for each in read_stages().values()} - read_stages().keys()
    assert foreign == {"python:${PYTHON_VERSION}-slim-bookworm"}
    assert "ARG PYTHON_VERSION=3.11\n" in DOCKERFILE.read_text()
