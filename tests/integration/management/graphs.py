"""Flows that run others inside, or at their points."""

from libs.common.flow.model import Json
from tests.integration.management.conftest import GRAPH, Api

FLOWS = "/api/admin/flows"
EDITED: Json = {**GRAPH, "nodes": [*GRAPH["nodes"], {"id": "failure", "type": "failure"}]}
"""`GRAPH`, and what no path leads to."""


def calling(slug: str) -> Json:
    """Sign in, and run the flow `slug` before the end."""
    return {
        "nodes": [*GRAPH["nodes"], {"id": "inside", "type": "subflow", "config": {"flow": slug}}],
        "edges": [
            *GRAPH["edges"][:-1],
            {"source": "password", "target": "inside"},
            {"source": "inside", "target": "success"},
        ],
    }


ASIDE: Json = {
    "nodes": [
        {"id": "start", "type": "start"},
        {"id": "note", "type": "set_attribute", "config": {"attribute": "a", "value": "1"}},
        {"id": "success", "type": "success"},
    ],
    "edges": [{"source": "start", "target": "note"}, {"source": "note", "target": "success"}],
}
"""Asks for nothing, so it can only run inside another."""


async def active(api: Api, name: str, **fields: Json) -> str:
    """Create a flow, activate it, and return its id."""
    id = await api.create(name=name, **fields)
    await api.done("POST", f"{FLOWS}/{id}/activate")
    return id


async def edit(api: Api, id: str, *graphs: Json) -> None:
    """Give a flow these graphs, one version after the other."""
    for graph in graphs:
        await api.done("PUT", f"{FLOWS}/{id}", {"graph": graph})
