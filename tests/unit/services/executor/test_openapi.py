from __future__ import annotations

from typing import Any

import msgspec
from openapi_spec_validator import OpenAPIV31SpecValidator

from services.executor import wire
from services.executor.faults import FAULTS
from services.executor.openapi import document

DOCUMENT: dict[str, Any] = msgspec.json.decode(
    msgspec.json.encode(document(("/flow/execute",), "/keys", "/introspect", "1.2.3"))
)
EXECUTE = DOCUMENT["paths"]["/flow/execute"]["post"]
SCHEMAS = DOCUMENT["components"]["schemas"]


def test_the_document_is_one_of_openapi() -> None:
    assert not list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors())


def test_every_fault_is_described_at_its_status() -> None:
    for fault in FAULTS.values():
        assert f"`{fault.code}`" in EXECUTE["responses"][fault.code[3:6]]["description"]


def test_every_field_of_a_request_is_described_under_its_name_on_the_wire() -> None:
    names = {field.encode_name for field in msgspec.structs.fields(wire.Request)}
    assert SCHEMAS["Request"]["properties"].keys() == names
    assert not SCHEMAS["Request"]["required"]


def test_nothing_is_demanded_of_an_answer_that_may_be_left_out() -> None:
    assert SCHEMAS["Answer"]["required"] == ["flowType", "flowStatus", "type", "data"]
    assert not SCHEMAS["Data"]["required"]
