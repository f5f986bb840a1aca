"""The page about calls: what it shows is taken, and its receiver tells our calls from others'."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from libs.common.chassis.signing import sign
from libs.common.flow.model import Edge, Flow, FlowType, Graph, Library, Named, Node
from libs.common.flow.rules import validate
from libs.common.nodes.catalogue import NODE_TYPES
from libs.common.secret import Secret, decode_secret
from services.management.routes import actions, providers

PAGE = (Path(__file__).parents[2] / "docs/how-to/call-other-services.md").read_text("utf-8")
COMMAND = re.compile(r"^api POST (\S+) '(.*)'$", re.MULTILINE)
BODIES: dict[str, Any] = {
    "/api/admin/actions": actions.CreateBody,
    "/api/admin/providers": providers.CreateBody,
}
BODY = b'{"flow":"registration"}'


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    text: str = found
    return text


def receiver() -> Callable[[str, str, bytes], bool]:
    names: dict[str, Any] = {}
    exec(block("python"), names)  # noqa: S102 -- the page is ours
    is_ours: Callable[[str, str, bytes], bool] = names["is_ours"]
    return is_ours


def test_what_is_sent_in_its_commands_is_taken() -> None:
    sent = COMMAND.findall(PAGE)
    assert {path for path, _ in sent} == set(BODIES)
    for path, body in sent:
        msgspec.convert(json.loads(body), BODIES[path], dec_hook=decode_secret)


def test_its_node_is_valid_where_its_action_is_registered() -> None:
    call = msgspec.convert(json.loads(block("json")), Node)
    nodes = (Node("start", "start"), call, Node("done", "success"))
    edges = (Edge(call.id, "done"), Edge(call.id, "done", "review"))
    ask = Node("ask", "prompt", {"fields": [{"name": "email", "type": "email", "label": "E-mail"}]})
    graph = Graph((*nodes, ask), (Edge("start", "ask"), Edge("ask", call.id), *edges))
    flow = Flow("flow_case", 1, FlowType.REGISTRATION, graph)
    report = validate(flow, NODE_TYPES, Library(registered=frozenset({Named("action", "risk")})))
    assert (report.errors, report.warnings) == ((), ())


def test_its_receiver_takes_what_is_signed_with_any_of_our_secrets() -> None:
    now = int(time.time())
    both = sign((Secret("one"), Secret("two")), now, BODY)
    assert receiver()("one", both, BODY)
    assert receiver()("two", both, BODY)


def test_its_receiver_takes_nothing_else() -> None:
    now = int(time.time())
    right = sign((Secret("one"),), now, BODY)
    assert not receiver()("other", right, BODY)
    assert not receiver()("one", right, BODY + b" ")
    assert not receiver()("one", right.replace(str(now), str(now + 1)), BODY)
    assert not receiver()("one", sign((Secret("one"),), now - 301, BODY), BODY)
