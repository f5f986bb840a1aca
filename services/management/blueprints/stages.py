"""What each of authentik's stages becomes here, and which attributes of it are carried.

A stage that has no node leaves a `dummy` in its place that lets nobody past: to go on without what
the stage did would be a weaker flow, and to leave it out would hide that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import msgspec

from libs.common.flow.model import Json, Settings
from services.management.blueprints.entries import Entry, described
from services.management.blueprints.policies import Policies
from services.management.blueprints.prompts import prompt_steps
from services.management.blueprints.setups import setup_steps, wish
from services.management.blueprints.steps import FAIL, ON, Stage, Step, minutes
from services.management.blueprints.tags import FLOW_MODEL, Elsewhere

APP: Final = "authentik_stages_"
WRITE_MODEL: Final = f"{APP}user_write.userwritestage"
EMAIL_MODEL: Final = f"{APP}email.emailstage"
CAPTCHA_MODEL: Final = f"{APP}captcha.captchastage"
PASSWORD_STAGE: Final = f"{APP}password.passwordstage"
_VALIDATE = f"{APP}authenticator_validate.authenticatorvalidatestage"
_TOTP = f"{APP}authenticator_totp.authenticatortotpstage"
_STATIC = f"{APP}authenticator_static.authenticatorstaticstage"


class Around(msgspec.Struct, frozen=True):
    """What of its flow a stage's nodes hang on."""

    settings: Settings
    policies: Policies


Map = Callable[[Stage, Around], list[Step]]


class Mapped(msgspec.Struct, frozen=True):
    """How a stage is carried."""

    steps: Map
    checks: bool = False
    """It only ever asks for more proof, or lets nobody past: to run it once more harms nobody."""


def mapped(model: str) -> Mapped:
    """Say how the stages of a model are carried."""
    return _MAPPED.get(model) or _MAPPED.get(_FORMER.get(model, ""), _NONE)


def is_stage(model: str) -> bool:
    """Whether a model is one of stages, known or not."""
    app, _, name = model.partition(".")
    return name.endswith("stage") and (app.startswith(APP) or model in _MAPPED)


def stand_in(stage: Stage, reason: str, became: str = "a `dummy` that lets nobody past") -> Step:
    """Mark the place of a stage that has no node, and note it."""
    stage.blueprint.remark(stage.entry, "stand_in", reason, became)
    return Step(type="dummy", label=f"{stage.entry.model}: {stage.name}", closed=True)


def _identification(stage: Stage, around: Around) -> list[Step]:
    wanted = stage.words("user_fields", ())
    kinds = [each for each in ("email", "username", "phone") if each in wanted]
    unknown = [each for each in wanted if each not in kinds]
    if unknown:
        stage.lose(f"nobody is called by {', '.join(unknown)[:100]} here")
    stage.drop("there are no sources of authentik's to choose from", "sources")
    stage.drop(
        "a form links to no other flow", "enrollment_flow", "recovery_flow", "passwordless_flow"
    )
    stage.same(case_insensitive_matching=True, pretend_user_exists=True, show_source_labels=False)
    stage.drop("it never shows whom it has found", "show_matched_user")
    if stage.take("pretend_user_exists", True) is False:
        stage.change("it never tells whether there is an account", "the same form for everybody")
    stage.drop("the client draws the form", "template", "show_source_labels")
    captcha = stage.blueprint.find(stage.take("captcha_stage"))
    password = stage.blueprint.find(stage.take("password_stage"))
    webauthn = stage.blueprint.find(stage.take("webauthn_stage"))
    if webauthn is not None:
        stage.lose("a passkey is not offered beside the name; draw a node for it")
    if not kinds:
        return [stand_in(stage, "it identifies nobody by anything that is known here")]
    first = Step(type="identifier_input", config={"identifier_types": kinds})
    return [
        first,
        *_inside(stage, captcha, CAPTCHA_MODEL, around),
        *_inside(stage, password, PASSWORD_STAGE, around),
    ]


