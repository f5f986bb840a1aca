"""Makes flows of a blueprint, or says what would be made: all of them, or none.

What the file may know of the world outside is what the operator lets it: nothing by default.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from libs.common.errors import Conflict, Invalid, Problem
from libs.common.flow.model import Flow, FlowType, Library
from libs.common.flow.node import NodeTypes
from libs.common.flow.rules import Report as Problems
from services.management.author import Author
from services.management.blueprints.load import load_blueprint
from services.management.blueprints.loaded import Loaded, LoadedFlow, State
from services.management.blueprints.report import Report
from services.management.change import Change
from services.management.designations import DESIGNATION_OF
from services.management.flows import Edit, Flows, NewFlow
from services.management.records import FlowVersion, Look
from services.management.rows import Rows
from services.management.running import Running
from services.management.settings import all_of
from services.management.store import Store

LARGEST_FILE: Final = 64 * 1024
"""Bytes of a file that `!File` may read."""
NOTE: Final = "Imported from a blueprint"

Fate = Literal["created", "updated", "kept"]
"""`kept`: it was there, and the file wants it to be made only where it is not."""


class Allowed(msgspec.Struct, frozen=True):
    """What the operator lets blueprints read."""

    env: Mapping[str, str] = msgspec.field(default_factory=dict)
    """By name, as they were at start."""
    files: frozenset[str] = frozenset()
    """Paths, exactly as a file names them."""


def allowed_by(names: Iterable[str], paths: Iterable[str]) -> Allowed:
    """Return what the operator's settings let blueprints read."""
    return Allowed(
        {name: os.environ[name] for name in names if name in os.environ}, frozenset(paths)
    )


class ImportedFlow(msgspec.Struct, frozen=True):
    """What became of a flow of a blueprint, or would."""

    name: str
    type: FlowType
    fate: Fate
    problems: Problems
    """As it would run beside what is active."""
    version: FlowVersion | None = None
    """As it is now; None where that was only looked at."""


class Imported(msgspec.Struct, frozen=True):
    """What became of a blueprint, or would."""

    flows: tuple[ImportedFlow, ...]
    report: Report


class Importing:
    """Imports into all tenants."""

    def __init__(
        self, store: Store, flows: Flows, running: Running, types: NodeTypes, allowed: Allowed
    ) -> None:
        self._store = store
        self._flows = flows
        self._running = running
        self._types = types
        self._allowed = allowed

    async def check(self, tenant: str, data: bytes) -> Imported:
        """Say what `load` would do, and do nothing."""
        async with self._store.reading(tenant) as rows:
            loaded = await self._load(rows, data)
        return Imported(await self.check_flows(tenant, loaded.flows), loaded.report)

    async def check_flows(
        self, tenant: str, flows: Sequence[LoadedFlow]
    ) -> tuple[ImportedFlow, ...]:
        """Say what would become of flows, or raise as `load` does."""
        async with self._store.reading(tenant) as rows:
            there = [await _there(rows, each) for each in flows]
            library = await rows.read_library()
        found = []
        for each, before in zip(flows, there, strict=True):
            fate, flow = _fate(each, before), _definition(each, before)
            problems = await self._problems(flow, library)
            found.append(ImportedFlow(each.name, flow.type, fate, problems))
        return tuple(found)

    async def load(
        self, tenant: str, data: bytes, author: Author, *, if_able: bool = False
    ) -> Imported:
        """Make the flows of a blueprint, or their next versions; nothing runs by that.

        With `if_able`, what is new runs at once if it can, and so does the next version of what
        is active or activates itself.

        Raises `Invalid` for a file that cannot be read, or a flow that cannot be saved, and
        `Conflict` for one that has to be new and is not; then nothing is written.
        """

        async def write(change: Change) -> _Written:
            return await self._write(change, data, if_able=if_able)

        written = await self._running.change(tenant, author, write)
        await self._running.publish(tenant, written.published)
        flows = []
        for each in written.loaded.flows:
            fate, version = written.saved[each.name]
            flow = version.definition()
            problems = await self._problems(flow, written.library)
            flows.append(ImportedFlow(each.name, flow.type, fate, problems, version))
        return Imported(tuple(flows), written.loaded.report)

    async def _write(self, change: Change, data: bytes, *, if_able: bool) -> _Written:
        saved: dict[str, tuple[Fate, FlowVersion]] = {}
        published: set[FlowType] = set()
        loaded = await self._load(change, data)
        # Of two imports the second finds what the first has made; and while this one holds flows
        # and names, nobody who renames a flow waits for it and is waited for.
        await change.hold_active()
        for each in sorted(loaded.flows, key=lambda flow: flow.name):
            before = await _there(change, each)
            fate = _fate(each, before)
            if fate == "kept" and before is not None:
                saved[each.name] = (fate, before)
                continue
            version, types = await self._save(change, each, before, if_able)
            published.update(types)
            saved[each.name] = (fate, version)
        if if_able:
            published.update(await self._let_run(change, saved))
        return _Written(loaded, saved, published, await change.read_library())

    async def _save(
        self,
        change: Change,
        loaded: LoadedFlow,
        before: FlowVersion | None,
        activates_itself: bool,
    ) -> tuple[FlowVersion, Iterable[FlowType]]:
        if before is None:
            new = NewFlow(
                name=loaded.name,
                display_name=loaded.display_name or loaded.name,
                description=loaded.description,
                type=loaded.type,
                graph=loaded.graph,
                settings=loaded.settings,
                note=NOTE,
                source="a blueprint",
                title=loaded.title,
                look=replace(Look(), **loaded.look),
                activates_itself=activates_itself,
            )
            return await self._flows.create_in(change, new)
        edit = Edit(
            display_name=UNSET if loaded.display_name is None else loaded.display_name,
            description=UNSET if loaded.description is None else loaded.description,
            graph=loaded.graph,
            settings=all_of(loaded.settings),
            note=NOTE,
            title=UNSET if loaded.title is None else loaded.title,
            look=loaded.look,
        )
        return await self._flows.update_in(change, before.flow.id, edit)

    async def _let_run(
        self, change: Change, saved: dict[str, tuple[Fate, FlowVersion]]
    ) -> set[FlowType]:
        """Let what was saved run where it can, and say so in `saved`; return what is published."""
        published: set[FlowType] = set()
        waiting = [name for name, (fate, _) in saved.items() if fate != "kept"]
        started = True
        # Again after each that starts, since it may be what another one runs inside.
        while started:
            started = False
            for name in tuple(waiting):
                fate, version = saved[name]
                edit = Edit(if_able=True)
                after, types = await self._flows.update_in(change, version.flow.id, edit)
                if types:
                    saved[name] = (fate, after)
                    waiting.remove(name)
                    published.update(types)
                    started = True
        return published

    async def _load(self, rows: Rows, data: bytes) -> Loaded:
        """Read a blueprint, which may look for flows of the tenant."""
        asked = _Outside(self._allowed)
        # In a thread: a large file takes a second, in which others want to be answered.
        loaded = await asyncio.to_thread(load_blueprint, data, asked, self._types)
        known = {slug for slug in asked.slugs if await rows.find_id(slug) is not None}
        if not known:
            return loaded
        again = _Outside(self._allowed, frozenset(known))
        return await asyncio.to_thread(load_blueprint, data, again, self._types)

    async def _problems(self, flow: Flow, library: Library) -> Problems:
        return await asyncio.to_thread(self._running.validate, flow, library)


