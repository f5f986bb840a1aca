"""Every code of a problem, by its fixture: a flow that has it, and the least that mends that.

`tests/fixtures/codes/<code>.yaml` holds the flow and its `problem`, the part of the message that
says how to `mend` it, and which nodes and edges the near miss is `without`, or has `with` it. Where
the flow cannot but have another problem as well, that is named `beside`.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import msgspec
import pytest
import yaml

from libs.common import nodes
from libs.common.flow import node, rules
from libs.common.flow.expression import analyse
from libs.common.flow.rules import Report, validate
from libs.common.nodes.catalogue import NODE_TYPES
from tools.cases import FIXTURES, flow_of, library_of

CODES = FIXTURES.with_name("codes")
GUIDE = FIXTURES.parents[2] / "docs" / "how-to" / "write-a-flow.md"
SEED: Final = {"missing_start_node", "unreachable_success", "invalid_edge", "unused_node"}
"""Codes whose words are those of seed 001: clients may know them. The guide says how to mend."""
PROMISED: Final = SEED | {
    "duplicate_node_id",
    "unknown_node_type",
    "invalid_config",
    "missing_edge",
    "unknown_outcome",
    "multiple_start_nodes",
    "invalid_expression",
    "unknown_attribute",
    "attribute_not_set",
    "dead_end",
    "endless_loop",
    "unauthenticated_success",
    "policy_violation",
}
"""What authors are promised to be told of; no release may forget one."""
LITTLE: Final = 4
"""Nodes and edges that are one thing to mend."""

MAKES_PROBLEMS: Final = {"Problem", "_problem", "_report", "Finding"}
CODE: Final = re.compile(r"[a-z]+(_[a-z]+)+")
OF_A_SUBMIT: Final = {"unknown_action"}
"""What nodes refuse when they run, not of a flow."""


def modules() -> Iterator[ModuleType]:
    """All that may find something wrong with a flow."""
    yield from (rules, node, analyse)
    for package in (rules, nodes):
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(found.name)


def codes_in(module: ModuleType) -> Iterator[str]:
    """The codes that a module writes: among the first arguments of what makes a problem."""
    for call in ast.walk(ast.parse(Path(module.__file__ or "").read_text("utf-8"))):
        if isinstance(call, ast.Call) and name_of(call.func) in MAKES_PROBLEMS:
            for argument in call.args[:2]:
                value = written(argument, module)
                if isinstance(value, str) and CODE.fullmatch(value):
                    yield value


def written(argument: ast.expr, module: ModuleType) -> object:
    """What a literal, or the name of a constant, stands for."""
    match argument:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return getattr(module, name, None)
        case _:
            return None


def name_of(called: ast.expr) -> str:
    return called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")


def case_of(code: str) -> dict[str, Any]:
    case: dict[str, Any] = yaml.safe_load((CODES / f"{code}.yaml").read_text("utf-8"))
    return case


def checked(case: Mapping[str, Any]) -> Report:
    return validate(flow_of(case), NODE_TYPES, library_of(case))


def mended(case: Mapping[str, Any]) -> dict[str, Any]:
    """The near miss: the same flow, without some of its nodes and edges, with some others."""
    without, more = case.get("without", []), case.get("with", [])
    assert 0 < len(without) + len(more) <= LITTLE
    assert all(each in case["nodes"] + case["edges"] for each in without)
    kept = {part: [each for each in case[part] if each not in without] for part in PARTS}
    added = {part: [each for each in more if (part == "nodes") is ("id" in each)] for part in PARTS}
    return {**case, **{part: kept[part] + added[part] for part in PARTS}}


PARTS: Final = ("nodes", "edges")
every_code = pytest.mark.parametrize("code", sorted(path.stem for path in CODES.glob("*.yaml")))


def test_every_code_that_is_written_anywhere_has_its_fixture() -> None:
    found = {code for module in modules() for code in codes_in(module)} - OF_A_SUBMIT
    assert {path.stem for path in CODES.glob("*.yaml")} == found


def test_every_code_that_is_promised_is_there() -> None:
    assert {path.stem for path in CODES.glob("*.yaml")} >= PROMISED


@every_code
def test_its_flow_is_told_of_and_of_nothing_else(code: str) -> None:
    case = case_of(code)
    report = checked(case)
    first, *others = (*report.errors, *report.warnings)
    assert {each.code for each in (first, *others)} == {code, *case.get("beside", ())}
    said = msgspec.json.decode(msgspec.json.encode(first))
    wanted = {"code": code, **case["problem"]}
    assert {key: said.get(key) for key in wanted} == wanted


@every_code
def test_its_message_says_how_to_mend_it_and_so_does_the_guide(code: str) -> None:
    case = case_of(code)
    first = next(iter((*checked(case).errors, *checked(case).warnings)))
    assert code in SEED or case["mend"] in first.message
    assert f"| `{code}` " in GUIDE.read_text("utf-8")


@every_code
def test_the_same_flow_with_little_changed_has_no_problem(code: str) -> None:
    near_miss = checked(mended(case_of(code)))
    assert (near_miss.errors, near_miss.warnings) == ((), ())
