"""What a stage becomes: the nodes that do what it does, in the order of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from libs.common.flow.model import Json
from services.management.blueprints.entries import Blueprint, Entry
from services.management.blueprints.tags import Resolved

ON: Final = "\x00on"
"""Stands for what comes after the stage."""
FAIL: Final = "\x00fail"
"""Stands for the end of a flow that failed."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A node, before the flow is drawn that it is of."""

    type: str
    config: Mapping[str, Json] = msgspec.field(default_factory=dict)
    part: str = ""
    """Tells the nodes of a stage apart; empty for its own."""
    label: str | None = None
    """The stage's name, unless given."""
    on: str | None = None
    """The outcome by which a run goes on; None for the node's default one."""
    off: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Where it leads by other outcomes: to the `part` of a step, `ON` or `FAIL`."""
    aside: bool = False
    """It is only come to by an outcome of another, and goes on after the stage."""
    closed: bool = False
    """It lets nobody past until its author says how."""


class Stage:
    """A stage of the file, whose attributes are taken one by one, so that none is forgotten."""

    def __init__(self, blueprint: Blueprint, entry: Entry) -> None:
        self.blueprint = blueprint
        self.entry = entry
        self._left = dict(entry.fields)
        for name in _OF_EVERY_STAGE:
            self._left.pop(name, None)

    @property
    def name(self) -> str:
        """What the stage is called."""
        return self.entry.name or self.entry.model

    def take(self, name: str, default: Any = None) -> Resolved:  # noqa: ANN401 -- as it was read
        """Return an attribute, which has then been seen to."""
        value = self._left.pop(name, None)
        return default if value is None else value

    def text(self, name: str) -> str | None:
        """Return an attribute if it is a text with something in it."""
        value = self.take(name)
        return value if isinstance(value, str) and value.strip() else None

    def words(self, name: str, default: Iterable[str]) -> list[str]:
        """Return the texts of a list."""
        value = self.take(name)
        return [
            each
            for each in (value if isinstance(value, list) else default)
            if isinstance(each, str)
        ]

    def drop(self, reason: str, *names: str) -> None:
        """Leave attributes out that say something, for a reason."""
        said = [name for name in names if self._left.pop(name, None) not in _NOTHING]
        if said:
            self.lose(f"{reason}: {', '.join(said)}")

    def same(self, **values: Resolved) -> None:
        """Take attributes that say what is so here anyway; what says otherwise is left out."""
        for name, value in values.items():
            if self._left.get(name, value) == value:
                self._left.pop(name, None)

    def forget(self) -> None:
        """Take all attributes: of a stage that is not carried, none is worth a word."""
        self._left.clear()

    def lose(self, reason: str) -> None:
        """Note that something of the stage is not carried."""
        self.blueprint.remark(self.entry, "left_out", reason, "the node does without")

    def change(self, reason: str, became: str) -> None:
        """Note that something is carried otherwise."""
        self.blueprint.remark(self.entry, "changed", reason, became)

    def rest(self) -> None:
        """Note all attributes that nobody took."""
        self.drop("the node has no such setting", *sorted(self._left))


_NOTHING: Final[tuple[Resolved, ...]] = (None, False, "", [], {})
_OF_EVERY_STAGE: Final = ("name", "pk", "stage_uuid", "component", "verbose_name", "flow_set")


def minutes(text: object) -> int | None:
    """Read a length of time as authentik writes it, `hours=1;minutes=30`, in whole minutes."""
    if not isinstance(text, str):
        return None
    seconds = 0.0
    for name, value in _parts(text):
        if name not in _SECONDS or not value.replace(".", "", 1).isdigit() or len(value) > 9:  # noqa: PLR2004 -- digits; more is no length of time
            return None
        seconds += float(value) * _SECONDS[name]
    return int(seconds // 60)


def _parts(text: str) -> Iterator[tuple[str, str]]:
    for part in filter(None, text.split(";")):
        name, _, value = part.partition("=")
        yield name.strip().lower(), value.strip()


_SECONDS: Final[Mapping[str, float]] = {
    "microseconds": 1e-6,
    "milliseconds": 1e-3,
    "seconds": 1,
    "minutes": 60,
    "hours": 3_600,
    "days": 86_400,
    "weeks": 604_800,
}
