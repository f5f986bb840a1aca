"""A thing of each kind that a path of management may name, and what a body has to say at least."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from uuid import uuid4

from libs.common.flow.model import Json
from tests.integration.management.conftest import FLOW, Api

MARK: Final = "swordfish"
"""In everything that the other tenant has, under which it would be seen in an answer."""

NO_UUID: Final = "00000000-0000-4000-8000-000000000000"
NO_SID: Final = 32 * "f"

Names = Mapping[str, str]
"""What the parts of a path are called of one thing."""
Make = Callable[[Api], Awaitable[Names]]


async def a_flow(api: Api) -> Names:
    name = f"{MARK}-{uuid4()}"
    id = await api.create(name=name, display_name=f"The {MARK}", description=MARK)
    await api.done("PUT", f"/api/admin/flows/{id}/golden/{MARK}", {"expect": {"path": ["start"]}})
    await api.done("POST", f"/api/admin/flows/{id}/activate", {"override_reason": MARK})
    return {"id": id, "version": "1", "name": MARK, "slug": name}


async def a_binding(api: Api) -> Names:
    slug = (await a_flow(api))["slug"]
    flow = await api.done("GET", f"/api/v3/flows/instances/{slug}/")
    listed = await api.done("GET", f"/api/v3/flows/bindings/?target={flow['pk']}")
    first = listed["results"][0]
    return {"uuid": first["pk"], "target": first["target"], "stage": first["stage"]}


async def a_client(api: Api) -> Names:
    client: Json = {"name": MARK, "scopes": ["read:flows"]}
    made = await api.done("POST", "/api/admin/clients", client)
    return {"client_id": made["client_id"]}


async def a_provider(api: Api) -> Names:
    provider: Json = {
        "id": f"{MARK}-{uuid4()}",
        "display_name": MARK,
        "config": {
            "kind": "oidc",
            "issuer": f"https://{MARK}.example.com",
            "client_id": MARK,
        },
    }
    made = await api.done("POST", "/api/admin/providers", provider)
    return {"provider": made["id"]}


async def a_user(api: Api) -> Names:
    user: Json = {
        "email": f"{MARK}-{uuid4()}@example.com",
        "attributes": {MARK: MARK},
        "password": f"{MARK}-{MARK}",
    }
    made = await api.done("POST", "/api/admin/users", user)
    return {"user": made["id"], "credential": "password", "sid": NO_SID}


async def an_action(api: Api) -> Names:
    action: Json = {
        "id": f"{MARK}-{uuid4()}",
        "display_name": MARK,
        "url": f"https://{MARK}.example.com/hook",
    }
    made = await api.done("POST", "/api/admin/actions", action)
    return {"action": made["id"]}


async def an_invitation(api: Api) -> Names:
    made = await api.done("POST", "/api/admin/invitations", {"attributes": {MARK: MARK}})
    return {"invitation": made["id"]}


async def a_session(_api: Api) -> Names:
    """Executors have them, and none is here; theirs are told apart where they are asked."""
    return {"id": str(uuid4())}


async def no_thing(_api: Api) -> Names:
    """What every tenant has."""
    return {}


THINGS: Final[Mapping[str, tuple[Make, Names]]] = {
    "/api/admin/flows/{id}": (a_flow, {"id": "flow_nobody_s", "version": "1", "name": "nobody-s"}),
    "/api/v2/flows/{id}": (a_flow, {"id": "flow_nobody_s"}),
    "/api/v3/flows/instances/{slug": (a_flow, {"slug": "nobody-s"}),
    "/api/v3/flows/bindings/": (a_binding, dict.fromkeys(("uuid", "target", "stage"), NO_UUID)),
    "/api/admin/node-types/{node_type}": (no_thing, {"node_type": "start"}),
    "/api/admin/clients/{client_id}": (a_client, {"client_id": 32 * "0"}),
    "/api/admin/sessions/{id}": (a_session, {"id": NO_UUID}),
    "/api/admin/providers/{provider}": (a_provider, {"provider": "nobody-s"}),
    "/api/admin/users/{user}": (a_user, {"user": NO_UUID, "credential": "password", "sid": NO_SID}),
    "/api/admin/actions/{action}": (an_action, {"action": "nobody-s"}),
    "/api/admin/invitations/{invitation}": (an_invitation, {"invitation": NO_UUID}),
    "/api/admin/candidates/{type}": (no_thing, {"type": "login"}),
    "/api/admin/tenants/{tenant}": (no_thing, {"tenant": "default"}),
}
"""How there is a thing that a path names, and what one is called that nobody has; by how the path
begins."""

INSTANCE: Final[Json] = {
    "name": "Mine",
    "slug": "mine-too",
    "title": "Mine",
    "designation": "authentication",
}
BLUEPRINT: Final = """
version: 1
entries: [{model: authentik_flows.flow, identifiers: {slug: mine-as-well}}]
"""
BINDING: Final[Json] = {"target": "<target>", "stage": "<stage>", "order": 5}

BODIES: Final[Mapping[str, Json]] = {
    "admin_create": FLOW,
    "rollouts_put": {"versions": [{"version": 1, "weight": 1}]},
    "rollouts_order": {"flows": []},
    "transfer_load": {"gatehouse": 1, "flow": {**FLOW, "name": "loaded"}},
    "transfer_copy": {"name": "copy", "display_name": "Copy"},
    "golden_replace": {"tests": []},
    "golden_put": {"expect": {"path": ["start"]}},
    "invariants_put": [],
    "tenants_create": {"name": "globex"},
    "providers_create": {
        "id": "mine",
        "display_name": "Mine",
        "config": {"kind": "oidc", "issuer": "https://id.example.com", "client_id": "mine"},
    },
    "users_create": {"username": "mine"},
    "actions_create": {
        "id": "mine",
        "display_name": "Mine",
        "url": "https://hooks.example.com/mine",
    },
    "clients_create": {"name": "mine", "scopes": ["create:clients"]},
    "v2_flows_create": {"name": "Mine"},
    "v3_files_load": {"file": BLUEPRINT},
    "v3_instances_create": INSTANCE,
    "v3_instances_replace": INSTANCE,
    "v3_bindings_create": BINDING,
    "v3_bindings_replace": BINDING,
}
"""Bodies that are right, where `{}` is not; `<name>` stands for what a thing is called."""
