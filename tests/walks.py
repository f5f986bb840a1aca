"""Flows in a line or two, and a walk through them: compiled, and stored and read back each turn.

    inner = flow("inner", "start > name > done", name=asks("name"))
    outer = flow("outer", "start > call > done", "call:failure > sorry", call=calls("inner"))
    walk = Walk(program(outer, library(inner)))
    walk.sends(name="Sasha")

Who comes back from a provider sends `{"state": "state", "code": "<account>"}`, and a passkey is
`{"tokenResponse": '{"id": "<account>"}'}`.

The world answers from a few people that a test names, and is never asked what the test did not
expect: a walk keeps all that was asked.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from itertools import pairwise
from typing import Any, TypeVar

import msgspec

from libs.common.flow.accounts import (
    CheckInvitation,
    CheckRecoveryCode,
    DeleteUser,
    EnrolTotp,
    HasRecoveryCodes,
    Invited,
    IsBreached,
    IsEnrolled,
    KeepConsent,
    KeepRecoveryCodes,
    MakeRecoveryCodes,
    OfferTotp,
    RecallConsent,
    RecoveryCodes,
    TotpOffer,
)
from libs.common.flow.calls import CallAction, CallWebhook, Reached
from libs.common.flow.captchas import CheckCaptcha, Judgement, ShowCaptcha, Widget
from libs.common.flow.compile import compile_flow
from libs.common.flow.federation import BeginSignIn, Begun, Came, FinishSignIn, LinkExternal
from libs.common.flow.interpreter import Watch, advance, begin
from libs.common.flow.model import (
    ALONE,
    Edge,
    Flow,
    FlowType,
    Graph,
    Invariant,
    Json,
    Library,
    Mode,
    Node,
    Policy,
    Settings,
    Trigger,
    TriggerPoint,
)
from libs.common.flow.passkeys import (
    Ceremony,
    CheckPasskey,
    KeepPasskey,
    MadePasskey,
    OfferPasskey,
    SeekPasskey,
    Shown,
)
from libs.common.flow.plan import Program, encode, load, name_of
from libs.common.flow.questions import (
    CheckCode,
    CheckPassword,
    CheckTotp,
    FindAccount,
    HashPassword,
    LoadUser,
    MayLeadTo,
    Taken,
    Verdict,
    VerifyEmail,
    WriteUser,
    Written,
)
from libs.common.flow.signins import EndSignIn, EndSignIns, KeepSignIn
from libs.common.flow.turn import (
    External,
    Facts,
    Question,
    Session,
    Stay,
    Submission,
    Surroundings,
    Turn,
)
from libs.common.flow.world import new_user
from libs.common.nodes.catalogue import NODE_TYPES
from tests.playbook import SESSION

R = TypeVar("R")

NOW = Surroundings(time=1_790_000_000, ip="192.0.2.7")
PASSWORD, CODE, RECOVERY_CODE = "correct horse", "123456", "abcde-fghij"
INVITATION, INVITED = "an invitation", Invited("invitation-1", {"role": "editor"})
OFFER = TotpOffer("c2VhbGVk", "JBSWY3DPEHPK3PXP", "otpauth://totp/", "data:image/svg+xml,")
ALICE = "alice@example.com"
NO_SETTINGS = Settings()
NOTHING_KNOWN = Facts()

ENDS = {"start": "start", "done": "success", "failed": "failure"}
"""What a node is of which a test says no more than its name."""


def node(kind: str, /, **config: Json) -> Node:
    """Write a node; `flow` gives it its name."""
    return Node("?", kind, config)


def when(
    written: Node,
    *policies: str,
    mode: Mode = "any",
    at_start: bool = True,
    each_time: bool = False,
) -> Node:
    """Put policies on a node."""
    return msgspec.structs.replace(
        written,
        policies=tuple(map(policy, policies)),
        policy_engine_mode=mode,
        evaluate_on_plan=at_start,
        re_evaluate_policies=each_time,
    )


def policy(text: str) -> Policy:
    """Write a policy, negated where it begins with `not `."""
    return Policy(text.removeprefix("not "), negate=text.startswith("not "))


def asks(*names: str) -> Node:
    """Write a prompt for some texts."""
    kinds = {"email": "email", "password": "password"}
    fields = [{"name": each, "type": kinds.get(each, "text"), "label": each} for each in names]
    return node("prompt", fields=fields)


def sets(attribute: str, value: str = "true") -> Node:
    """Write a node that sets an attribute."""
    return node("set_attribute", attribute=attribute, value=value)


def checks(expression: str) -> Node:
    """Write a node that branches."""
    return node("condition", condition=expression)


def calls(slug: str) -> Node:
    """Write a node that runs another flow."""
    return node("subflow", flow=slug)


def flow(
    name: str,
    /,
    *paths: str,
    kind: FlowType = FlowType.REGISTRATION,
    settings: Settings = NO_SETTINGS,
    **nodes: Node,
) -> Flow:
    """Write a flow by paths through it, as in `start > ask > done` and `ask:failure > sorry`."""
    names: dict[str, None] = {}
    edges: list[Edge] = []
    for path in paths:
        stops = [stop.split(":") for stop in path.split(" > ")]
        names.update(dict.fromkeys(stop[0] for stop in stops))
        for source, target in pairwise(stops):
            edges.append(Edge(source[0], target[0], source[1] if source[1:] else None))
    drawn = tuple(
        msgspec.structs.replace(nodes[each], id=each) if each in nodes else Node(each, ENDS[each])
        for each in names
    )
    return Flow(f"flow_{name}", 1, kind, Graph(drawn, tuple(edges)), settings, name)


def trigger(name: str, point: TriggerPoint, /, *paths: str, **nodes: Node) -> Flow:
    """Write a flow that runs at `point` of others."""
    settings = Settings(trigger=Trigger(point))
    return flow(name, *paths, kind=FlowType.TRIGGER, settings=settings, **nodes)


def library(*flows: Flow, invariants: tuple[Invariant, ...] = ()) -> Library:
    """Hold these flows, and run those of them that are triggers, in their order."""
    triggers = tuple(each for each in flows if each.type is FlowType.TRIGGER)
    return Library({each.name: each for each in flows}, triggers, invariants)


def program(written: Flow, beside: Library = ALONE, *, running: bool = False) -> Program:
    """Compile a flow, and load its bytes."""
    data = encode(compile_flow(written, NODE_TYPES, beside, running=running))
    return load(data, NODE_TYPES, expecting=name_of(data))


class World:
    """Answers what a walk asks: everybody's password is `PASSWORD`, and their code `CODE`."""

    def __init__(self, **users: Mapping[str, Json]) -> None:
        """Know `users`, by their account; they are called `<account>@example.com`."""
        self.users: dict[str, Mapping[str, Json]] = dict(users)
        self.asked: list[Question[Any]] = []
        self.reached: Reached | None = Reached({})
        """What is answered by whoever is called."""

    def answer(self, question: Question[Any]) -> object:
        """Answer `question`, and remember it."""
        self.asked.append(question)
        match question:
            case FindAccount(identifier=identifier):
                account = identifier.removesuffix("@example.com")
                return account if account in self.users else None
            case CheckPassword():
                return _verdict(question.account, question.password.reveal() == PASSWORD)
            case CheckTotp() | CheckCode() | VerifyEmail():
                who = question.to if isinstance(question, VerifyEmail) else None
                return _verdict(question.account or who, question.code.reveal() == CODE)
            case BeginSignIn() | FinishSignIn() | LinkExternal():
                return self._provide(question)
            case SeekPasskey() | OfferPasskey():
                return Ceremony("challenge", {})
            case CheckPasskey():
                return self._check(question)
            case KeepPasskey():
                return self._keep(question)
            case LoadUser():
                return self.users.get(question.account)
            case HashPassword():
                return "$argon2id$"
            case MayLeadTo():
                # As an executor does for which the operator has named no origin.
                return question.url.startswith("/")
            case WriteUser():
                return self._write(question)
            case ShowCaptcha():
                return Widget("TURNSTILE", "key")
            case CheckCaptcha():
                return Judgement.PASSED
            case CallAction() | CallWebhook():
                return self.reached
            case _:
                return self._of_accounts(question)

    def _of_accounts(self, question: Question[Any]) -> object:
        match question:
            case CheckRecoveryCode():
                return _verdict(question.account, question.code.reveal() == RECOVERY_CODE)
            case OfferTotp():
                return OFFER
            case EnrolTotp():
                return _verdict(question.account, question.code.reveal() == CODE)
            case MakeRecoveryCodes():
                return RecoveryCodes((RECOVERY_CODE,), ("00",))
            case KeepRecoveryCodes() | KeepConsent() | DeleteUser() | EndSignIn() | EndSignIns():
                return True
            case KeepSignIn():
                return question.account in self.users
            case RecallConsent() | IsBreached() | IsEnrolled() | HasRecoveryCodes() | MadePasskey():
                return False
            case CheckInvitation():
                return INVITED if question.token.reveal() == INVITATION else None
            case _:
                msg = f"nobody answers {question}"
                raise AssertionError(msg)

    def _provide(self, question: BeginSignIn | FinishSignIn | LinkExternal) -> object:
        if isinstance(question, BeginSignIn):
            return Begun("https://provider.invalid/", "state", "nonce", "verifier")
        if isinstance(question, LinkExternal):
            return True
        subject = question.code.reveal()
        known = subject if subject in self.users else None
        return Came(External("https://provider.invalid", subject), {}, known)

    def _check(self, question: CheckPasskey) -> Shown | None:
        account = msgspec.json.decode(question.response.reveal())["id"]
        return Shown(account, bound=True, verified=True) if account in self.users else None

    def _keep(self, question: KeepPasskey) -> bool:
        known = self.users[question.account]
        self.users[question.account] = {**known, "mfa_enabled": True, "mfa_methods": ["webauthn"]}
        return True

    def _write(self, question: WriteUser) -> Written | Taken:
        email = str(question.attributes.get("email", ""))
        account = question.account or email.removesuffix("@example.com")
        if question.account is None and account in self.users:
            return Taken("email")
        known = self.users.get(account) or new_user(NOW.time)
        self.users[account] = {**known, **question.attributes}
        return Written(account)

    def wrote(self) -> list[WriteUser]:
        """All that it was asked to write."""
        return [each for each in self.asked if isinstance(each, WriteUser)]


