"""Golden tests that are stored with a flow: kept, run, and what fails them held up."""

import asyncpg
import pytest

from libs.common.documents import write_yaml
from libs.common.flow.model import Json
from services.management.goldens import MOST_TESTS
from tests.integration.management.conftest import GRAPH, Api, refused, token
from tests.integration.management.graphs import FLOWS, edit
from tests.integration.management.rolling import entries

SIGNS_IN: Json = {
    "persona": {"user": {"email": "a@example.com"}},
    "inputs": [{"email": "a@example.com"}, {"password": "x"}],
    "expect": {"result": "success", "path": ["start", "identifier", "password", "success"]},
}
IS_TOLD: Json = {
    **SIGNS_IN,
    "answers": {"password": "failure"},
    "expect": {"views": {"password": {"messages": [{"i18nKey": "password.wrong"}]}}},
}
STOPPED: Json = {
    "nodes": [
        *GRAPH["nodes"],
        {"id": "stop", "type": "condition", "config": {"condition": "false"}},
    ],
    "edges": [
        *GRAPH["edges"][:-1],
        {"source": "password", "target": "stop"},
        {"source": "stop", "target": "success", "condition": "true"},
        {"source": "stop", "target": "identifier", "condition": "false"},
    ],
}
"""`GRAPH`, whose end nobody reaches."""


async def tested(api: Api, **tests: Json) -> str:
    id = await api.create()
    for name, test in tests.items():
        await api.done("PUT", f"{FLOWS}/{id}/golden/{name.replace('_', ' ')}", test)
    return id


async def test_a_test_is_kept_as_it_was_sent(api: Api) -> None:
    id = await api.create()
    path = f"{FLOWS}/{id}/golden/signs in"
    first = await api.call("PUT", path, SIGNS_IN)
    assert (first.status, first.body) == (201, {"name": "signs in", **SIGNS_IN})
    again = await api.call("PUT", path, {"name": "signs in", **IS_TOLD})
    assert (again.status, again.body) == (200, {"name": "signs in", **IS_TOLD})
    assert await api.done("GET", path) == again.body
    assert await api.done("GET", f"{FLOWS}/{id}/golden") == {"tests": [again.body]}


async def test_a_test_may_be_sent_in_yaml(api: Api) -> None:
    id = await api.create()
    reply = await api.call(
        "PUT",
        f"{FLOWS}/{id}/golden/signs in",
        data=write_yaml(SIGNS_IN),
        headers={"Content-Type": "application/yaml"},
    )
    assert (reply.status, reply.body) == (201, {"name": "signs in", **SIGNS_IN})


async def test_all_tests_are_replaced_by_those_of_a_file(api: Api) -> None:
    id = await tested(api, old=SIGNS_IN)
    tests = [{"name": "b", **SIGNS_IN}, {"name": "a", **IS_TOLD}]
    reply = await api.call(
        "PUT",
        f"{FLOWS}/{id}/golden",
        data=write_yaml({"tests": tests}),
        headers={"Content-Type": "application/yaml"},
    )
    assert reply.body == {"tests": tests[::-1]}
    assert await api.done("GET", f"{FLOWS}/{id}/golden") == reply.body


async def test_tests_are_removed_one_by_one_or_all_at_once(api: Api) -> None:
    id = await tested(api, a=SIGNS_IN, b=SIGNS_IN, c=SIGNS_IN)
    path = f"{FLOWS}/{id}/golden"
    assert (await api.call("DELETE", f"{path}/b")).status == 204
    refused(await api.call("DELETE", f"{path}/b"), 404, "not_found")
    refused(await api.call("GET", f"{path}/b"), 404, "not_found")
    assert [each["name"] for each in (await api.done("GET", path))["tests"]] == ["a", "c"]
    assert (await api.call("DELETE", path)).status == 204
    assert await api.done("GET", path) == {"tests": []}


async def test_a_change_of_tests_makes_no_version_and_is_kept_in_the_audit_log(
    api: Api, rows: asyncpg.Connection
) -> None:
    id = await tested(api, a=SIGNS_IN)
    await api.done("DELETE", f"{FLOWS}/{id}/golden/a")
    await api.done("PUT", f"{FLOWS}/{id}/golden", {"tests": []})
    about = {"version": 1, "changed": ["golden_tests"]}
    assert [details for _, _, details in await entries(rows, "update")] == [
        {**about, "put": "a"},
        {**about, "deleted": "a"},
        about,
    ]
    assert (await api.done("GET", f"{FLOWS}/{id}"))["version"] == 1


async def test_tests_are_run_on_the_newest_version_with_the_edges_that_they_walk(api: Api) -> None:
    id = await tested(api, signs_in=SIGNS_IN, is_told=IS_TOLD)
    assert await api.done("POST", f"{FLOWS}/{id}/golden/run") == {
        "version": 1,
        "passed": True,
        "tests": [
            {"name": "is told", "passed": True, "misses": []},
            {"name": "signs in", "passed": True, "misses": []},
        ],
        "coverage": {"walked": 3, "edges": 3, "missed": []},
    }