def _inside(outer: Stage, entry: Entry | None, model: str, around: Around) -> list[Step]:
    """Draw a stage that is part of another: after it, as a step of its own."""
    # One of another model could be the outer itself.
    if entry is None or entry.model != model:
        return []
    stage = Stage(outer.blueprint, entry)
    steps = mapped(entry.model).steps(stage, around)
    stage.rest()
    outer.change("one form asks for one thing", f"{stage.name} comes after it, as its own step")
    return [
        msgspec.structs.replace(
            each, part=f"{stage.name} {each.part}".strip(), label=each.label or stage.name
        )
        for each in steps
    ]


_OURS: Final = frozenset(
    {"authentik.core.auth.InbuiltBackend", "django.contrib.auth.backends.ModelBackend"}
)
"""The backends that check passwords which authentik keeps itself."""


def _password(stage: Stage, _around: Around) -> list[Step]:
    tries = stage.take("failed_attempts_before_cancel", 5)
    bounded = min(max(tries, 1), 10) if type(tries) is int else 5
    if bounded != tries:
        stage.change("a node takes 1 to 10 tries", f"{bounded}")
    if any(each not in _OURS for each in stage.words("backends", ())):
        stage.lose("passwords are only checked against those that are kept here, not by others")
    stage.drop("a form links to no other flow", "configure_flow")
    stage.drop("the client draws the form", "allow_show_password")
    return [Step(type="password_input", config={"attempts": bounded})]


_METHODS: Final[Mapping[str, str]] = {
    "totp": "totp",
    "webauthn": "webauthn",
    "static": "recovery_code",
    "sms": "sms",
    "email": "email",
}
_SETUPS: Final[Mapping[str, str]] = {
    _TOTP: "totp_setup",
    _STATIC: "recovery_codes_setup",
    f"{APP}authenticator_webauthn.authenticatorwebauthnstage": "webauthn_setup",
    f"{APP}authenticator_webauthn.authenticatewebauthnstage": "webauthn_setup",
}


def _mfa(stage: Stage, around: Around) -> list[Step]:
    wanted = stage.words("device_classes", _METHODS)
    methods = [_METHODS[each] for each in wanted if each in _METHODS]
    if any(each not in _METHODS for each in wanted):
        stage.lose("some classes of devices are not known here")
    if stage.take("last_auth_threshold", "seconds=0") not in ("seconds=0", ""):
        stage.change("a second factor is not remembered", "it is asked for each time")
    stage.drop("any passkey that its owner verified is taken", "webauthn_allowed_device_types")
    verification = wish(stage.take("webauthn_user_verification"))
    stage.drop("a browser says how passkeys are asked for", "webauthn_hints")
    stage.drop(
        "senders are set for the deployment",
        "email_otp_throttling_factor",
        "sms_otp_throttling_factor",
    )
    action = stage.take("not_configured_action", "skip")
    setups = [
        each
        for each in stage.blueprint.find_all(stage.take("configuration_stages", []))
        if each.model in _SETUPS
    ]
    if not methods:
        return [stand_in(stage, "none of its devices is known here")]
    config: dict[str, Json] = {"methods": methods}
    if "webauthn" in methods:
        config["user_verification"] = verification
    step = Step(type="mfa_verification", config=config)
    if action == "skip":
        return [msgspec.structs.replace(step, off={"not_enrolled": ON})]
    if action == "configure" and setups:
        if len(setups) > 1:
            stage.change("nobody chooses what to set up", f"{setups[0].name} is set up")
        inner = Stage(stage.blueprint, setups[0])
        (setup,) = mapped(setups[0].model).steps(inner, around)
        inner.rest()
        part = setups[0].name or "setup"
        aside = msgspec.structs.replace(setup, part=part, label=part, aside=True)
        return [msgspec.structs.replace(step, off={"not_enrolled": part}), aside]
    if action == "configure":
        stage.change("what it would set up is not known here", "whoever has no device fails")
    return [step]


