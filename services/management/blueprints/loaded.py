"""What a blueprint holds that is of use here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from libs.common.flow.model import FlowType, Graph, Json, Settings
from services.management.blueprints.report import Report

State = Literal["present", "created", "must_created"]


class LoadedFlow(msgspec.Struct, frozen=True, kw_only=True):
    """A flow, as a blueprint says it."""

    name: str
    """The slug."""
    display_name: str | None = None
    """None where nothing is said of it."""
    title: str | None = None
    description: str | None = None
    designation: str | None = None
    """As it was written; None where it was not, or is not known."""
    type: FlowType
    graph: Graph
    settings: Settings = Settings()
    look: Mapping[str, Json] = msgspec.field(default_factory=dict)
    """The fields of a `Look` that are said."""
    state: State = "present"
    """What happens where there is such a flow: its next version, nothing, or a refusal."""
    entry: int | None = None
    """Its place in `entries`."""

    @property
    def type_path(self) -> str:
        """Say where its type is written."""
        return "flow.type" if self.entry is None else f"entries[{self.entry}].attrs.designation"


class Loaded(msgspec.Struct, frozen=True):
    """The flows of a blueprint, in its order, and what of it could not be carried."""

    flows: tuple[LoadedFlow, ...]
    report: Report