async def test_tests_are_run_on_the_version_that_is_named(api: Api) -> None:
    id = await tested(api, signs_in=SIGNS_IN)
    await edit(api, id, STOPPED)
    path = f"{FLOWS}/{id}/golden/run"
    newest = await api.done("POST", path)
    assert (newest["version"], newest["passed"]) == (2, False)
    assert newest["coverage"]["missed"] == [
        {"source": "stop", "target": "success", "condition": "true"}
    ]
    first = await api.done("POST", path, {"version": 1})
    assert (first["version"], first["passed"]) == (1, True)
    refused(await api.call("POST", path, {"version": 3}), 404, "not_found")


async def test_a_version_that_cannot_run_cannot_be_tested(api: Api) -> None:
    id = await api.create(graph={"nodes": [], "edges": []})
    refused(await api.call("POST", f"{FLOWS}/{id}/golden/run"), 400, "invalid")


async def test_a_version_that_fails_a_test_is_not_activated_without_a_reason(
    api: Api, rows: asyncpg.Connection
) -> None:
    id = await tested(api, signs_in=SIGNS_IN)
    path = f"{FLOWS}/{id}/activate"
    await api.done("POST", path)
    await edit(api, id, STOPPED)
    reply = await api.call("POST", path)
    refused(reply, 400, "invalid")
    (problem,) = reply.body["problems"]
    assert (problem["code"], problem["path"]) == ("golden_failed", "signs in")
    assert 'result: expected "success"; got "waiting"' in problem["message"]
    assert "path: expected start → identifier → password → success; went" in problem["message"]
    shares = {"versions": [{"version": 1, "weight": 9}, {"version": 2, "weight": 1}]}
    refused(await api.call("PUT", f"{FLOWS}/{id}/rollout", shares), 400, "invalid")
    await api.done("POST", path, {"override_reason": "the test is older than the law"})
    [(_, _, details)] = await entries(rows, "override")
    assert details == {
        "version": 2,
        "reason": "the test is older than the law",
        "failed": ["signs in"],
    }


async def test_a_test_that_this_release_cannot_read_holds_a_version_up(
    api: Api, rows: asyncpg.Connection
) -> None:
    id = await tested(api, signs_in=SIGNS_IN)
    await rows.execute("UPDATE golden_tests SET test = '{\"expects\": {}}'")
    reply = await api.call("POST", f"{FLOWS}/{id}/activate")
    refused(reply, 400, "invalid")
    assert "the test cannot be read" in reply.body["problems"][0]["message"]


@pytest.mark.parametrize(
    ("name", "body", "path"),
    [
        ("a", {"expect": {}}, "expect"),
        ("a", {"inputs": []}, "expect"),
        ("a", {**SIGNS_IN, "flow": "x.yaml"}, "flow"),
        ("a", {**SIGNS_IN, "name": "b"}, "name"),
        ("a", {"expect": {"result": "maybe"}}, "expect.result"),
        ("a%2Fb", SIGNS_IN, "name"),
        ("a%00", SIGNS_IN, "name"),
        ("x" * 201, SIGNS_IN, "name"),
    ],
)
async def test_a_test_that_is_none_is_refused_with_its_path(
    api: Api, name: str, body: Json, path: str
) -> None:
    id = await api.create()
    reply = await api.call("PUT", f"{FLOWS}/{id}/golden/{name}", body)
    refused(reply, 400, "invalid")
    assert [problem["path"] for problem in reply.body["problems"]] == [path]


async def test_each_of_several_tests_has_a_name_of_its_own(api: Api) -> None:
    id = await api.create()
    tests = [{"name": "a", **SIGNS_IN}, {"name": "a", "expect": {}}]
    reply = await api.call("PUT", f"{FLOWS}/{id}/golden", {"tests": tests})
    refused(reply, 400, "invalid")
    assert [each["path"] for each in reply.body["problems"]] == ["tests[1].expect", "tests[1].name"]


async def test_a_flow_has_a_bounded_number_of_tests(api: Api) -> None:
    id = await api.create()
    tests = [{"name": f"test {number}", **IS_TOLD} for number in range(MOST_TESTS + 1)]
    path = f"{FLOWS}/{id}/golden"
    refused(await api.call("PUT", path, {"tests": tests}), 400, "invalid")
    await api.done("PUT", path, {"tests": tests[1:]})
    refused(await api.call("PUT", f"{path}/one more", IS_TOLD), 400, "invalid")
    await api.done("PUT", f"{path}/test 1", SIGNS_IN)


async def test_who_may_read_flows_may_run_tests_and_not_change_them(api: Api) -> None:
    id = await tested(api, a=SIGNS_IN)
    path, reader = f"{FLOWS}/{id}/golden", token("read:flows")
    for method, where in (("GET", path), ("GET", f"{path}/a"), ("POST", f"{path}/run")):
        assert (await api.call(method, where, bearer=reader)).status == 200
    for method, where in (("PUT", f"{path}/a"), ("DELETE", f"{path}/a"), ("DELETE", path)):
        refused(await api.call(method, where, SIGNS_IN, bearer=reader), 403, "denied")


async def test_tests_of_a_flow_that_is_not_there_are_not_found(api: Api) -> None:
    path = f"{FLOWS}/flow_none/golden"
    for method, where in (("GET", path), ("PUT", f"{path}/a"), ("DELETE", path)):
        refused(await api.call(method, where, SIGNS_IN), 404, "not_found")
    refused(await api.call("POST", f"{path}/run"), 404, "not_found")
