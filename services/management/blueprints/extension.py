"""What a chain of stages cannot say of a flow: its own graph, beside authentik's attributes.

A flow entry may have the attribute `gatehouse`, which then says what the flow is, whatever its
stages say. authentik passes over attributes that it does not know.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from libs.common.errors import Invalid
from libs.common.flow.model import FlowType, Graph, Json, Settings
from libs.common.misfit import misfits
from services.management.blueprints.loaded import LoadedFlow
from services.management.blueprints.tags import Resolved

EXTENSION: Final = "gatehouse"


class Extension(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A flow as it is here."""

    version: Literal[1]
    type: FlowType
    graph: Graph
    settings: Settings = Settings()
    description: str | None = None


def read_extension(flow: LoadedFlow, value: Resolved) -> LoadedFlow:
    """Return `flow` as its extension says it, or raise `Invalid`."""
    path = f"entries[{flow.entry}].attrs.{EXTENSION}"
    problems = tuple(misfits(value, Extension, path))
    if problems:
        raise Invalid("the blueprint is not as expected", problems)
    found = msgspec.convert(value, Extension)
    return msgspec.structs.replace(
        flow,
        type=found.type,
        graph=found.graph,
        settings=found.settings,
        description=found.description,
    )


def write_extension(flow: LoadedFlow) -> Json:
    """Say all that `read_extension` reads."""
    extension = Extension(1, flow.type, flow.graph, flow.settings, flow.description)
    # Through JSON, so that tuples and structs become what YAML can write.
    return {"version": 1, **msgspec.json.decode(msgspec.json.encode(extension))}
