"""The entries of a blueprint, with tags resolved and what each refers to found.

Wrong in the eyes of authentik too, such as a `!KeyOf` of nothing, is `Invalid`; what merely has no
counterpart here is a remark.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, cast

import msgspec

from libs.common.errors import Invalid, Problem
from libs.common.flow.model import Json
from services.management.blueprints.reading import Tag
from services.management.blueprints.report import Counts, Fate, Remark, Report
from services.management.blueprints.tags import (
    FLOW_MODEL,
    Broken,
    Elsewhere,
    Outside,
    Ref,
    Resolved,
    Tags,
)

BINDING_MODEL: Final = "authentik_flows.flowstagebinding"
POLICY_BINDING_MODEL: Final = "authentik_policies.policybinding"

State = Literal["present", "created", "must_created", "absent"]
_STATES: Final = frozenset({"present", "created", "must_created", "absent"})
_FIELDS: Final = frozenset(
    {"model", "id", "state", "conditions", "identifiers", "attrs", "permissions"}
)
MOST_ENTRIES: Final = 5_000


class Entry(msgspec.Struct, frozen=True):
    """An object that the file wants to be there."""

    index: int
    id: str | None
    model: str
    """`app.model` in lower case."""
    state: State
    fields: Mapping[str, Resolved]
    """Attributes and identifiers; the latter count where both say something."""

    @property
    def name(self) -> str | None:
        """What it is called."""
        for field in ("slug", "name", "field_key"):
            if isinstance(found := self.fields.get(field), str) and found:
                return found
        return None


class Blueprint:
    """A file whose entries can be looked up, and that notes what cannot be carried."""

    def __init__(self, entries: tuple[Entry, ...], total: int, same: Mapping[int, int]) -> None:
        self.entries = entries
        """Those that are to be there, in the order of the file."""
        self._total = total
        self._same = same
        self._by_index = {each.index: each for each in entries}
        self._by_key: dict[str, Entry] = {}
        self._remarks: dict[Remark, None] = {}
        self._used: set[int] = set()
        for entry in entries:
            for field in ("policybindingmodel_ptr_id", "pk"):
                if isinstance(key := entry.fields.get(field), str):
                    self._by_key.setdefault(key, entry)

    def of(self, model: str) -> Iterator[Entry]:
        """Find the entries of a model."""
        return (each for each in self.entries if each.model == model)

    def find(self, value: Resolved) -> Entry | None:
        """Find the entry that a field refers to: by a tag, or by its key in the older form."""
        found = self._found(value)
        if found is not None:
            self._used.add(found.index)
        return found

    def _found(self, value: Resolved) -> Entry | None:
        match value:
            case Ref():
                return self._by_index.get(self._same.get(value.index, value.index))
            case str():
                return self._by_key.get(value)
            case {"pk": str(key)}:
                return self._by_key.get(key)
            case _:
                return None

    def is_used(self, entry: Entry) -> bool:
        """Whether anything that is carried refers to an entry."""
        return entry.index in self._used

    def use_all(self, entry: Entry) -> None:
        """Count all that an entry refers to as used, and what that refers to."""
        waiting, seen = [entry], {entry.index}
        while waiting:
            for value in waiting.pop().fields.values():
                found = (
                    self.find(each) for each in (value if isinstance(value, list) else [value])
                )
                new = [each for each in found if each is not None and each.index not in seen]
                seen.update(each.index for each in new)
                waiting += new

    def find_all(self, values: Resolved) -> list[Entry]:
        """Find those of a list that are there."""
        found = map(self.find, values) if isinstance(values, list) else ()
        return [each for each in found if each is not None]

    def remark(self, entry: Entry, fate: Fate, reason: str, became: str) -> None:
        """Note something once."""
        self._remarks[
            Remark(entry.index, entry.model, fate, reason, became, entry.id, entry.name)
        ] = None

    def add(self, remarks: Iterator[Remark]) -> None:
        """Take over what was noted while the file was read."""
        self._remarks.update(dict.fromkeys(remarks))

    def report(self) -> Report:
        """Say what was noted so far."""
        remarks = tuple(sorted(self._remarks, key=lambda each: each.entry))
        touched = len({each.entry for each in remarks})
        return Report(Counts(self._total, self._total - touched, len(remarks)), remarks)


def open_blueprint(document: Any, outside: Outside) -> Blueprint:  # noqa: ANN401 -- as it was read
    """Find what the entries of `document` say, or raise `Invalid` with all that is wrong."""
    raw = _entries(document)
    context = document.get("context") or {}
    if not isinstance(context, dict):
        raise _invalid(Problem("invalid", "it has to be a map", path="context"))
    reader = _Reader(Tags(raw, context, outside))
    for index, each in enumerate(raw):
        reader.read(index, each)
    if reader.problems:
        raise _invalid(*reader.problems)
    entries, same = _merged(reader.entries)
    found = Blueprint(tuple(entries), len(raw), same)
    found.add(iter(reader.remarks))
    return found


def _entries(document: Any) -> list[dict[str, Any]]:  # noqa: ANN401 -- as it was read
    if not isinstance(document, dict):
        raise _invalid(Problem("invalid", "a blueprint is a map"))
    if document.get("version") != 1:
        raise _invalid(Problem("invalid", "only version 1 is known", path="version"))
    entries = document.get("entries")
    if isinstance(entries, dict) and all(isinstance(each, list) for each in entries.values()):
        # Newer files may sort them into sections.
        entries = [entry for section in entries.values() for entry in section]
    if not isinstance(entries, list):
        raise _invalid(Problem("invalid", "it has to be a list", path="entries"))
    if len(entries) > MOST_ENTRIES:
        raise _invalid(Problem("invalid", f"more than {MOST_ENTRIES} entries", path="entries"))
    problems = tuple(_shape(entries))
    if problems:
        raise _invalid(*problems)
    return entries


def _shape(entries: list[Any]) -> Iterator[Problem]:
    for index, entry in enumerate(entries):
        path = f"entries[{index}]"
        if not isinstance(entry, dict):
            yield Problem("invalid", "it has to be a map", path=path)
            continue
        for name in sorted(set(entry) - _FIELDS):
            yield Problem("unknown_field", "an entry has no such field", path=f"{path}.{name}")
        if not isinstance(entry.get("model"), str | Tag):
            yield Problem("missing_field", "it has to name a model", path=f"{path}.model")
        for name in ("identifiers", "attrs"):
            if not isinstance(entry.get(name), dict | None):
                yield Problem("invalid", "it has to be a map", path=f"{path}.{name}")


class _Reader:
    def __init__(self, tags: Tags) -> None:
        self.entries: list[Entry] = []
        self.problems: list[Problem] = []
        self.remarks: list[Remark] = []
        self._tags = tags

    def read(self, index: int, raw: Mapping[str, Any]) -> None:
        """Read an entry, and keep it if it is to be there."""
        id = str(raw["id"]) if raw.get("id") else None
        model = raw["model"] if isinstance(raw["model"], str) else ""
        noted: list[tuple[str, str]] = []
        conditions = self._resolved(index, "conditions", raw, noted)
        model = str(self._resolved(index, "model", raw, noted) or model)
        model = model.lower().replace("passbook_", "authentik_", 1)
        state = str(self._resolved(index, "state", raw, noted) or "present")
        if state not in _STATES:
            message = f"it is one of {', '.join(sorted(_STATES))}"
            self.problems.append(Problem("invalid", message, path=f"entries[{index}].state"))
            return
        if not isinstance(conditions, list | None):
            path = f"entries[{index}].conditions"
            self.problems.append(Problem("invalid", "it has to be a list", path=path))
            return
        fields: dict[str, Resolved] = {}
        met = all(conditions or ())
        if met:
            for part in ("attrs", "identifiers"):
                fields.update(self._resolved(index, part, raw, noted) or {})
        entry = Entry(index, id, model, cast("State", state), fields)
        for reason, became in noted:
            self._note(entry, "changed", reason, became)
        if not met:
            self._note(entry, "left_out", "its conditions are not met", "nothing")
        elif state == "absent":
            self._note(entry, "left_out", "it says what is not to be there", "nothing is deleted")
        else:
            if raw.get("permissions"):
                self._note(
                    entry, "left_out", "authentik's permissions are not known here", "nothing"
                )
            self.entries.append(entry)

    def _resolved(
        self, index: int, part: str, raw: Mapping[str, Any], noted: list[tuple[str, str]]
    ) -> Resolved:
        try:
            return self._tags.resolve(raw.get(part), lambda *told: noted.append(told))
        except Broken as error:
            self.problems.append(Problem("invalid", str(error), path=f"entries[{index}].{part}"))
            return None

    def _note(self, entry: Entry, fate: Fate, reason: str, became: str) -> None:
        self.remarks.append(
            Remark(entry.index, entry.model, fate, reason, became, entry.id, entry.name)
        )


def _merged(entries: list[Entry]) -> tuple[list[Entry], Mapping[int, int]]:
    """Let a later entry about the same object change what the earlier one said of it."""
    firsts: dict[tuple[str, str], int] = {}
    found: dict[int, Entry] = {}
    same: dict[int, int] = {}
    for entry in entries:
        name = entry.fields.get("slug" if entry.model == FLOW_MODEL else "name")
        key = (entry.model, name) if isinstance(name, str) else None
        first = entry.index if key is None else firsts.setdefault(key, entry.index)
        if first == entry.index:
            found[first] = entry
            continue
        same[entry.index] = first
        both = {**found[first].fields, **entry.fields}
        found[first] = msgspec.structs.replace(found[first], fields=both)
    return list(found.values()), same


def described(value: Resolved) -> str:
    """Say in words what a field refers to that the file does not hold."""
    match value:
        case Elsewhere(model=model, wanted=wanted):
            named = ", ".join(f"{name} {each}" for name, each in wanted.items() if _is_plain(each))
            return f"{model} with {named}"[:150] if named else model
        case _:
            return "what is not in the file"


def _is_plain(value: Json) -> bool:
    return isinstance(value, str | int)


def _invalid(*problems: Problem) -> Invalid:
    return Invalid("the blueprint is not as expected", problems)
