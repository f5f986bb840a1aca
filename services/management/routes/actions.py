"""`/api/admin/actions`: what flows may call by name, with secrets that only go in."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import hdrs, web
from msgspec import UNSET, UnsetType
from msgspec.structs import asdict, replace

from libs.common.chassis.app import json_answer
from libs.common.flow.calls import Attempts, Headers, Target, TrySeconds, Url
from libs.common.flow.model import RegisteredId
from libs.common.secret import Secret
from services.management.actions import NO_ACTION, Actions
from services.management.registered import Edit, New, Registered
from services.management.routes.clients import NO_STORE
from services.management.routes.decode import decode, decode_query
from services.management.routes.face import Listing, after_of, cursor_of, seconds, tagged
from services.management.routes.operation import Operation
from services.management.routes.registered import ID, DisplayName, named, part_of_path
from services.management.routes.serving import admitted


class CreateBody(Target, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a create."""

    id: RegisteredId
    display_name: DisplayName
    secret: Secret | None = None


class UpdateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of an update: what is left out stays, and a secret of null is dropped."""

    display_name: DisplayName | UnsetType = UNSET
    url: Url | UnsetType = UNSET
    headers: Headers | UnsetType = UNSET
    timeout_seconds: TrySeconds | UnsetType = UNSET
    attempts: Attempts | UnsetType = UNSET
    secret: Secret | UnsetType | None = UNSET


class ActionBody(Target, frozen=True, kw_only=True):
    """An action as it is shown."""

    id: str
    display_name: str
    has_secret: bool
    created_at: int
    updated_at: int


class ActionsBody(msgspec.Struct, frozen=True):
    """A page of actions."""

    items: tuple[ActionBody, ...]
    cursor: str | None


class WebhookSecretsBody(msgspec.Struct, frozen=True):
    """What signs the calls of a tenant that have no secret of their own."""

    secrets: tuple[str, ...]
    """Any of these may have signed a call, each as it is written here."""


class Endpoints:
    def __init__(self, actions: Actions) -> None:
        self._actions = actions

    async def list(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        query = decode_query(request, Listing)
        after = after_of(query.cursor, ID)
        page = await self._actions.list(tenant, after, query.limit)
        cursor = None if page.next is None else cursor_of(page.next)
        return json_answer(ActionsBody(tuple(map(_shown, page.items)), cursor))

    async def create(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        body = await decode(request, CreateBody)
        target = Target(
            url=body.url,
            headers=body.headers,
            timeout_seconds=body.timeout_seconds,
            attempts=body.attempts,
        )
        new = New(id=body.id, display_name=body.display_name, config=target, secret=body.secret)
        action = await self._actions.create(tenant, new, author)
        return tagged(_shown(action), action.tag(), status=201)

    async def get(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        action = await self._actions.get(tenant, named(request, "action", NO_ACTION))
        return tagged(_shown(action), action.tag())

    async def update(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        id = named(request, "action", NO_ACTION)
        body = await decode(request, UpdateBody)
        given = {name: getattr(body, name) for name in Target.__struct_fields__}
        some = {name: value for name, value in given.items() if value is not UNSET}
        edit = Edit[Target](
            display_name=body.display_name,
            config=lambda target: replace(target, **some),
            secret=body.secret,
        )
        action = await self._actions.update(tenant, id, edit, author)
        return tagged(_shown(action), action.tag())

    async def delete(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        await self._actions.delete(tenant, named(request, "action", NO_ACTION), author)
        return web.Response(status=204)

    async def webhook_secrets(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        secrets = await self._actions.webhook_secrets(tenant)
        body = WebhookSecretsBody(tuple(secret.reveal() for secret in secrets))
        return json_answer(body, headers=NO_STORE)


def _shown(action: Registered[Target]) -> ActionBody:
    return ActionBody(
        **asdict(action.config),
        id=action.id,
        display_name=action.display_name,
        has_secret=action.has_secret,
        created_at=seconds(action.created_at),
        updated_at=seconds(action.updated_at),
    )


_ACTIONS: Final = "/api/admin/actions"
_ONE: Final = f"{_ACTIONS}/{{action}}"
_ACTION: Final = part_of_path("action")

OPERATIONS: Final = (
    Operation(
        method=hdrs.METH_GET,
        path=_ACTIONS,
        handler=Endpoints.list,
        summary="List actions, the oldest first",
        scope="read:actions",
        query=Listing,
        answers={200: ActionsBody},
    ),
    Operation(
        method=hdrs.METH_POST,
        path=_ACTIONS,
        handler=Endpoints.create,
        summary="Create an action; its secret is never shown",
        scope="create:actions",
        body=CreateBody,
        answers={201: ActionBody},
    ),
    Operation(
        method=hdrs.METH_GET,
        path=_ONE,
        handler=Endpoints.get,
        summary="Get an action, without its secret",
        scope="read:actions",
        parameters=_ACTION,
        answers={200: ActionBody},
        tagged=True,
    ),
    Operation(
        method=hdrs.METH_PUT,
        path=_ONE,
        handler=Endpoints.update,
        summary="Change an action, or give it another secret",
        scope="update:actions",
        parameters=_ACTION,
        body=UpdateBody,
        answers={200: ActionBody},
        tagged=True,
    ),
    Operation(
        method=hdrs.METH_DELETE,
        path=_ONE,
        handler=Endpoints.delete,
        summary="Delete an action that no active flow names",
        scope="delete:actions",
        parameters=_ACTION,
        answers={204: None},
        refusals=(HTTPStatus.CONFLICT,),
        tagged=True,
    ),
    Operation(
        method=hdrs.METH_GET,
        path="/api/admin/webhook-secrets",
        handler=Endpoints.webhook_secrets,
        summary="Show what calls are signed with that have no secret of their own",
        # Who can read them can pass for this deployment.
        scope="update:actions",
        answers={200: WebhookSecretsBody},
        refusals=(HTTPStatus.CONFLICT,),
        secret=True,
    ),
)