def _write(stage: Stage, around: Around) -> list[Step]:
    mode = stage.take("user_creation_mode", "create_when_required")
    stage.drop("nobody is put into a group", "create_users_group")
    stage.drop("there is one kind of user", "user_type")
    stage.drop("users have no path", "user_path_template")
    if stage.take("create_users_as_inactive") is True:
        reason = "an account here is active once it is made, and nothing after it would verify it"
        return [stand_in(stage, reason)]
    write = Step(type="user_write")
    # Nobody types a `user.id`: it is there once the account is certainly the caller's.
    if mode == "never_create":
        return [_guard(stage, "has(user.id)", "Is there an account?"), write]
    if mode == "always_create" and around.settings.authentication != "require_unauthenticated":
        return [_guard(stage, "!has(user.id)", "Is there no account yet?"), write]
    return [write]


def _guard(stage: Stage, condition: str, label: str) -> Step:
    stage.change("the node writes a new user or the one there is", f"`{condition}` before it")
    return Step(
        type="condition",
        part="account",
        label=label,
        config={"condition": condition},
        on="true",
        off={"false": FAIL},
    )


def _login(stage: Stage, _around: Around) -> list[Step]:
    stage.same(session_duration="seconds=0", remember_me_offset="seconds=0")
    stage.same(network_binding="no_binding", geoip_binding="no_binding", remember_device="days=0")
    stage.drop(
        "how long a session lasts is up to whom the assertion is for",
        "session_duration",
        "remember_me_offset",
        "remember_device",
    )
    return [Step(type="user_login")]


