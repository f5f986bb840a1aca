"""authentik's own generated client, unmodified: walks the flows and prints what it was told.

It runs with the packages of one of the requirements files beside it, in a process of its own: two
releases of the client cannot be in one environment.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import authentik_client
from authentik_client import (
    ApiException,
    FlowDesignationEnum,
    FlowRequest,
    FlowsApi,
    FlowStageBindingRequest,
    PatchedFlowRequest,
    PatchedFlowStageBindingRequest,
)

RECOVERY: Any = FlowDesignationEnum.RECOVERY
if authentik_client.__version__ < "2025":
    # There a filter was any text.
    RECOVERY = RECOVERY.value


def api(token: str, *, patient: bool = True) -> FlowsApi:
    configuration = authentik_client.Configuration(host=os.environ["HOST"], access_token=token)
    if not patient:
        # Otherwise it waits as long as a 429 says, and asks again.
        configuration.retries = False
    return FlowsApi(authentik_client.ApiClient(configuration))


def refusal(call: Callable[[], Any]) -> list[Any]:
    try:
        call()
    except ApiException as error:
        return [type(error).__name__, error.status, json.loads(error.body)]
    raise AssertionError("it was not refused")


def flow(slug: str, name: str = "Made") -> FlowRequest:
    return FlowRequest(name=name, slug=slug, title=f"{name} here", designation="recovery")


def told(answer: ApiException | authentik_client.ApiResponse) -> list[Any]:
    """What is answered to an import, which the client of its release decodes only of a refusal."""
    said = json.loads(answer.raw_data if hasattr(answer, "raw_data") else answer.body)
    return [said["success"], sorted({each["log_level"] for each in said["logs"]})]


def imported(flows: FlowsApi, data: bytes) -> list[Any]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "flow.yaml"
        file.write_bytes(data)
        try:
            answer = flows.flows_instances_import_create_with_http_info(str(file), clear=True)
        except ApiException as error:
            return [error.status, *told(error), type(error.data).__name__]
        return [answer.status_code, *told(answer)]


def files(flows: FlowsApi) -> dict[str, Any]:
    text = flows.flows_instances_export_retrieve("third")
    flows.flows_instances_destroy("third")
    # Newer releases of the client have no such call, and older ones the path of seed 003's flows.
    if not hasattr(flows, "flows_instances_import_create"):
        return {"exported": bytes(text).startswith(b"version: 1")}
    done = imported(flows, bytes(text)), imported(flows, b"[")
    title = flows.flows_instances_retrieve("third").title
    return {"exported": True, "imported": [*done, title]}


def insight(flows: FlowsApi, slug: str, binding: str) -> dict[str, Any]:
    return {
        "diagram": flows.flows_instances_diagram_retrieve(slug).diagram.splitlines()[0],
        "link": flows.flows_instances_execute_retrieve(slug).link,
        "used_by": flows.flows_instances_used_by_list(slug),
        "binding_used_by": flows.flows_bindings_used_by_list(binding),
        "cleared": flows.flows_instances_cache_clear_create_with_http_info().status_code,
        "ready": flows.flows_instances_cache_info_retrieve().count,
    }


def walk() -> dict[str, Any]:
    flows = api(os.environ["TOKEN"])
    hasty = api(os.environ["TOKEN"], patient=False)
    made = flows.flows_instances_create_with_http_info(flow("made_here"))
    for slug in ("other", "third"):
        flows.flows_instances_create(flow(slug, slug))
    page = flows.flows_instances_list(page=2, page_size=2, ordering="-slug")
    source = flows.flows_instances_retrieve("sign-in")
    bindings = flows.flows_bindings_list(target=str(source.pk), ordering="order").results
    wanted = FlowStageBindingRequest(
        target=str(made.data.pk), stage=str(bindings[0].stage), order=10
    )
    bound = flows.flows_bindings_create_with_http_info(wanted)
    pk = str(bound.data.pk)
    moved = flows.flows_bindings_partial_update(pk, PatchedFlowStageBindingRequest(order=15))
    again = flows.flows_bindings_update(pk, wanted)
    return {
        "version": authentik_client.__version__,
        "created": made.status_code,
        "slugs": [each.slug for each in page.results],
        "pagination": page.pagination.to_dict(),
        "recovery": len(flows.flows_instances_list(designation=RECOVERY).results),
        "search": [each.slug for each in flows.flows_instances_list(search="MADE").results],
        "by_key": [
            each.slug for each in flows.flows_instances_list(flow_uuid=str(made.data.pk)).results
        ],
        "replaced": flows.flows_instances_update("other", flow("other", "New")).title,
        "patched": flows.flows_instances_partial_update(
            "other", PatchedFlowRequest(denied_action="continue")
        ).denied_action,
        "stage": bindings[0].stage_obj.meta_model_name,
        "bound": bound.status_code,
        "orders": [bound.data.order, moved.order, again.order],
        "found": str(flows.flows_bindings_retrieve(pk).pk) == pk,
        **insight(flows, "sign-in", pk),
        **files(flows),
        "unbound": flows.flows_bindings_destroy_with_http_info(pk).status_code,
        "deleted": flows.flows_instances_destroy_with_http_info("other").status_code,
        "missing": refusal(lambda: flows.flows_instances_retrieve("other")),
        "past": refusal(lambda: flows.flows_instances_list(page=9)),
        "wrong": refusal(
            lambda: flows.flows_bindings_partial_update(
                str(bindings[0].pk), PatchedFlowStageBindingRequest(stage=str(made.data.pk))
            )
        ),
        "stranger": refusal(lambda: api("none").flows_instances_list()),
        "reader": refusal(lambda: api(os.environ["READER"]).flows_instances_create(flow("x"))),
        # Last, and until it is refused: requests come back while it asks.
        "hasty": refusal(lambda: [hasty.flows_instances_list(page_size=1) for _ in range(1000)]),
    }


sys.stdout.write(json.dumps(walk()))
