"""Tries flows without side effects: versions, drafts, and what runs.

Compiles and plays in this process, in a thread of its own. Needs no Redis and no NATS, sends
nothing and writes nothing.
"""

from __future__ import annotations

import asyncio

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from libs.common.errors import Conflict
from libs.common.flow.model import Flow, Graph, Library
from libs.common.flow.node import NodeTypes
from libs.common.flow.script import Script
from libs.common.flow.simulate import make_program, simulate
from libs.common.flow.simulation import Simulation
from services.management.flows import existing
from services.management.rows import Rows
from services.management.settings import SomeSettings
from services.management.store import Store
from services.management.uses import with_flow
from services.management.versions import find_version


class Draft(msgspec.Struct, frozen=True):
    """A definition that is not stored; what is unset is as in the newest version."""

    graph: Graph | UnsetType = UNSET
    settings: SomeSettings = SomeSettings()


class Simulations:
    """Simulations of the flows of all tenants."""

    def __init__(self, store: Store, types: NodeTypes) -> None:
        self._store = store
        self._types = types

    async def simulate(
        self, tenant: str, id: str, what: int | Draft | None, script: Script
    ) -> Simulation:
        """Play `script` on a version, on a draft, or on what is active.

        Raises `NotFound` for no such flow or version, `Conflict` where nothing is active, and
        `Invalid` with all problems of a flow that cannot run, or of the script.
        """
        async with self._store.reading(tenant) as rows:
            flow = await _definition(rows, id, what)
            library = await rows.read_library()
        return await asyncio.to_thread(self._play, flow, library, script, running=what is None)

    def _play(self, flow: Flow, library: Library, script: Script, *, running: bool) -> Simulation:
        # What is active stays so though it breaks an invariant that is newer; so its sessions do.
        program = make_program(flow, self._types, with_flow(library, flow), running=running)
        return simulate(program, script)


async def _definition(rows: Rows, id: str, what: int | Draft | None) -> Flow:
    if isinstance(what, int):
        return (await find_version(rows, id, what)).definition()
    newest = existing(await rows.find_flow(id))
    if isinstance(what, Draft):
        was = newest.definition()
        return replace(
            was,
            graph=was.graph if what.graph is UNSET else what.graph,
            settings=what.settings.applied_to(was.settings),
        )
    if newest.flow.active_version is None:
        raise Conflict("the flow is not active; name a version, or send a graph")
    return (await find_version(rows, id, newest.flow.active_version)).definition()
