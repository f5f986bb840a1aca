"""deploy/k8s/base is what Kubernetes takes, and what it tells the services is true."""

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from libs.common.chassis.config import FILE_SUFFIX
from libs.common.chassis.serve import VERSION
from services.executor.config import Settings as Executor
from tests.unit.deploy import dockerfile
from tests.unit.deploy.dockerfile import PROJECT
from tests.unit.deploy.settings import DEPLOYED, SETTINGS, load, unknown

BASE = PROJECT / "deploy/k8s/base"
GUIDE = (PROJECT / "docs/how-to/deploy-kubernetes.md").read_text()
CLOSING_SECONDS = 5
"""Left after the drain for what is open to be closed."""

Object = dict[str, Any]


@cache
def render(folder: Path) -> tuple[Object, ...]:
    """Every object that `kubectl apply -k` would send."""
    kubectl = Path(sys.executable).with_name("kubectl")
    rendered = subprocess.run(
        [kubectl, "kustomize", folder], check=True, capture_output=True, text=True
    )
    return tuple(yaml.safe_load_all(rendered.stdout))


def named(each: Object) -> str:
    return f"{each['kind']}/{each['metadata']['name']}"


OBJECTS = render(BASE)
DEPLOYMENTS = {each["metadata"]["name"] for each in OBJECTS if each["kind"] == "Deployment"}
WORKLOADS = {named(each): each for each in OBJECTS if each["kind"] in ("Deployment", "Job")}


def pod(workload: Object) -> Object:
    found: Object = workload["spec"]["template"]["spec"]
    return found


def container(workload: Object) -> Object:
    (only,) = pod(workload)["containers"]
    found: Object = only
    return found


def deployment(part: str, objects: tuple[Object, ...] = OBJECTS) -> Object:
    (found,) = (each for each in objects if named(each) == f"Deployment/gatehouse-{part}")
    return found


def mounted(part: str, objects: tuple[Object, ...] = OBJECTS) -> dict[str, tuple[str, str]]:
    """Each file of the part's container: the Secret that it comes from, and the key in it."""
    (volume,) = pod(deployment(part, objects))["volumes"]
    (mount,) = container(deployment(part, objects))["volumeMounts"]
    assert volume["name"] == mount["name"]
    return {
        f"{mount['mountPath']}/{item['path']}": (source["secret"]["name"], item["key"])
        for source in volume["projected"]["sources"]
        for item in source["secret"]["items"]
    }


def settings(part: str, objects: tuple[Object, ...] = OBJECTS) -> Mapping[str, str]:
    """What the part's ConfigMap holds, and what its container has besides."""
    told = container(deployment(part, objects))
    (source,) = told["envFrom"]
    (found,) = (
        each["data"]
        for each in objects
        if named(each) == f"ConfigMap/{source['configMapRef']['name']}"
    )
    return {**found, **{each["name"]: each["value"] for each in told.get("env", ())}}


def given(part: str, folder: Path) -> dict[str, str]:
    """The environment of the part's process, with its secrets as files in `folder`."""
    environ = {**dockerfile.environment(DEPLOYED[part]), **settings(part)}
    for name, value in environ.items():
        if name.endswith(FILE_SUFFIX):
            file = folder / Path(value).name
            file.write_text("s\n")
            environ[name] = str(file)
    return environ


@pytest.mark.parametrize("each", OBJECTS, ids=named)
def test_kubernetes_takes_it(each: Object) -> None:
    kubernetes_validate.validate(each, kubernetes_validate.latest_version(), strict=True)


