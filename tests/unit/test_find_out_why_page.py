"""The page about step logs shows what is told of a session of the flow that it shows."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from libs.common.flow.kept import NUMBERS, SLUGS
from libs.common.flow.model import Flow, FlowType, Graph, Json
from libs.common.flow.plan import Program
from libs.common.flow.record import MOST_ENTRIES
from libs.common.flow.replay import replay
from services.executor.inspect import record_of
from services.executor.steplog import LARGEST
from tests.recordings import Recorded
from tests.walks import program
from tests.worlds import PASSWORD, World

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "find-out-why.md").read_text("utf-8")
BLOCK = re.compile(r"^```json\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FLOW, TOLD, REPLAYED = map(json.loads, BLOCK.findall(PAGE))
(CONDITION,) = re.findall(r"^```text\n(.*)\n```$", PAGE, re.MULTILINE)
SASHA: Json = {"role": "admin", "mfa_enabled": False, "email": "sasha@example.com"}
PASSING = {"plan", "started_at", "expires_at"}
"""What of an answer belongs to the moment and the release."""


def version(number: int, condition: str | None = None) -> Program:
    """Compile the flow that is shown, with another condition if one is given."""
    graph = json.loads(json.dumps(FLOW["graph"]))
    if condition is not None:
        (node,) = (each for each in graph["nodes"] if each["type"] == "condition")
        node["config"]["condition"] = condition
    drawn = msgspec.convert(graph, Graph)
    kind = FlowType(FLOW["type"])
    return program(Flow("flow_sign_in", number, kind, drawn, name=FLOW["name"]))


@pytest.fixture
def session() -> Recorded:
    """Sasha's."""
    made = Recorded(version(7), World(sasha=SASHA))
    made.sends(email="sasha@example.com")
    made.sends(password=PASSWORD)
    return made


def lasting(answer: object) -> Json:
    """Return an answer as it is sent, without what passes."""
    sent = json.loads(msgspec.json.encode(answer))
    return {key: value for key, value in sent.items() if key not in PASSING}


def test_what_is_shown_is_what_is_told_of_the_session(session: Recorded) -> None:
    told = lasting(record_of(TOLD["id"], session.tape, version(7), cut=False))
    assert told == lasting(TOLD)
    assert set(TOLD) == {*told, *PASSING}


def test_the_replay_that_is_shown_is_what_comes_of_it(session: Recorded) -> None:
    played = lasting(replay(session.tape, version(7), version(8, CONDITION)))
    assert {**played, "trace": played["trace"][-3:]} == lasting(REPLAYED)
    assert replay(session.tape, version(7)).same


def test_the_bounds_and_names_that_are_named_are_those() -> None:
    assert f"the first {MOST_ENTRIES} are kept" in PAGE
    assert f"larger than {LARGEST // 1024} KiB" in PAGE
    assert all(f"`{name}`" in PAGE for name in SLUGS)
    assert {name for name in NUMBERS if f"`{name}`" not in PAGE} == {
        "last_login",
        "created_at",
        "updated_at",
    }
