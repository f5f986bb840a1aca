"""Takes a flow from one place to another: a copy, a document, a flow made of a document."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET

from services.management.author import Author
from services.management.flows import Edit, Flows, NewFlow, existing
from services.management.importing import ImportedFlow, Importing, wanted_of
from services.management.records import FlowVersion, GoldenTest
from services.management.settings import all_of
from services.management.store import Store
from services.management.versions import find_version


class Exported(msgspec.Struct, frozen=True):
    """A flow with one of its versions, and the tests that it has to pass."""

    version: FlowVersion
    golden_tests: tuple[GoldenTest, ...]


class Transfer:
    """Copies, exports and imports of the flows of all tenants."""

    def __init__(self, store: Store, flows: Flows, importing: Importing) -> None:
        self._store = store
        self._flows = flows
        self.importing = importing
        """What a blueprint holds comes in by this."""

    async def copy(
        self, tenant: str, id: str, name: str, display_name: str, author: Author
    ) -> FlowVersion:
        """Make a draft of the newest version of a flow; raise `Conflict` where `name` is taken."""
        found = await self.export(tenant, id, None)
        definition = found.version.definition()
        new = NewFlow(
            name=name,
            display_name=display_name,
            description=found.version.flow.description,
            title=found.version.flow.title,
            look=found.version.flow.look,
            type=definition.type,
            graph=definition.graph,
            settings=definition.settings,
            golden_tests=found.golden_tests,
            note=f"Copy of {id}, version {definition.version}",
            source=f"{id}, version {definition.version}",
        )
        return await self._flows.create(tenant, new, author)

    async def export(self, tenant: str, id: str, number: int | None) -> Exported:
        """Return a version of a flow, or the newest, with its tests; or raise `NotFound`."""
        async with self._store.reading(tenant) as rows:
            version = (
                existing(await rows.find_flow(id))
                if number is None
                else await find_version(rows, id, number)
            )
            return Exported(version, await rows.list_golden_tests(id))

    async def load(
        self, tenant: str, new: NewFlow, author: Author, *, replace: bool
    ) -> tuple[FlowVersion, bool]:
        """Make a flow, a draft; True beside it if it is a new one.

        With `replace`, one that has the slug already gets its next version of it instead, and
        without raises `Conflict`.
        """
        async with self._store.changing(tenant, author) as change:
            id = None
            if replace and new.name is not None:
                # Of two at once the second finds what the first has made.
                await change.hold_active()
                id = await change.find_id(new.name)
            if id is None:
                created, _ = await self._flows.create_in(change, new)
                return created, True
            updated, _ = await self._flows.update_in(change, id, _edit(new))
            return updated, False

    async def check(self, tenant: str, new: NewFlow, *, replace: bool) -> ImportedFlow:
        """Say what `load` would do, and do nothing."""
        state: Literal["present", "must_created"] = "present" if replace else "must_created"
        found = await self.importing.check_flows(tenant, (wanted_of(new, state),))
        return found[0]


def _edit(new: NewFlow) -> Edit:
    """Return what makes a flow there is as `new`, as its next version, which does not run by it."""
    return Edit(
        display_name=new.display_name,
        description=new.description,
        title=UNSET if new.title is None else new.title,
        look=msgspec.structs.asdict(new.look),
        type=new.type,
        graph=new.graph,
        settings=all_of(new.settings),
        golden_tests=new.golden_tests,
        note=new.note,
    )
