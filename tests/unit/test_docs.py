"""What the pages say exists, and what they show works."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from libs.common.chassis.config import _names, _settings
from libs.common.chassis.consume import DEAD
from libs.common.chassis.metrics import Metrics
from libs.common.chassis.serve import VERSION
from libs.common.flow.model import Flow, FlowType, Graph, Library, Settings
from libs.common.flow.rules import validate
from libs.common.nodes.catalogue import NODE_TYPES
from libs.common.wire.events import EVENTS
from services.compiler.metrics import CompilerMetrics
from services.executor.metrics import ExecutorMetrics
from services.executor.nats import EFFECTS, MESSAGES
from services.management.limits import LimitMetrics
from services.management.outbox import OutboxMetrics
from tests.unit.deploy.settings import SETTINGS

PROJECT = Path(__file__).parents[2]
PAGES = sorted((*PROJECT.glob("*.md"), *PROJECT.glob("[!.]*/**/*.md")))

BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
VARIABLE = re.compile(r"\bGATEHOUSE_[A-Z0-9_]+")
# By how metrics end, since volumes and channels begin so too.
METRIC = re.compile(
    r"\bgatehouse_[a-z0-9_]+_(?:total|seconds|depth|info|lag)(?:_(?:bucket|sum|count))?\b"
)

VARIABLES = {
    name for kind in SETTINGS.values() for setting in _settings(kind) for name in _names(setting)
}
STREAMS = {EVENTS, EFFECTS.name, MESSAGES.name, DEAD.name}


def registered() -> set[str]:
    """Every metric of the three services, by the names of its family: a counter's lack `_total`."""
    metrics = Metrics("any", VERSION)
    registry = metrics.registry
    ExecutorMetrics(metrics)
    LimitMetrics(registry)
    OutboxMetrics(registry)
    CompilerMetrics(registry)
    return {family.name for family in registry.collect()}


METRICS = registered()
SUFFIX = re.compile(r"_(?:total|bucket|sum|count)$")


def json_blocks(text: str) -> list[str]:
    return [block for language, block in BLOCK.findall(text) if language == "json"]


def flows(text: str) -> Iterator[Flow]:
    """Every flow that is shown: a whole one, or a graph, which counts as a login's."""
    for block in json_blocks(text):
        shown = json.loads(block)
        whole = shown if "graph" in shown else {"type": "login", "graph": shown}
        # What changed from one graph to another has nodes as well, by what became of them.
        if isinstance(whole["graph"].get("nodes"), list):
            graph = msgspec.convert(whole["graph"], Graph)
            said = {key: whole[key] for key in Settings.__struct_fields__ if key in whole}
            settings = msgspec.convert(said, Settings)
            name = whole.get("name", "")
            yield Flow("flow_shown", 1, FlowType(whole["type"]), graph, settings, name)


def library(text: str) -> Library:
    """What the page's flows find in their tenant: all that have a name, as if they were active."""
    shown = [flow for flow in flows(text) if flow.name]
    triggers = tuple(flow for flow in shown if flow.type is FlowType.TRIGGER)
    return Library({flow.name: flow for flow in shown}, triggers)


def lost_links(text: str, page: Path) -> list[str]:
    """Links to files or headings that are not there."""
    return [
        link
        for link in LINK.findall(INLINE.sub("", BLOCK.sub("", text)))
        if "://" not in link and not leads_somewhere(link, page)
    ]


def leads_somewhere(link: str, page: Path) -> bool:
    path, _, heading = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists() or not target.is_relative_to(PROJECT):
        return False
    return not heading or heading in map(anchor, HEADING.findall(target.read_text("utf-8")))


def anchor(heading: str) -> str:
    """Name a heading as GitHub does."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def unknown_names(text: str) -> set[str]:
    metrics = {name for name in METRIC.findall(text) if not is_metric(name)}
    return {*VARIABLE.findall(text)} - VARIABLES - STREAMS | metrics


def is_metric(name: str) -> bool:
    return name in METRICS or SUFFIX.sub("", name) in METRICS


def named(page: Path) -> str:
    return str(page.relative_to(PROJECT))


every_page = pytest.mark.parametrize("page", PAGES, ids=named)


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    assert lost_links(page.read_text("utf-8"), page) == []


@every_page
def test_every_json_block_is_json(page: Path) -> None:
    for block in json_blocks(page.read_text("utf-8")):
        json.loads(block)


@every_page
def test_every_flow_that_is_shown_is_valid(page: Path) -> None:
    text = page.read_text("utf-8")
    for flow in flows(text):
        report = validate(flow, NODE_TYPES, library(text))
        assert (report.errors, report.warnings) == ((), ())


@every_page
def test_every_variable_and_metric_exists(page: Path) -> None:
    assert unknown_names(page.read_text("utf-8")) == set()


def test_the_pages_are_found() -> None:
    found = {named(page) for page in PAGES}
    assert {"README.md", "docs/README.md", "docs/how-to/write-a-flow.md"} <= found
    assert not any(name.startswith(".") for name in found)


@pytest.mark.parametrize("link", ["gone.md", "README.md#gone", "../../outside.md", "#gone"])
def test_a_lost_link_is_found(link: str) -> None:
    page = PROJECT / "README.md"
    assert lost_links(f"see [it]({link}), not [code](`it`)", page) == [link]
    assert lost_links("see [it](CONTRIBUTING.md#tests), [us](https://example.com/gone)", page) == []


def test_what_is_only_quoted_is_no_link() -> None:
    text = "`[it](gone.md)`\n```sh\n[it](gone.md)\n```\n"
    assert lost_links(text, PROJECT / "README.md") == []


def test_flows_are_found_whole_and_as_graphs() -> None:
    graph = '{"nodes": [{"id": "done", "type": "success"}], "edges": []}'
    whole = f'{{"name": "x", "type": "registration", "graph": {graph}}}'
    text = "".join(f"```json\n{each}\n```\n" for each in (graph, whole, '{"flowType": "LOGIN"}'))
    assert [flow.type for flow in flows(text)] == [FlowType.LOGIN, FlowType.REGISTRATION]


@pytest.mark.parametrize("name", ["GATEHOUSE_PROT", "gatehouse_flow_begins_total"])
def test_a_name_that_nothing_has_is_found(name: str) -> None:
    known = "GATEHOUSE_PORT GATEHOUSE_REDIS_URL_FILE GATEHOUSE_EVENTS gatehouse_flow_starts_total"
    assert unknown_names(f"`{known}` and `{name}`") == {name}