def test_a_word_that_kubernetes_does_not_know_is_noticed() -> None:
    misspelt = {**deployment("executor"), "sepc": {}}
    with pytest.raises(kubernetes_validate.ValidationError, match="sepc"):
        kubernetes_validate.validate(misspelt, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize(("part", "service"), DEPLOYED.items())
def test_a_service_is_given_what_it_needs_and_nothing_that_it_does_not_know(
    part: str, service: str, tmp_path: Path
) -> None:
    assert unknown(service, settings(part)) == set()
    load(service, given(part, tmp_path))


def test_executors_send_nothing_and_messengers_that_send_are_reached_by_nobody(
    tmp_path: Path,
) -> None:
    executor, messenger = given("executor", tmp_path), given("messenger", tmp_path)
    assert executor.pop("GATEHOUSE_MESSENGERS") == "0"
    assert executor == messenger, "what they are told is otherwise the same"
    told = load("executor", messenger)
    assert isinstance(told, Executor)
    assert told.messengers > 0
    labels = deployment("messenger")["spec"]["template"]["metadata"]["labels"]
    selectors = [each["spec"]["selector"] for each in OBJECTS if each["kind"] == "Service"]
    assert not any(selector.items() <= labels.items() for selector in selectors)


@pytest.mark.parametrize("part", DEPLOYED)
def test_each_file_that_a_setting_names_is_mounted_and_no_other(part: str) -> None:
    named_files = [value for name, value in settings(part).items() if name.endswith(FILE_SUFFIX)]
    assert sorted(named_files) == sorted(mounted(part))


@pytest.mark.parametrize(("part", "service"), DEPLOYED.items())
def test_a_pod_is_not_killed_while_requests_in_flight_may_still_finish(
    part: str, service: str, tmp_path: Path
) -> None:
    told = load(service, given(part, tmp_path))
    patience = pod(deployment(part))["terminationGracePeriodSeconds"]
    assert patience >= told.grace_seconds + told.drain_seconds + CLOSING_SECONDS


@pytest.mark.parametrize("service", ["management", "executor"])
def test_whoever_is_called_goes_on_serving_until_the_callers_know(
    service: str, tmp_path: Path
) -> None:
    probe = container(deployment(service))["readinessProbe"]
    notices_after = probe["periodSeconds"] * probe["failureThreshold"]
    assert load(service, given(service, tmp_path)).grace_seconds >= notices_after


@pytest.mark.parametrize(("part", "service"), DEPLOYED.items())
def test_the_probes_ask_the_port_that_is_served(part: str, service: str, tmp_path: Path) -> None:
    told = container(deployment(part))
    (port,) = told["ports"]
    assert port["containerPort"] == load(service, given(part, tmp_path)).port
    asked = {name: told[name]["httpGet"] for name in told if name.endswith("Probe")}
    assert asked == {
        "startupProbe": {"path": "/healthz", "port": port["name"]},
        "livenessProbe": {"path": "/healthz", "port": port["name"]},
        "readinessProbe": {"path": "/readyz", "port": port["name"]},
    }


@pytest.mark.parametrize("service", SETTINGS)
def test_a_service_is_found_by_its_name_and_port(service: str) -> None:
    (found,) = (each for each in OBJECTS if named(each) == f"Service/gatehouse-{service}")
    template = deployment(service)["spec"]["template"]
    assert found["spec"]["selector"].items() <= template["metadata"]["labels"].items()
    (served,) = container(deployment(service))["ports"]
    assert [each["targetPort"] for each in found["spec"]["ports"]] == [served["name"]]


def test_no_two_selectors_choose_the_same_pods() -> None:
    labels = [each["spec"]["template"]["metadata"]["labels"] for each in WORKLOADS.values()]
    for each in OBJECTS:
        if each["kind"] in ("Deployment", "Service"):
            wanted = each["spec"]["selector"]
            wanted = wanted.get("matchLabels", wanted)
            assert sum(wanted.items() <= those.items() for those in labels) == 1


@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_pod_may_run_where_the_restricted_standard_is_enforced(workload: str) -> None:
    told = pod(WORKLOADS[workload])
    assert told["securityContext"]["runAsNonRoot"] is True
    assert told["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container(WORKLOADS[workload])["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_pod_runs_as_the_user_of_its_image(workload: str) -> None:
    told = pod(WORKLOADS[workload])
    image = container(WORKLOADS[workload])["image"].partition(":")[0].removeprefix("gatehouse-")
    ids = told["securityContext"]
    assert f"{ids['runAsUser']}:{ids['runAsGroup']}" == dockerfile.last(image, "USER").rest


@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_pod_has_no_token_and_no_variables_that_it_did_not_ask_for(workload: str) -> None:
    told = pod(WORKLOADS[workload])
    assert told["automountServiceAccountToken"] is False
    assert told["enableServiceLinks"] is False
    (account,) = (
        each for each in OBJECTS if named(each) == f"ServiceAccount/{told['serviceAccountName']}"
    )
    assert account["automountServiceAccountToken"] is False


@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_pod_says_what_it_uses(workload: str) -> None:
    resources = container(WORKLOADS[workload])["resources"]
    assert resources["requests"].keys() == {"cpu", "memory"}
    assert "memory" in resources["limits"]


@pytest.mark.parametrize("workload", WORKLOADS)
def test_an_image_is_a_target_of_the_dockerfile_and_of_this_version(workload: str) -> None:
    name, _, tag = container(WORKLOADS[workload])["image"].partition(":")
    assert name.removeprefix("gatehouse-") in dockerfile.read_stages()
    assert tag == VERSION


def test_no_password_is_hashed_on_a_cpu_that_was_not_asked_for(tmp_path: Path) -> None:
    asked = container(deployment("executor"))["resources"]["requests"]["cpu"]
    assert given("executor", tmp_path)["GATEHOUSE_HASH_THREADS"] == asked


def test_no_secret_is_in_the_manifests() -> None:
    assert "Secret" not in {each["kind"] for each in OBJECTS}


def test_everything_can_be_applied_by_component() -> None:
    by_component: dict[str, set[str]] = {}
    for each in OBJECTS:
        component = each["metadata"]["labels"]["app.kubernetes.io/component"]
        by_component.setdefault(component, set()).add(each["kind"])
    served = {"ServiceAccount", "ConfigMap", "Service", "Deployment"}
    assert by_component == {
        **dict.fromkeys(SETTINGS, served),
        "messenger": {"ServiceAccount", "Deployment"},
        "migrate": {"ServiceAccount", "Job"},
    }
    # Messengers have the ConfigMap of executors, so both are applied at once.
    assert re.findall(r"-l '?app\.kubernetes\.io/component(?:=| in )(\w+|\([^)]*\))", GUIDE) == [
        "migrate",
        "(executor, messenger)",
        "compiler",
        "management",
    ]
    assert set(re.findall(r"rollout status deployment/(\S+)", GUIDE)) == DEPLOYMENTS


@pytest.fixture
def overlay(tmp_path: Path) -> tuple[Object, ...]:
    """What the guide has an operator apply."""
    (told,) = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    shutil.copytree(BASE, tmp_path / "base")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "kustomization.yaml").write_text(told)
    return render(tmp_path / "mine")


def test_the_guide_says_how_to_make_each_secret_and_no_other(overlay: tuple[Object, ...]) -> None:
    wanted = {file for part in DEPLOYED for file in mounted(part, overlay).values()}
    migration = container(WORKLOADS["Job/gatehouse-migrate"])["env"]
    for variable in migration:
        source = variable["valueFrom"]["secretKeyRef"]
        wanted.add((source["name"], source["key"]))
    commands = GUIDE.replace("\\\n", "")
    made = {
        (name, key)
        for name, rest in re.findall(r"kubectl create secret generic (\S+)(.*)", commands)
        for key in re.findall(r"--from-file=(\w+)=", rest)
    }
    assert made == wanted


def test_the_overlay_of_the_guide_renders_and_every_setting_in_it_is_known(
    overlay: tuple[Object, ...],
) -> None:
    for each in overlay:
        kubernetes_validate.validate(each, kubernetes_validate.latest_version(), strict=True)
        assert each["metadata"]["namespace"] == "gatehouse"
    changed = settings("executor", overlay)
    assert changed.keys() > settings("executor").keys()
    assert unknown("executor", changed) == set()


def test_in_the_overlay_of_the_guide_messengers_alone_know_the_mail_server(
    overlay: tuple[Object, ...],
) -> None:
    told = {part: settings(part, overlay).get("GATEHOUSE_SMTP_URL_FILE") for part in DEPLOYED}
    assert {part for part, file in told.items() if file} == {"messenger"}
    assert told["messenger"] in mounted("messenger", overlay)
    assert unknown("executor", settings("messenger", overlay)) == set()
