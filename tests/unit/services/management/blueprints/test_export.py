"""A flow that is written as a blueprint reads back as the same flow."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.common.flow.model import Edge, FlowType, Graph, Node, Policy, Position, Settings
from libs.common.nodes.catalogue import NODE_TYPES
from services.management.blueprints.export import write_blueprint
from services.management.blueprints.loaded import LoadedFlow
from services.management.blueprints.reading import read
from services.management.designations import DESIGNATION_OF, TYPE_OF
from tests.flows.cases import Case, flows
from tests.unit.services.management.blueprints.outside import loaded
from tests.unit.services.management.blueprints.written import FILES

DENY = b"denystage"
EXTENSION = b"\n    gatehouse:\n"


def written(flow: LoadedFlow) -> bytes:
    """Write `flow`, and see that it reads back."""
    text = write_blueprint(flow, NODE_TYPES)
    (again,) = loaded(text).flows
    assert msgspec.json.encode(again.graph) == msgspec.json.encode(flow.graph)
    assert (again.settings, again.type, again.name) == (flow.settings, flow.type, flow.name)
    assert (again.display_name, again.description) == (flow.display_name, flow.description)
    assert again.title == (flow.title or flow.display_name)
    assert dict(again.look) == dict(flow.look)
    return text


def chain(*nodes: Node, edges: tuple[Edge, ...] = (), **fields: object) -> LoadedFlow:
    names = ["start", *(node.id for node in nodes), "success"]
    graph = Graph(
        (Node("start", "start"), *nodes, Node("success", "success"), Node("failure", "failure")),
        (*(Edge(one, two) for one, two in pairwise(names)), *edges),
    )
    said = {"name": "orchard", "display_name": "Orchard", "type": FlowType.LOGIN, **fields}
    return msgspec.convert({**said, "graph": msgspec.to_builtins(graph)}, LoadedFlow)


# No flow has text with a NUL: it could not be read where it is stored.
CHARACTERS = st.characters(exclude_characters="\0", codec="utf-8")
LABELS = st.text(CHARACTERS, min_size=1, max_size=30).filter(lambda text: text == text.strip())
TEXTS = st.text(CHARACTERS, max_size=20)


@settings(max_examples=60)
@given(flows(), LABELS, st.none() | LABELS, st.none() | TEXTS)
def test_any_flow_reads_back(
    case: Case, name: str, title: str | None, description: str | None
) -> None:
    flow = case.flow
    written(
        LoadedFlow(
            name="any-flow",
            display_name=name.replace("\x00", "-"),
            title=title and title.replace("\x00", "-"),
            description=description,
            type=flow.type,
            graph=flow.graph,
            settings=flow.settings,
            look={"background": name},
        )
    )


@settings(max_examples=60)
@given(
    LABELS,
    st.lists(LABELS, min_size=1, max_size=3),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_whatever_is_written_in_a_graph_reads_back(id: str, texts: list[str], at: float) -> None:
    node = Node(id, "nothing-known", {"texts": texts, "n": at}, Position(at, 1), label=texts[0])
    written(chain(node, description="\u2028 no\n: #"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_was_imported_reads_back_and_says_nothing_that_is_lost(path: Path) -> None:
    for flow in loaded(path.read_bytes()).flows:
        text = written(msgspec.structs.replace(flow, title=flow.title or flow.display_name))
        assert {each.fate for each in loaded(text).report.remarks} <= {"changed"}


PASSWORD = Node("secret", "password_input", {"attempts": 3}, label="secret")


def test_a_chain_of_stages_is_written_as_stages_that_authentik_reads_too() -> None:
    who = Node("who", "identifier_input", {"identifier_types": ["username"]}, label="who")
    text = written(chain(who, PASSWORD))
    assert EXTENSION not in text
    assert text.count(b"!KeyOf flow") == 2
    assert b"failed_attempts_before_cancel: 3" in text


def test_what_only_looks_otherwise_is_written_as_stages_and_as_it_is() -> None:
    moved = chain(msgspec.structs.replace(PASSWORD, label=None, position=Position(1, 2)))
    for flow in (moved, chain(PASSWORD, type=FlowType.ACCOUNT_RECOVERY)):
        text = written(flow)
        assert EXTENSION in text
        assert b"passwordstage" in text
        assert DENY not in text


@pytest.mark.parametrize(
    "flow",
    [
        chain(msgspec.structs.replace(PASSWORD, policies=(Policy("false"),))),
        chain(PASSWORD, settings={"policies": [{"expression": "false"}]}),
        chain(PASSWORD, edges=(Edge("secret", "secret", "failure"),)),
        chain(Node("c", "condition", {"condition": "true"})),
        chain(Node("s", "subflow", {"flow": "other"}), PASSWORD),
        chain(PASSWORD, type=FlowType.TRIGGER, settings={"trigger": {"id": "post-login"}}),
    ],
)
def test_what_stages_would_say_otherwise_lets_nobody_past_in_authentik(flow: LoadedFlow) -> None:
    text = written(flow)
    assert EXTENSION in text
    models = [entry["model"] for entry in read(text)["entries"]]
    stages = [model for model in models if model.endswith("stage")]
    assert stages == ["authentik_stages_deny.denystage"]


def test_every_type_has_a_designation_and_every_designation_its_type() -> None:
    assert set(DESIGNATION_OF) == set(FlowType)
    for designation, type in TYPE_OF.items():
        assert DESIGNATION_OF[type] == designation
    assert set(DESIGNATION_OF.values()) <= set(TYPE_OF)


def test_settings_that_are_the_default_are_no_reason_to_say_more() -> None:
    assert written(chain(PASSWORD, settings={})) == written(
        chain(PASSWORD, settings=msgspec.to_builtins(Settings()))
    )


def test_what_a_prompt_shows_and_offers_is_written_in_authentiks_words() -> None:
    fields = [
        {"type": "typography", "text": "Fish & chips"},
        {"type": "rich_text", "text": "<b>Hello</b>"},
        {"type": "divider", "text": "or"},
        {
            "name": "size",
            "type": "dropdown",
            "label": "Size",
            "options": [{"value": "s", "label": "Small"}],
        },
    ]
    text = written(chain(Node("ask", "prompt", {"fields": fields}), type=FlowType.REGISTRATION))
    assert DENY not in text
    prompts = [
        entry["attrs"]
        for entry in read(text)["entries"]
        if entry["model"] == "authentik_stages_prompt.prompt"
    ]
    assert [(each["type"], each.get("initial_value")) for each in prompts] == [
        ("static", "Fish &amp; chips"),
        ("static", "<b>Hello</b>"),
        ("separator", None),
        ("dropdown", None),
    ]
    assert prompts[2]["placeholder"] == "or"
    assert prompts[3]["placeholder"] == 'return [{"value": "s", "label": "Small"}]'
