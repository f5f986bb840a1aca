"""Reads files of golden tests: a flow, what its tenant has beside it, and tests of it.

    flow: login.json                 # as it is sent to be created, or as it was exported; or
    flow: {type: login, graph: …}    # the same, here
    library: [step-up.yaml]          # the flows that it runs inside, and the triggers
    invariants: [{name: …}]          # of its tenant
    tests:
      - name: a wrong password is told
        persona: …
        inputs: …
        answers: …
        expect: …

A file with one test may have its fields beside `flow`. Paths are relative to the file that names
them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

import msgspec

from libs.common.documents import Document, read_document
from libs.common.errors import Invalid, Problem
from libs.common.flow.golden import NamedGolden, check, check_all
from libs.common.flow.model import (
    AnySlug,
    Flow,
    FlowType,
    Graph,
    Invariant,
    Json,
    Library,
    Settings,
)
from libs.common.flow.proof import check_invariants
from libs.common.misfit import misfits

DEPTH: Final = 64
"""How deep lists and maps may lie in each other."""

T = TypeVar("T")


class Unreadable(Exception):
    """A file that is no file of golden tests; each line of the message names file and line."""


class Written(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A flow, as it is sent to be created."""

    name: AnySlug = "flow"
    type: FlowType
    graph: Graph
    display_name: str | None = None
    description: str | None = None
    golden_tests: Json = None
    """Those that an export carries are not run from here."""

    def flow(self) -> Flow:
        """Return what is compiled."""
        settings = Settings(**{name: getattr(self, name) for name in Settings.__struct_fields__})
        return Flow(f"flow_{self.name}", 1, self.type, self.graph, settings, self.name)


class Exported(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A flow, as it is exported."""

    gatehouse: Literal[1]
    flow: Written


class Shared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all tests of a file have in common."""

    flow: Json
    """The path of one, or one written out."""
    library: tuple[str, ...] = ()
    invariants: tuple[Invariant, ...] = ()


class Several(Shared, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of several tests."""

    tests: Annotated[tuple[NamedGolden, ...], msgspec.Meta(min_length=1)]


class Suite(msgspec.Struct, frozen=True):
    """Golden tests of one flow."""

    flow: Flow
    library: Library
    tests: tuple[NamedGolden, ...]


def read_suite(path: Path) -> Suite:
    """Read a file of golden tests, and the files that it names; raise `Unreadable`."""
    document = _document(path)
    shared: Shared
    tests: tuple[NamedGolden, ...]
    if isinstance(document.value, dict) and "tests" not in document.value:
        shared, test = _single(path, document, document.value)
        tests, wrong = (test,), check(test)
    else:
        several = _convert(path, document, Several)
        shared, tests, wrong = several, several.tests, check_all(several.tests)
    flow = _flow(path, document, shared.flow)
    problems = (*wrong, *_wrong_invariants(shared.invariants))
    if problems:
        raise _unreadable(path, document, problems)
    others = [_flow_in(path.parent / name) for name in shared.library]
    return Suite(flow, _library(path, flow, others, shared.invariants), tests)


def _wrong_invariants(invariants: tuple[Invariant, ...]) -> Iterator[Problem]:
    for problem in check_invariants(invariants):
        yield msgspec.structs.replace(problem, path=f"invariants{problem.path}")


def _single(
    path: Path, document: Document, written: Mapping[str, Json]
) -> tuple[Shared, NamedGolden]:
    """Read a file of one test."""
    common = {name: written[name] for name in Shared.__struct_fields__ if name in written}
    test = {name: each for name, each in written.items() if name not in common}
    return (
        _convert(path, Document(common, document.lines), Shared),
        _convert(path, Document(test, document.lines), NamedGolden),
    )


def _library(
    path: Path, flow: Flow, others: list[Flow], invariants: tuple[Invariant, ...]
) -> Library:
    flows = {flow.name: flow}
    for other in others:
        if other.name in flows:
            raise Unreadable(f"{path}: two flows are called `{other.name}`; name each differently")
        flows[other.name] = other
    triggers = tuple(other for other in others if other.type is FlowType.TRIGGER)
    return Library(flows, triggers, invariants)


def _flow(path: Path, document: Document, written: Json) -> Flow:
    if isinstance(written, str):
        return _flow_in(path.parent / written)
    return _convert(path, Document(written, document.lines), Written, "flow").flow()


def _flow_in(path: Path) -> Flow:
    document = _document(path)
    if isinstance(document.value, dict) and "gatehouse" in document.value:
        return _convert(path, document, Exported).flow.flow()
    return _convert(path, document, Written).flow()


def _document(path: Path) -> Document:
    try:
        data = path.read_bytes()
        if path.suffix == ".json":
            return Document(msgspec.json.decode(data), {"": 1})
        return read_document(data, depth=DEPTH)
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"{path}: it is not JSON: {error}") from error
    except Invalid as error:
        raise Unreadable("\n".join(f"{path}: {each.message}" for each in error.problems)) from error


def _convert(path: Path, document: Document, kind: type[T], at: str = "") -> T:
    problems = tuple(misfits(document.value, kind, at))
    if problems:
        raise _unreadable(path, document, problems)
    return msgspec.convert(document.value, kind)


def _unreadable(path: Path, document: Document, problems: tuple[Problem, ...]) -> Unreadable:
    lines = (
        f"{path}:{document.line(each.path)}: {each.path or 'the whole'}: {each.message}"
        for each in problems
    )
    return Unreadable("\n".join(lines))