def _consent(stage: Stage, _around: Around) -> list[Step]:
    mode = stage.take("mode", "always_require")
    lasting = minutes(stage.take("consent_expire_in", "weeks=4"))
    config: dict[str, Json] = {}
    if mode == "always_require":
        config = {"remember": False}
    elif mode == "expiring" and lasting is not None:
        config = {"remember": True, "days": max(1, lasting // 1_440)}
    elif mode == "permanent":
        config = {"remember": True}
    return [Step(type="consent", config=config)]


def _captcha(stage: Stage, _around: Around) -> list[Step]:
    # Never the keys themselves: a secret belongs in no flow, and the two are made for each other.
    stage.drop(
        "a provider of the tenant, called `captcha`, checks it",
        "public_key",
        "private_key",
        "secret",
        "js_url",
        "api_url",
    )
    stage.same(interactive=False, score_min_threshold=0.5, score_max_threshold=1.0)
    return [Step(type="captcha")]


def _email(stage: Stage, _around: Around) -> list[Step]:
    stage.same(use_global_settings=True)
    stage.drop(
        "how mail is sent is set for the deployment",
        "use_global_settings",
        "host",
        "port",
        "username",
        "password",
        "use_tls",
        "use_ssl",
        "timeout",
        "from_address",
    )
    config: dict[str, Json] = {}
    subject = stage.text("subject")
    if subject is not None:
        config["subject"] = subject
    lasting = stage.take("token_expiry")
    # Before 2024.12 it was a number of minutes.
    lasting = lasting if type(lasting) is int else minutes(lasting)
    if lasting is not None:
        config["expires_minutes"] = lasting
    stage.drop("there are templates of our own", "template")
    stage.drop(
        "how often mail is sent is bounded for the deployment",
        "recovery_max_attempts",
        "recovery_cache_timeout",
    )
    # Who verifies an address is active anyway: see `Flows` for those who would not be.
    stage.take("activate_user_on_success")
    return [Step(type="email_verification", config=config)]


def _invitation(stage: Stage, _around: Around) -> list[Step]:
    optional = stage.take("continue_flow_without_invitation") is True
    return [Step(type="invitation", config={"required": not optional})]


def _deny(stage: Stage, _around: Around) -> list[Step]:
    message = stage.text("deny_message")
    return [Step(type="deny", config={} if message is None else {"message": message})]


def _dummy(stage: Stage, _around: Around) -> list[Step]:
    if stage.take("throw_error") is True:
        return [stand_in(stage, "it fails on purpose")]
    return [Step(type="dummy")]


def _redirect(stage: Stage, _around: Around) -> list[Step]:
    target, mode = stage.take("target_flow"), stage.take("mode", "flow")
    url = stage.text("target_static")
    stage.take("keep_context")
    if mode == "static" and url is not None:
        return [Step(type="redirect", config={"url": url})]
    flow = stage.blueprint.find(target)
    slug = flow.fields.get("slug") if flow is not None and flow.model == FLOW_MODEL else None
    if isinstance(target, Elsewhere) and target.known:
        slug = target.wanted["slug"]
    if not isinstance(slug, str):
        return [stand_in(stage, f"it leads to {described(target)}")]
    stage.change("a run does not leave its flow", f"{slug} runs inside, and must be active")
    return [Step(type="subflow", config={"flow": slug})]


def _plain(type: str) -> Map:
    return lambda _stage, _around: [Step(type=type)]


def _prompt(stage: Stage, around: Around) -> list[Step]:
    return prompt_steps(stage, around.policies)


def _nothing(reason: str) -> Map:
    def steps(stage: Stage, _around: Around) -> list[Step]:
        stage.forget()
        return [stand_in(stage, reason)]

    return steps


_NONE: Final = Mapped(_nothing("there is no node that does this"), checks=True)

_MAPPED: Final[Mapping[str, Mapped]] = {
    f"{APP}identification.identificationstage": Mapped(_identification, checks=True),
    PASSWORD_STAGE: Mapped(_password, checks=True),
    _VALIDATE: Mapped(_mfa, checks=True),
    f"{APP}prompt.promptstage": Mapped(_prompt),
    WRITE_MODEL: Mapped(_write),
    f"{APP}user_login.userloginstage": Mapped(_login),
    f"{APP}user_logout.userlogoutstage": Mapped(_plain("user_logout")),
    f"{APP}user_delete.userdeletestage": Mapped(_plain("user_delete")),
    f"{APP}consent.consentstage": Mapped(_consent, checks=True),
    CAPTCHA_MODEL: Mapped(_captcha, checks=True),
    EMAIL_MODEL: Mapped(_email, checks=True),
    f"{APP}invitation.invitationstage": Mapped(_invitation),
    f"{APP}deny.denystage": Mapped(_deny, checks=True),
    f"{APP}dummy.dummystage": Mapped(_dummy),
    f"{APP}redirect.redirectstage": Mapped(_redirect),
    **{model: Mapped(partial(setup_steps, type)) for model, type in _SETUPS.items()},
    f"{APP}authenticator_sms.authenticatorsmsstage": Mapped(
        _nothing("no node enrols a phone number"), checks=True
    ),
    f"{APP}authenticator_email.authenticatoremailstage": Mapped(
        _nothing("no node enrols an address for codes"), checks=True
    ),
    f"{APP}authenticator_duo.authenticatorduostage": Mapped(
        _nothing("Duo is not known here"), checks=True
    ),
    f"{APP}authenticator_endpoint_gdtc.authenticatorendpointgdtcstage": Mapped(
        _nothing("devices are not checked here"), checks=True
    ),
    f"{APP}source.sourcestage": Mapped(
        _nothing("there are no sources of authentik's; draw a `social_provider_select`"),
        checks=True,
    ),
    f"{APP}mtls.mutualtlsstage": Mapped(_nothing("no certificate is asked for here"), checks=True),
    f"{APP}account_lockdown.accountlockdownstage": Mapped(_nothing("no node locks an account")),
    f"{APP}user_selection.userselectionstage": Mapped(
        _nothing("nobody chooses among accounts here"), checks=True
    ),
    "authentik_endpoints.endpointstage": Mapped(
        _nothing("devices are not checked here"), checks=True
    ),
}

_FORMER: Final[Mapping[str, str]] = {
    f"{APP}otp_validate.otpvalidatestage": _VALIDATE,
    f"{APP}otp_time.otptimestage": _TOTP,
    f"{APP}otp_static.otpstaticstage": _STATIC,
}
"""What models were called before 2021."""