def _verdict(account: str | None, right: bool) -> Verdict:
    return Verdict.RIGHT if right and account is not None else Verdict.WRONG


def told(dialogue: Generator[Question[Any], Any, R], world: World) -> R:
    """Play a dialogue to its end, with `world` for its answers."""
    answer: object = None
    while True:
        try:
            question = dialogue.send(answer)
        except StopIteration as stop:
            result: R = stop.value
            return result
        answer = world.answer(question)


class Walk:
    """A session that goes from turn to turn, stored and read back in between."""

    def __init__(
        self,
        made: Program,
        world: World | None = None,
        facts: Facts = NOTHING_KNOWN,
        watch: Watch | None = None,
    ) -> None:
        """Begin."""
        self.program = made
        self.world = world or World()
        self._watch = watch
        session = Session(SESSION, "default", made.plan, made.type, made.start, 1, 2, 3)
        session = msgspec.structs.replace(session, facts=facts)
        self.turn = told(begin(made, session, NOW, watch), self.world)

    def asked(self) -> list[str]:
        """Name the inputs that are waited for."""
        assert isinstance(self.turn.shown, Stay)
        view = self.turn.shown.view
        found = [*view.required, *view.optional] if view.internal else []
        waiting = list(view.components)
        while waiting:
            component = waiting.pop(0)
            waiting = [*component.components, *waiting]
            if component.type == "INPUT":
                found.append(component.id)
        return found

    def sends(self, **inputs: Json) -> Turn:
        """Submit `inputs` to the node that waits."""
        return self._send(Submission("", inputs))

    def follows(self, token: str = CODE) -> Turn:
        """Follow the link that was mailed, on another device."""
        return self._send(Submission("", {"token": token}, elsewhere=True))

    def _send(self, submission: Submission) -> Turn:
        dialogue = advance(self.program, self.stored(), submission, NOW, self._watch)
        self.turn = told(dialogue, self.world)
        return self.turn

    def stored(self) -> Session:
        """The session as it was left, read back from its bytes."""
        assert not self.turn.session.over
        data = msgspec.msgpack.encode(self.turn.session)
        return msgspec.msgpack.decode(data, type=Session)

    @property
    def at(self) -> str:
        """The node that waits, or that the flow ended at."""
        return self.program.steps[self.turn.session.node].id

    @property
    def path(self) -> list[str]:
        """What the last turn passed, as in `ask`, `check:true`."""
        return [
            f"{each.node}:{each.outcome}" if each.outcome else each.node for each in self.turn.path
        ]

    @property
    def succeeded(self) -> bool | None:
        """How it ended; None where it has not."""
        return getattr(self.turn.shown, "succeeded", None)
