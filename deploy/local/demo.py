"""The journeys of `make demo`: real flows, walked through the real APIs, each outcome checked.

Can be repeated over the same data: it has a tenant to itself, takes the flows of that away first,
and invents new users. It never touches another tenant.
"""

import json
import secrets
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path

import aiohttp
import jwt
import pyotp

from deploy.local.exchange import Client, Json, Say, Unexpected, inputs
from deploy.local.services import DEMO, PROJECT
from deploy.local.stack import Facts

FLOWS = Path(__file__).with_name("flows")
PASSWORD = "correct horse battery staple"  # noqa: S105 - of users that the demo invents
WRONG = 5
"""Wrong passwords that end a session, unless its flow says otherwise."""

ADMINS_MFA: Json = {
    "name": "admins-mfa",
    "type": "login",
    "when": "user.role === 'admin'",
    "require": "size(factors) >= 2",
}
NOTHING_DEMANDED: Json = {"invariants": [], "violations": []}
DEVICES = tuple(f"device {number}" for number in range(50))
"""So many that a rollout leaves nobody out by chance."""


class Person:
    """Somebody who can sign in."""

    def __init__(self, email: str, totp: pyotp.TOTP | None = None) -> None:
        self.email = email
        self.totp = totp


class Demo:
    """The journeys, over one running stack."""

    def __init__(
        self, client: Client, quiet: Client, executor: Mapping[str, str], say: Say
    ) -> None:
        """`quiet` prints nothing; `executor` is the executor's environment, for its commands."""
        self._client = client
        self._quiet = quiet
        self._executor = executor
        self._say = say
        self._run = secrets.token_hex(3)

    async def clear(self) -> None:
        """Take away what an earlier run left."""
        await self._quiet.demand()
        while flows := (await self._quiet.admin("GET", "/api/admin/flows"))["items"]:
            for flow in flows:
                await self._quiet.admin("DELETE", f"/api/admin/flows/{flow['id']}", expect=204)

    async def sign_in(self) -> None:
        """1. A flow is saved, compiled and activated; two people sign in by it."""
        graph = (FLOWS / "mfa-login.graph.json").read_text()
        about = {"name": "mfa-login", "display_name": "MFA Login Flow", "type": "login"}
        body = f'{json.dumps(about)[:-1]}, "graph": {graph}}}'
        flow = await self._client.admin("POST", "/api/admin/flows", body, expect=201)
        path = f"/api/admin/flows/{flow['id']}"
        checked = await self._client.admin("POST", f"{path}/validate")
        must(checked == {"valid": True, "warnings": []}, "the flow is valid")
        compiled = await self._client.admin("POST", f"{path}/compile")
        must(compiled["compiled"] is True, "the plan is in Redis")
        await self._client.admin("POST", f"{path}/activate")
        await self._signs_in(self._person("ada"), ["pwd"])
        await self._signs_in(self._person("grace", totp=True), ["pwd", "otp"])

    async def wrong_password(self) -> None:
        """2. A wrong password is told and can be mended; five of them end the session."""
        person = self._person("mary")
        step = await self._at_password(person)
        step = await self._answer(step, password=f"not {PASSWORD}")
        must(inputs(step) == ["password"], "the same view is shown again")
        must(bool(step["data"]["messages"]), "with a message")
        step = await self._answer(step, password=PASSWORD)
        must(step["flowStatus"] == "COMPLETE", "the right one still signs in")
        step = await self._at_password(person)
        for number in range(WRONG):
            must(step["flowStatus"] == "INCOMPLETE", "there is a try left")
            step = await self._answer(step, password=f"guess {number}")
        must(step["flowStatus"] == "ERROR", "the fifth wrong one ends the session")

    async def sign_up(self) -> None:
        """3. Somebody registers, and can sign in."""
        body = (FLOWS / "registration.json").read_text()
        flow = await self._client.admin("POST", "/api/admin/flows", body, expect=201)
        await self._client.admin("POST", f"/api/admin/flows/{flow['id']}/activate")
        step = await self._client.execute(flowType="REGISTRATION")
        must(step["data"]["requiredParams"] == ["email", "password"], "it asks for both")
        person = Person(f"edith-{self._run}@example.com")
        step = await self._answer(
            step, action="submit-registration", email=person.email, password=PASSWORD
        )
        must(step["flowStatus"] == "COMPLETE", "the account is made")
        await self._signs_in(person, ["pwd"])

    async def edited_meanwhile(self) -> None:
        """4. A flow is edited while somebody is in the middle of it."""
        person = self._person("joan")
        running = await self._at_password(person)
        flow = await self._mfa_login()
        path = f"/api/admin/flows/{flow['id']}"
        graph = json.loads((FLOWS / "mfa-login.graph.json").read_text())
        graph["nodes"][1]["config"]["identifier_types"] = ["email"]
        saved = await self._client.admin("PUT", path, {"graph": graph})
        must(saved["version"] == flow["version"] + 1, "saving makes the next version")
        await self._client.admin("POST", f"{path}/activate")
        running = await self._answer(running, password=PASSWORD)
        must(running["flowStatus"] == "COMPLETE", "the old session ends by the old version")
        fresh = await self._client.execute(flowType="LOGIN", flow="mfa-login")
        must(inputs(fresh) == ["email"], "a new one begins by the new version")

    async def refused(self) -> None:
        """5. What cannot run is refused, with every reason at once."""
        for name, expected in (
            ("broken", ["missing_start_node", "unreachable_success", "invalid_edge"]),
            ("unused", ["unused_node"]),
        ):
            body = (FLOWS / f"{name}.json").read_text()
            flow = await self._client.admin("POST", "/api/admin/flows", body, expect=201)
            path = f"/api/admin/flows/{flow['id']}"
            said = await self._client.admin("POST", f"{path}/validate")
            found = said["warnings"] if said["valid"] else said["errors"]
            must([problem["code"] for problem in found] == expected, f"it says {expected}")
            if not said["valid"]:
                await self._client.admin("POST", f"{path}/activate", expect=400)

    async def demanded(self) -> None:
        """6. A tenant demands two factors of admins; the way round them is found, and refused."""
        said = await self._client.demand(ADMINS_MFA)
        broken = {each["name"] for each in said["violations"]}
        must(broken == {"mfa-login"}, "it says which active flow breaks it")
        sent = json.loads((FLOWS / "office-login.json").read_text())
        flow = await self._client.admin("POST", "/api/admin/flows", sent, expect=201)
        path = f"/api/admin/flows/{flow['id']}"
        checked = await self._client.admin("POST", f"{path}/validate")
        must(not checked["valid"], "the flow is refused")
        way = ["start", "who", "password", "office", "success"]
        must(checked["errors"][0]["counter_example"] == way, "by the way round the code")
        await self._client.admin("POST", f"{path}/activate", expect=400)
        office = sent["graph"]["nodes"][3]["config"]
        office["condition"] += " && user.role !== 'admin'"
        await self._client.admin("PUT", path, {"graph": sent["graph"]})
        checked = await self._client.admin("POST", f"{path}/validate")
        must(checked["valid"], "the office's way is no admin's any more")
        must(await self._client.demand() == NOTHING_DEMANDED, "the demand is taken back")

    async def simulated(self) -> None:
        """7. A draft is tried on two people, and nothing is saved or sent."""
        path = f"/api/admin/flows/{(await self._mfa_login())['id']}"
        before = await self._client.admin("GET", path)
        graph = json.loads((FLOWS / "terms-login.graph.json").read_text())
        typed: list[Json] = [{"email": "ada@example.com"}, {"password": PASSWORD}]
        for logins, more, way in (
            (0, [{"terms": True}], ["start", "who", "password", "new", "terms", "success"]),
            (3, [], ["start", "who", "password", "new", "success"]),
        ):
            persona = {"user": {"logins_count": logins}}
            sent = {"persona": persona, "inputs": [*typed, *more], "graph": graph}
            played = await self._client.admin("POST", f"{path}/simulate", sent)
            must(played["result"] == "success", "they would be signed in")
            must(played["path"] == way, f"by {way}")
            (asked,) = played["trace"][way.index("new") + 2]["expressions"]
            must(asked["value"] is (logins == 0), "it says what the condition came to")
            self._say(f"  = at `new`, {asked['text']} is {json.dumps(asked['value'])}")
        must(await self._client.admin("GET", path) == before, "the flow is as it was")

    async def rolled_out(self) -> None:
        """8. A version is given to some, and taken back."""
        flow = await self._mfa_login()
        path = f"/api/admin/flows/{flow['id']}"
        graph = json.loads((FLOWS / "mfa-login.graph.json").read_text())
        graph["nodes"][1]["config"]["identifier_types"] = ["username"]
        saved = await self._client.admin("PUT", path, {"graph": graph, "note": "usernames only"})
        old, new = flow["version"], saved["version"]
        shares = [{"version": old, "weight": 70}, {"version": new, "weight": 30}]
        await self._client.admin("PUT", f"{path}/rollout", {"versions": shares})
        got = await self._asked_at(DEVICES)
        must({*got.values()} == {"email", "username"}, "both versions run")
        must(await self._asked_at(DEVICES) == got, "each device keeps what it has")
        some = [device for device, asked in got.items() if asked == "username"]
        self._say(f"  = {len(some)} of {len(DEVICES)} devices have version {new}, and keep it")
        running = await self._client.execute(flowType="LOGIN", flow="mfa-login", deviceId=some[0])
        await self._client.admin("POST", f"{path}/rollback", {"note": "people know no usernames"})
        must({*(await self._asked_at(DEVICES)).values()} == {"email"}, "it is nobody's any more")
        self._say(f"  = {len(DEVICES)} of {len(DEVICES)} devices are asked for email")
        running = await self._answer(running, username="ada")
        must(inputs(running) == ["password"], "a session that has it goes on with it")

    async def explained(self) -> None:
        """9. A session is explained, and replayed on a version that it did not run."""
        person = self._person("hedy")
        step = await self._answer(await self._at_password(person), password=f"not {PASSWORD}")
        step = await self._answer(step, password=PASSWORD)
        must(step["flowStatus"] == "COMPLETE", "the sign-in completes")
        session = f"/api/admin/sessions/{step['flowId']}"
        record = await self._client.admin("GET", session)
        passed = [node for turn in record["turns"] for node in turn["nodes"]]
        way = ["start", "identifier", "identifier", *["password"] * 3, "mfa_check", "success"]
        must([each["node"] for each in passed] == way, f"it went by {way}")
        must(person.email not in json.dumps(record), "nothing that was typed is told")
        (asked,) = passed[-2]["expressions"]
        must(asked["value"] is False, "it says what the condition came to")
        self._say(f"  = at `mfa_check`, {asked['text']} is {json.dumps(asked['value'])}")
        flow = await self._mfa_login()
        graph = (await self._client.admin("GET", f"/api/admin/flows/{flow['id']}"))["graph"]
        graph["nodes"][3]["config"]["condition"] = "true"
        path = f"/api/admin/flows/{flow['id']}"
        saved = await self._client.admin("PUT", path, {"graph": graph, "note": "a code for all"})
        again = await self._client.admin("GET", f"{session}/replay?version={saved['version']}")
        must(again["diverged_at"] == "mfa_check", "there the new version leads elsewhere")
        must(again["result"] == "failure", "it would not let in who has no authenticator")

    async def _mfa_login(self) -> Json:
        page = await self._client.admin("GET", "/api/admin/flows?type=login&status=active")
        (flow,) = [item for item in page["items"] if item["name"] == "mfa-login"]
        return flow

    async def _asked_at(self, devices: Iterable[str]) -> dict[str, str]:
        """Start a sign-in at each device, unseen; say what each is asked for."""
        asked = {}
        for device in devices:
            step = await self._quiet.execute(flowType="LOGIN", flow="mfa-login", deviceId=device)
            asked[device] = inputs(step)[0]
        return asked

    async def _at_password(self, person: Person) -> Json:
        step = await self._client.execute(flowType="LOGIN", flow="mfa-login")
        return await self._answer(step, **{inputs(step)[0]: person.email})

    async def _signs_in(self, person: Person, amr: list[str]) -> None:
        step = await self._answer(await self._at_password(person), password=PASSWORD)
        if person.totp is not None:
            must(inputs(step) == ["code"], "a second factor is asked for")
            step = await self._answer(step, code=person.totp.now())
        must(step["flowStatus"] == "COMPLETE", "the sign-in completes")
        token = step["data"]["userAssertion"]
        keys = jwt.PyJWKSet.from_dict(await self._client.keys())
        claims = jwt.decode(
            token,
            keys[jwt.get_unverified_header(token)["kid"]],
            algorithms=["ES256"],
            audience="gatehouse",
            issuer=self._client.issuer,
        )
        must(claims["amr"] == amr, f"the assertion says {amr}")
        self._say(f"  = verified: sub={claims['sub']} amr={','.join(claims['amr'])}")

    async def _answer(self, step: Json, action: str = "", **typed: str) -> Json:
        return await self._client.execute(
            flowId=step["flowId"], stepId=step["stepId"], actionId=action, inputs=typed
        )

    def _person(self, name: str, *, totp: bool = False) -> Person:
        """Make an account by the executor's own command."""
        email = f"{name}-{self._run}@example.com"
        made = add_account(self._executor, email, PASSWORD, totp=totp, tenant=DEMO)
        self._say(f"  + account {email}{' with an authenticator' if totp else ''}")
        return Person(email, pyotp.TOTP(made["totp_secret"]) if totp else None)


