"""What is served to those who want to know the API: the document, and a page to read it with."""

import re

import pytest

from tests.integration.management.conftest import Api

PAGE = ("/docs", "/docs/page.css", "/docs/page.js")


async def test_the_document_needs_no_token_and_is_of_all_faces(api: Api) -> None:
    reply = await api.call("GET", "/openapi.json", bearer="")
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/json")
    assert reply.body["openapi"] == "3.1.0"
    assert {"/api/admin/flows", "/openapi.json"} <= reply.body["paths"].keys()


async def test_the_document_of_a_face_is_of_that_alone(api: Api) -> None:
    reply = await api.call("GET", "/openapi.json?face=admin", bearer="")
    paths = reply.body["paths"].keys()
    assert "/api/admin/flows" in paths
    assert not any(path.startswith(("/api/v2", "/api/v3", "/oauth")) for path in paths)


async def test_there_is_no_document_of_a_face_that_is_none(api: Api) -> None:
    reply = await api.call("GET", "/openapi.json?face=v9", bearer="")
    assert (reply.status, reply.body["problems"][0]["path"]) == (400, "face")


@pytest.mark.parametrize(
    ("path", "kind"), [*zip(PAGE, ("text/html", "text/css", "text/javascript"), strict=True)]
)
async def test_the_page_asks_no_other_host_for_anything(api: Api, path: str, kind: str) -> None:
    reply = await api.call("GET", path, bearer="")
    assert reply.status == 200
    assert reply.headers["Content-Type"] == f"{kind}; charset=utf-8"
    policy = reply.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in policy
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert not re.search(r"(https?:)?//[a-z]", reply.text.replace("// ", ""))


async def test_the_page_has_no_script_or_style_in_itself(api: Api) -> None:
    text = (await api.call("GET", "/docs", bearer="")).text
    assert set(re.findall(r'(?:src|href)="([^"]+)"', text)) == {*PAGE[1:], "/openapi.json"}
    assert re.findall(r"<script[^>]*>([^<]*)</script>", text) == [""]
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", text)
