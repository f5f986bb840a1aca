"""One flow, three faces: what is made through one is there in the others, and no edit loses more.

A flow is looked at as the sum of all that is said of it, facet by facet. Each edit names the facets
that it is for; whatever else differs afterwards was lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Final, TypeAlias

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from libs.common.flow.model import Json
from tests.integration.management.conftest import Api

ADMIN: Final = "/api/admin/flows"
V2: Final = "/api/v2/flows"
V3: Final = "/api/v3/flows/instances/"
BINDINGS: Final = "/api/v3/flows/bindings/"

Facet: TypeAlias = tuple[str, ...]
Facets: TypeAlias = Mapping[Facet, Json]

some = settings(
    max_examples=12,
    # To make an example smaller would take a server minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    # Each example is about flows of its own.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

SETTINGS: Final = ("policies", "policy_engine_mode", "denied_action", "authentication", "trigger")
LOOK: Final = ("background", "layout", "compatibility_mode")
TEXTS: Final = st.text("abc äß✓'\"\\{}", min_size=1, max_size=8)
POLICIES: Final = st.lists(
    st.fixed_dictionaries({"expression": st.sampled_from(["true", "user.a == 1"])}),
    min_size=1,
    max_size=2,
)
OPTIONS: Final[Mapping[str, st.SearchStrategy[Json]]] = {
    "condition": st.fixed_dictionaries({"expression": st.sampled_from(["true", "user.a"])}),
    "mfa": st.fixed_dictionaries({"methods": st.just(["totp"])}, optional={"extra": TEXTS}),
    "redirect": st.fixed_dictionaries({"url": TEXTS}),
    "action": st.fixed_dictionaries({"action_id": TEXTS}, optional={"on_error": st.just("end")}),
}
STEPS: Final = st.sampled_from(sorted(OPTIONS)).flatmap(
    lambda kind: st.fixed_dictionaries({"type": st.just(kind), "options": OPTIONS[kind]})
)
NUMBERS: Final = count(1)
"""In names, so that no two are alike."""


class Desk:
    """A flow, and those who edit it through each of the faces."""

    def __init__(self, api: Api, id: str, data: st.DataObject) -> None:
        self._api = api
        self._id = id
        self._data = data
        self._pinned: set[str] = set()
        """Bindings whose order a client of seed 003 has been told in answer to a write."""

    def draw(self, strategy: st.SearchStrategy[Any]) -> Any:  # noqa: ANN401 -- whatever it makes
        return self._data.draw(strategy)

    async def read(self) -> tuple[Json, Json, Json, list[Json]]:
        """Look at the flow through each face; in none it is missing."""
        graph = await self._api.done("GET", f"{ADMIN}/{self._id}")
        steps = await self._api.done("GET", f"{V2}/{self._id}")
        stages = await self._api.done("GET", f"{V3}{graph['name']}/")
        path = f"{BINDINGS}?target={stages['pk']}&page_size=100"
        return graph, steps, stages, (await self._api.done("GET", path))["results"]

    async def facets(self) -> Facets:
        graph, steps, stages, bindings = await self.read()
        assert graph["display_name"] == steps["name"] == stages["name"]
        assert [each["stage"] for each in bindings] == stages["stages"]
        found: dict[Facet, Json] = {
            ("name",): graph["name"],
            ("display_name",): graph["display_name"],
            ("description",): graph.get("description"),
            ("title",): stages["title"],
            **{("look", name): stages[name] for name in LOOK},
            **{("settings", name): graph.get(name) for name in SETTINGS},
        }
        for node in graph["graph"]["nodes"]:
            found[("edges", node["id"])] = sorted(
                (edge.get("condition") or "", edge["target"])
                for edge in graph["graph"]["edges"]
                if edge["source"] == node["id"]
            )
            for field in {"type", "position", "label", *node} - {"id", "config"}:
                found[("node", node["id"], field)] = node.get(field)
            for field, value in node.get("config", {}).items():
                found[("node", node["id"], "config", field)] = value
        for binding in bindings:
            for field in ("stage", "order"):
                found[("binding", binding["pk"], field)] = binding[field]
        return found

    async def edit(self) -> None:
        """Edit something through some face, and see that nothing else is different."""
        kinds: list[Callable[[], Any]] = [
            self.names_of_the_admin_face,
            self.settings_of_the_admin_face,
            self.a_node_of_the_graph,
            self.the_name_of_steps,
            self.a_step,
            self.another_step,
            self.fewer_steps,
            self.what_stages_show,
            self.a_binding,
            self.the_order_of_a_binding,
            self.another_binding,
            self.all_that_was_shown,
        ]
        kind = self.draw(st.sampled_from(kinds))
        if (await self.read())[0]["status"] == "active":
            # What runs has to stay valid, which edits at random do not care for.
            await self._api.done("POST", f"{ADMIN}/{self._id}/deactivate")
        before = await self.facets()
        meant = await kind()
        if meant is None:
            return
        after = await self.facets()
        new, may_differ = meant
        assert {facet: after.get(facet) for facet in new} == new
        for facet in before.keys() | after.keys():
            if before.get(facet) != after.get(facet) and facet not in new:
                assert may_differ(facet), (kind.__name__, facet, before.get(facet))

    def _is_order(self, facet: Facet) -> bool:
        """Whether it is a number that nobody was told in answer to a write."""
        return facet[0] == "binding" and facet[2] == "order" and facet[1] not in self._pinned

    async def names_of_the_admin_face(self) -> tuple[Facets, Any]:
        new = self.draw(
            st.fixed_dictionaries(
                {}, optional={"display_name": TEXTS, "description": st.none() | TEXTS}
            )
        )
        graph, _, stages, _ = await self.read()
        await self._api.done("PUT", f"{ADMIN}/{self._id}", new)
        follows = stages["title"] == graph["display_name"]
        return {(k,): v for k, v in new.items()}, lambda facet: facet == ("title",) and follows

    async def settings_of_the_admin_face(self) -> tuple[Facets, Any]:
        strategies = {
            "policies": POLICIES,
            "policy_engine_mode": st.just("all"),
            "denied_action": st.just("message"),
            "authentication": st.just("require_superuser"),
        }
        new = self.draw(st.fixed_dictionaries({}, optional=strategies))
        await self._api.done("PUT", f"{ADMIN}/{self._id}", new)
        return {("settings", name): value for name, value in new.items()}, never

    async def a_node_of_the_graph(self) -> tuple[Facets, Any]:
        graph = (await self.read())[0]["graph"]
        node = self.draw(st.sampled_from(graph["nodes"]))
        new = {
            "position": {"x": 7.5, "y": next(NUMBERS)},
            "label": f"Label {next(NUMBERS)}",
            "policies": [{"expression": f"user.n == {next(NUMBERS)}"}],
        }
        node.update(new)
        await self._api.done("PUT", f"{ADMIN}/{self._id}", {"graph": graph})
        return {("node", node["id"], name): value for name, value in new.items()}, never

    async def the_name_of_steps(self) -> tuple[Facets, Any]:
        name = self.draw(TEXTS)
        graph, _, stages, _ = await self.read()
        await self._api.done("PATCH", f"{V2}/{self._id}", {"name": name})
        follows = stages["title"] == graph["display_name"]
        return {("display_name",): name}, lambda facet: facet == ("title",) and follows

    async def _steps(self) -> list[Json] | None:
        """Return the steps; None where the graph is none, which then nobody may replace."""
        shown = (await self.read())[1]
        if "steps" in shown:
            steps: list[Json] = shown["steps"]
            return steps
        reply = await self._api.call("PATCH", f"{V2}/{self._id}", {"steps": []})
        assert (reply.status, reply.body["errorCode"]) == (409, "steps_unavailable")
        return None

    async def a_step(self) -> tuple[Facets, Any] | None:
        steps = await self._steps()
        if not steps:
            return None
        step = self.draw(st.sampled_from(steps))
        step["options"]["added"] = next(NUMBERS)
        await self._api.done("PATCH", f"{V2}/{self._id}", {"steps": steps})
        return {("node", step["id"], "config", "added"): step["options"]["added"]}, never

    async def another_step(self) -> tuple[Facets, Any] | None:
        steps = await self._steps()
        if steps is None:
            return None
        step = {"id": f"step {next(NUMBERS)}", **self.draw(STEPS)}
        steps.insert(self.draw(st.integers(0, len(steps))), step)
        known = {binding["pk"] for binding in (await self.read())[3]}
        await self._api.done("PATCH", f"{V2}/{self._id}", {"steps": steps})

        def may_differ(facet: Facet) -> bool:
            own = step["id"] in facet or (facet[0] == "binding" and facet[1] not in known)
            return own or facet[0] == "edges" or self._is_order(facet)

        return {}, may_differ

    async def fewer_steps(self) -> tuple[Facets, Any] | None:
        steps = await self._steps()
        if not steps:
            return None
        gone = steps.pop(self.draw(st.integers(0, len(steps) - 1)))
        known = {binding["pk"] for binding in (await self.read())[3]}
        for step in steps:
            step["options"] = {
                name: value
                for name, value in step["options"].items()
                if not (name.startswith("on_") and value == gone["id"])
            }
        await self._api.done("PATCH", f"{V2}/{self._id}", {"steps": steps})
        left = {binding["pk"] for binding in (await self.read())[3]}

        def may_differ(facet: Facet) -> bool:
            own = gone["id"] in facet or facet[1:2] == tuple(known - left)
            return own or facet[0] == "edges" or self._is_order(facet)

        return {}, may_differ

    async def what_stages_show(self) -> tuple[Facets, Any]:
        strategies = {
            "title": TEXTS,
            "background": TEXTS,
            "layout": st.sampled_from(["stacked", "sidebar_left"]),
            "compatibility_mode": st.booleans(),
        }
        new = self.draw(st.fixed_dictionaries({}, optional=strategies))
        kept = self.draw(st.fixed_dictionaries({}, optional={"denied_action": st.just("continue")}))
        slug = (await self.read())[0]["name"]
        await self._api.done("PATCH", f"{V3}{slug}/", {**new, **kept})
        return {
            **{(name,) if name == "title" else ("look", name): new[name] for name in new},
            **{("settings", name): value for name, value in kept.items()},
        }, never

    async def a_binding(self) -> tuple[Facets, Any] | None:
        bindings = (await self.read())[3]
        if not bindings:
            return None
        chosen = self.draw(st.sampled_from(bindings))
        policies = [{"expression": f"user.b == {next(NUMBERS)}"}]
        new = {"policies": policies, "policy_engine_mode": "all", "re_evaluate_policies": True}
        await self._api.done("PATCH", f"{BINDINGS}{chosen['pk']}/", new)
        await self._pin()
        nodes = (await self.read())[0]["graph"]["nodes"]
        (id,) = (each["id"] for each in nodes if each.get("policies") == policies)
        return {("node", id, name): value for name, value in new.items()}, never

    async def the_order_of_a_binding(self) -> tuple[Facets, Any] | None:
        bindings = (await self.read())[3]
        if not bindings:
            return None
        chosen = self.draw(st.sampled_from(bindings))
        order = self.draw(st.integers(0, 60))
        reply = await self._api.call("PATCH", f"{BINDINGS}{chosen['pk']}/", {"order": order})
        if reply.status == 400:
            # It stands beside the chain that orders say.
            assert list(reply.body) == ["non_field_errors", "order", "code"]
            return {}, never
        assert reply.status == 200, reply.text
        await self._pin()
        return {("binding", chosen["pk"], "order"): order}, lambda facet: facet[0] == "edges"

    async def another_binding(self) -> tuple[Facets, Any] | None:
        graph, _, stages, bindings = await self.read()
        if not bindings:
            return None
        like = self.draw(st.sampled_from(bindings))
        body = {"target": stages["pk"], "stage": like["stage"], "order": 25}
        made = await self._api.done("POST", BINDINGS, body)
        await self._pin()
        known = {node["id"] for node in graph["graph"]["nodes"]}

        def may_differ(facet: Facet) -> bool:
            if facet[0] == "edges":
                return True
            return facet[1] == made["pk"] or (facet[0] == "node" and facet[1] not in known)

        return {("binding", made["pk"], "order"): 25}, may_differ

    async def _pin(self) -> None:
        self._pinned = {binding["pk"] for binding in (await self.read())[3]}

    async def all_that_was_shown(self) -> tuple[Facets, Any]:
        """Sent back through each face, it changes nothing, and makes no version."""
        graph, steps, stages, bindings = await self.read()
        taken = ("name", "display_name", "description", "type", "graph", *SETTINGS)
        sent = {name: graph[name] for name in taken if name in graph}
        await self._api.done("PUT", f"{ADMIN}/{self._id}", sent)
        shown = ("name", "trigger", "status", "steps", "steps_unavailable")
        await self._api.done(
            "PATCH", f"{V2}/{self._id}", {name: steps[name] for name in shown if name in steps}
        )
        await self._api.done("PUT", f"{V3}{graph['name']}/", stages)
        for binding in bindings:
            await self._api.done("PUT", f"{BINDINGS}{binding['pk']}/", binding)
        assert (await self.read())[0]["version"] == graph["version"]
        return {}, lambda facet: facet == ("title",)


def never(_facet: Facet) -> bool:
    """Nothing but what the edit was for."""
    return False


async def made_as_graph(api: Api, data: st.DataObject) -> str:
    steps = data.draw(st.lists(STEPS, max_size=3))
    made = await made_as_steps(api, data, steps)
    graph = (await api.done("GET", f"{ADMIN}/{made}"))["graph"]
    beside = [{"id": "beside", "type": "prompt", "config": {"fields": []}}] * data.draw(
        st.integers(0, 1)
    )
    graph["nodes"] += beside
    return await api.create(name=f"flow-{next(NUMBERS)}", graph=graph)


async def made_as_steps(api: Api, data: st.DataObject, steps: list[Json] | None = None) -> str:
    if steps is None:
        steps = data.draw(st.lists(STEPS, max_size=4))
    named = [{"id": f"step {next(NUMBERS)}", **step} for step in steps]
    body = {"name": data.draw(TEXTS), "trigger": {"id": "post-login"}, "steps": named}
    id: str = (await api.done("POST", V2, body))["id"]
    return id


async def made_as_stages(api: Api, data: st.DataObject) -> str:
    other = await made_as_steps(api, data, [data.draw(STEPS)])
    slug = (await api.done("GET", f"{ADMIN}/{other}"))["name"]
    ready = await api.done("GET", f"{V3}{slug}/")
    name = f"flow_{next(NUMBERS)}"
    about = {"name": name, "slug": name, "title": data.draw(TEXTS), "designation": "recovery"}
    made = await api.done("POST", V3, about)
    for order in data.draw(st.lists(st.integers(0, 50), max_size=3)):
        body = {"target": made["pk"], "stage": ready["stages"][0], "order": order}
        await api.done("POST", BINDINGS, body)
    return f"flow_{name}"


@pytest.mark.parametrize("make", [made_as_graph, made_as_steps, made_as_stages])
@some
@given(data=st.data())
async def test_a_flow_of_any_face_is_edited_through_all_and_none_loses_what_another_wrote(
    api: Api, make: Callable[[Api, st.DataObject], Any], data: st.DataObject
) -> None:
    desk = Desk(api, await make(api, data), data)
    for _ in range(6):
        await desk.edit()