def add_account(
    executor: Mapping[str, str],
    email: str,
    password: str,
    *,
    totp: bool,
    tenant: str | None = None,
) -> Mapping[str, str]:
    """Make an account by the command of the executor whose environment this is.

    Returns its `id`, and with `totp` the `totp_secret` of its authenticator.
    """
    command = [sys.executable, "-m", "services.executor.users", "add", "--email", email]
    more = [*(["--totp"] if totp else []), *(["--tenant", tenant] if tenant else [])]
    done = subprocess.run(
        [*command, "--password-stdin", *more],
        input=password,
        env=executor,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Unexpected(f"no account could be made: {done.stderr.strip()}")
    made: Mapping[str, str] = json.loads(done.stdout)
    return made


def must(held: bool, sentence: str) -> None:
    """Raise `Unexpected` unless what `sentence` says is so."""
    if not held:
        raise Unexpected(f"not so: {sentence}")


async def walk(facts: Facts, executor: Mapping[str, str], say: Say = print) -> bool:
    """Walk every journey; return whether each came out right."""
    async with aiohttp.ClientSession() as http:
        quiet = Client(http, facts, lambda _line: None, tenant=DEMO)
        demo = Demo(Client(http, facts, say, tenant=DEMO), quiet, executor, say)
        await demo.clear()
        journeys: tuple[Callable[[], Awaitable[None]], ...] = (
            demo.sign_in,
            demo.wrong_password,
            demo.sign_up,
            demo.edited_meanwhile,
            demo.refused,
            demo.demanded,
            demo.simulated,
            demo.rolled_out,
            demo.explained,
        )
        wrong = 0
        for journey in journeys:
            say(f"\n{journey.__doc__}")
            try:
                await journey()
            except Unexpected as error:
                wrong += 1
                say(f"  WRONG: {error}")
            else:
                say("  ok")
    say(f"\n{len(journeys) - wrong} of {len(journeys)} journeys came out right")
    return wrong == 0
