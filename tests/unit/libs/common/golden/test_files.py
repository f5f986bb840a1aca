"""Files of golden tests, and what is said of those that are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from libs.common.flow.golden import Expect
from libs.common.flow.model import FlowType, Json, Trigger, TriggerPoint
from libs.common.golden.files import Unreadable, read_suite

GRAPH: Json = {
    "nodes": [{"id": "start", "type": "start"}, {"id": "done", "type": "success"}],
    "edges": [{"source": "start", "target": "done"}],
}
SIGN_UP: Json = {"name": "sign-up", "display_name": "A", "type": "registration", "graph": GRAPH}
TESTS = "tests:\n- name: a\n  expect: {result: success}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sign-up.json").write_text(json.dumps(SIGN_UP))
    return tmp_path


def write(folder: Path, text: str, name: str = "some.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def refusal(path: Path) -> list[str]:
    """What is said, line by line, each of them with the file."""
    with pytest.raises(Unreadable) as refused:
        read_suite(path)
    lines = str(refused.value).splitlines()
    folder = f"{path.parent}/"
    assert all(line.startswith(folder) for line in lines)
    return [line.removeprefix(folder) for line in lines]


def test_a_flow_may_lie_in_a_file_beside_it(folder: Path) -> None:
    suite = read_suite(write(folder, "flow: sign-up.json\n" + TESTS))
    assert (suite.flow.name, suite.flow.type) == ("sign-up", FlowType.REGISTRATION)
    assert [(test.name, test.expect) for test in suite.tests] == [("a", Expect(result="success"))]
    assert suite.library.flows == {"sign-up": suite.flow}


def test_a_flow_may_be_written_out(folder: Path) -> None:
    written = json.dumps({"type": "login", "graph": GRAPH, "authentication": "require_outpost"})
    suite = read_suite(write(folder, f"flow: {written}\n" + TESTS))
    assert suite.flow.type is FlowType.LOGIN
    assert suite.flow.settings.authentication == "require_outpost"


def test_a_flow_may_be_an_export(folder: Path) -> None:
    exported = {"gatehouse": 1, "flow": {**SIGN_UP, "golden_tests": [{"name": "x", "test": {}}]}}
    write(folder, json.dumps(exported), "export.yaml")
    suite = read_suite(write(folder, "flow: export.yaml\n" + TESTS))
    assert suite.flow.name == "sign-up"


def test_a_file_may_hold_a_single_test(folder: Path) -> None:
    suite = read_suite(
        write(folder, "flow: sign-up.json\nname: a\ninputs: [{}]\nexpect: {path: [start]}\n")
    )
    (test,) = suite.tests
    assert (test.name, test.inputs, test.expect.path) == ("a", ({},), ("start",))


def test_what_the_tenant_has_beside_it_is_read(folder: Path) -> None:
    trigger = {**SIGN_UP, "name": "after", "type": "trigger", "trigger": {"id": "post-login"}}
    write(folder, json.dumps(trigger), "after.json")
    write(folder, json.dumps({**SIGN_UP, "name": "inner"}), "inner.json")
    text = "flow: sign-up.json\nlibrary: [after.json, inner.json]\n" + TESTS
    invariant = "invariants: [{name: m, type: login, require: 'size(factors) > 1'}]\n"
    library = read_suite(write(folder, text + invariant)).library
    assert set(library.flows) == {"sign-up", "after", "inner"}
    assert [each.settings.trigger for each in library.triggers] == [
        Trigger(TriggerPoint.POST_LOGIN)
    ]
    assert [each.name for each in library.invariants] == ["m"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("flow: sign-up.json\n", ["1: expect: it is required", "1: name: it is required"]),
        (TESTS, ["1: flow: it is required"]),
        ("flow: sign-up.json\ntests: []\n", ["2: tests: Expected `array` of length >= 1"]),
        (
            "flow: sign-up.json\nteste: []\nname: a\nexpect: {result: success}\n",
            ["2: teste: there is no such field; there are:"],
        ),
        (
            "flow: sign-up.json\ntests:\n- name: a\n  expect:\n    result: maybe\n    way: 1\n",
            ["6: tests[0].expect.way: there", "5: tests[0].expect.result: Expected one of"],
        ),
        (
            "flow: sign-up.json\ntests:\n- {name: a, expect: {}}\n- {name: a, expect: {path: []}}",
            ["3: tests[0].expect: Expect something", "4: tests[1].name: Another test"],
        ),
        (
            "flow: sign-up.json\nname: a\nexpect: {}\n",
            ["3: expect: Expect something"],
        ),
        (
            "flow:\n  type: logi\n  graph: {nodes: [], edges: []}\n" + TESTS,
            ["2: flow.type: Expected one of"],
        ),
        ("flow: 7\n" + TESTS, ["1: flow: Expected `object`"]),
        (
            "flow: sign-up.json\n"
            + TESTS
            + "invariants:\n- name: m\n  type: login\n  require: 'size('\n",
            ["8: invariants[0].require: "],
        ),
        ("[]", ["1: the whole: Expected `object`"]),
    ],
)
def test_all_that_is_wrong_is_told_with_its_line(folder: Path, text: str, said: list[str]) -> None:
    found = refusal(write(folder, text))
    assert len(found) == len(said)
    for line, start in zip(found, said, strict=True):
        assert line.startswith(f"some.yaml:{start}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("flow: [", "some.yaml: did not find expected node content"),
        ("flow: &a x\n", "some.yaml: no anchors (line 1)"),
        ("", "some.yaml: it is empty"),
        ("flow: none.json\n" + TESTS, "none.json: No such file or directory"),
        ("flow: bad.json\n" + TESTS, "bad.json: it is not JSON: "),
        ("flow: wrong.json\n" + TESTS, "wrong.json:1: graph: it is required"),
        ("flow: export.json\n" + TESTS, "export.json:1: gatehouse: Expected one of `1`"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(folder: Path, text: str, said: str) -> None:
    write(folder, "{", "bad.json")
    write(folder, '{"type": "login"}', "wrong.json")
    write(folder, json.dumps({"gatehouse": 2, "flow": SIGN_UP}), "export.json")
    (line,) = refusal(write(folder, text))
    assert line.startswith(said)


def test_flows_of_one_name_cannot_be_told_apart(folder: Path) -> None:
    path = write(folder, "flow: sign-up.json\nlibrary: [sign-up.json]\n" + TESTS)
    assert refusal(path) == ["some.yaml: two flows are called `sign-up`; name each differently"]