class _Written(msgspec.Struct, frozen=True):
    """A blueprint that has been written down."""

    loaded: Loaded
    saved: Mapping[str, tuple[Fate, FlowVersion]]
    """By name."""
    published: set[FlowType]
    library: Library
    """What is active beside it from then on."""


class _Outside:
    """What a blueprint may know, and which flows it asked for."""

    def __init__(self, allowed: Allowed, flows: frozenset[str] = frozenset()) -> None:
        self._allowed = allowed
        self._flows = flows
        self.slugs: set[str] = set()

    def has_flow(self, slug: str) -> bool:
        self.slugs.add(slug)
        return slug in self._flows

    def env(self, name: str) -> str | None:
        return self._allowed.env.get(name)

    def file(self, path: str) -> str | None:
        if path not in self._allowed.files:
            return None
        try:
            with Path(path).open("rb") as file:
                return file.read(LARGEST_FILE).decode().strip()
        except (OSError, UnicodeDecodeError):
            # The report says that it is not there.
            return None


def wanted_of(new: NewFlow, state: State) -> LoadedFlow:
    """Return a flow of a document as one of a blueprint."""
    return LoadedFlow(
        name=new.name or "",
        display_name=new.display_name,
        description=new.description,
        designation=DESIGNATION_OF[new.type],
        type=new.type,
        graph=new.graph,
        settings=new.settings,
        state=state,
    )


def loaded_of(version: FlowVersion) -> LoadedFlow:
    """Return a flow there is as one of a blueprint."""
    flow, definition = version.flow, version.definition()
    return LoadedFlow(
        name=flow.name,
        display_name=flow.display_name,
        title=flow.title,
        description=flow.description,
        type=definition.type,
        graph=definition.graph,
        settings=definition.settings,
        look=msgspec.to_builtins(flow.look),
    )


async def _there(rows: Rows, loaded: LoadedFlow) -> FlowVersion | None:
    """Find the flow that a blueprint says something of; None where it would be a new one."""
    id = await rows.find_id(loaded.name)
    return None if id is None else await rows.find_flow(id)


def _fate(loaded: LoadedFlow, before: FlowVersion | None) -> Fate:
    if before is None:
        return "created"
    if loaded.state == "must_created":
        raise Conflict(f"there is a flow `{loaded.name}` already, and a new one is wanted")
    if loaded.state == "created":
        return "kept"
    # What says nothing of its type means that of the flow there is.
    if loaded.designation is not None and loaded.type is not before.flow.type:
        message = f"the flow there is of type `{before.flow.type}`, which it keeps"
        problem = Problem("immutable", message, path=loaded.type_path)
        raise Invalid("the type of a flow cannot change", (problem,))
    return "updated"


def _definition(loaded: LoadedFlow, before: FlowVersion | None) -> Flow:
    """Return the flow that would be saved, or that is kept."""
    if before is not None and loaded.state == "created":
        return before.definition()
    id, type = ("", loaded.type) if before is None else (before.flow.id, before.flow.type)
    return Flow(id, 0, type, loaded.graph, loaded.settings, name=loaded.name)
