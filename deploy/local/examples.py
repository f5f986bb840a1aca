"""What a new stack has to look at, and the commands that `make run` prints to try it.

It gives flows only to a tenant that has none, and never changes one that is there.
"""

import json
import shlex
from pathlib import Path

import aiohttp

from deploy.local.demo import FLOWS, PASSWORD
from deploy.local.exchange import Client, Json, Unexpected
from deploy.local.process import Failed
from deploy.local.stack import Facts

LOGIN, SIGN_UP = "example-login", "example-sign-up"
"""Not the names of the API's pages: those stay free for whoever follows them."""


async def seed(facts: Facts) -> bool:
    """Give the default tenant the example flows if it has none; return whether both are active.

    Raises Failed.
    """
    try:
        async with aiohttp.ClientSession() as http:
            client = Client(http, facts, lambda _line: None)
            if not (await client.admin("GET", "/api/admin/flows"))["total"]:
                for flow in examples():
                    await _publish(client, flow)
            active = await client.admin("GET", "/api/admin/flows?status=active&limit=100")
    except (Unexpected, aiohttp.ClientError) as error:
        raise Failed(f"the example flows could not be made: {error}") from error
    return {LOGIN, SIGN_UP} <= {flow["name"] for flow in active["items"]}


def examples() -> tuple[Json, ...]:
    """Return the flows that a new stack has, as they are sent to be created."""
    sign_up = json.loads((FLOWS / "registration.json").read_text())
    return (
        {
            "name": LOGIN,
            "display_name": "Example: sign in",
            "description": "Identifier and password, and a code of who has an authenticator",
            "type": "login",
            "graph": json.loads((FLOWS / "mfa-login.graph.json").read_text()),
        },
        {**sign_up, "name": SIGN_UP, "display_name": "Example: sign up"},
    )


async def _publish(client: Client, flow: Json) -> None:
    made = await client.admin("POST", "/api/admin/flows", flow, expect=201)
    path = f"/api/admin/flows/{made['id']}"
    await client.admin("POST", f"{path}/compile")
    await client.admin("POST", f"{path}/activate")


def what_to_try(facts: Facts, folder: Path, *, walkable: bool) -> str:
    """Say what there is, with commands for `sh`, indented; those that walk only if `walkable`."""
    bearer = shlex.quote(f"Authorization: Bearer {facts.admin_token}")
    return f"""
Gatehouse runs. Its addresses, passwords and process ids are in {folder / "stack.json"},
its logs in {folder / "logs"}. Mail that flows send is in {facts.mail_folder}.

The flows there are:

  curl -s -H {bearer} {facts.management_url}/api/admin/flows
{_walk(facts) if walkable else ""}
Ctrl-C stops everything.
"""


def _walk(facts: Facts) -> str:
    # Plain `sh`, and no comments: an interactive zsh has none.
    return f"""
`step` sends one step, shows the answer, and keeps its flowId in FLOW:

  step() {{
    ANSWER=$(curl -s -H 'Content-Type: application/json' -d "$1" {facts.executor_url}/flow/execute)
    FLOW=$(printf %s "$ANSWER" | sed 's/.*"flowId":"\\([^"]*\\)".*/\\1/')
    printf '%s\\n\\n' "$ANSWER"
  }}

Sign up as somebody new:

  EMAIL="ada-$(date +%s)-$$@example.com"
  step '{{"flowType": "REGISTRATION", "flow": "{SIGN_UP}"}}'
  step '{{"flowId": "'$FLOW'", "inputs": {{"email": "'$EMAIL'", "password": "{PASSWORD}"}}}}'

Sign in, and get a userAssertion:

  step '{{"flowType": "LOGIN", "flow": "{LOGIN}"}}'
  step '{{"flowId": "'$FLOW'", "inputs": {{"identifier": "'$EMAIL'"}}}}'
  step '{{"flowId": "'$FLOW'", "inputs": {{"password": "{PASSWORD}"}}}}'

Both are pages as well: {facts.executor_url}/portal/REGISTRATION and …/portal/LOGIN
"""
