"""Says in the words of seed 002 what a turn made. Pure.

Nothing here decides where a flow goes, and nothing shows more of it than the turn gave.
"""

from __future__ import annotations

from zlib import crc32

import msgspec
from msgspec import UNSET, UnsetType

from libs.common.flow.turn import FieldError, Message, Over, Session, Stay, Submission
from libs.common.flow.view import View
from services.executor import wire
from services.executor.texts.catalogue import Language
from services.executor.wire import Kind


def step_id(session: str, revision: int) -> str:
    """Name a step of a session: what the turn that made `revision` of it showed.

    It need not be hard to guess, since it is of use only to who knows the session; a number
    would invite clients to count.
    """
    # A checksum that begins at another number is another one: no two steps are called alike. And
    # all are of one length, or the length of an answer would differ where nothing else does.
    return f"{crc32(session.encode(), revision):08x}"


def show(session: Session, shown: Stay, step: str, language: Language) -> wire.Answer:
    """Show `step`, the view that `session` waits at, and what was wrong with what was sent."""
    if shown.url is not None:
        kind: Kind = "REDIRECTION"
        data = wire.Data(url=shown.url, redirect_url=shown.url)
    else:
        kind, data = _type_of(shown), _data(shown, language)
    type = session.type
    return wire.Answer(session.id, type.wire or type.value, "INCOMPLETE", kind, data, UNSET, step)


def _data(shown: Stay, language: Language) -> wire.Data:
    view, message, errors = shown.view, shown.message, shown.field_errors
    plain: wire.Data | None = view.kept.get(language.tag)
    if plain is None:
        plain = view.kept[language.tag] = wire.Data(
            components=UNSET if view.internal else view.components_in(language.words),
            required_params=view.required,
            optional_params=view.optional,
        )
    if message is None and not errors and shown.webauthn is None:
        return plain
    asked = UNSET if shown.webauthn is None else shown.webauthn
    return msgspec.structs.replace(
        plain,
        messages=() if message is None else (_message(message, language),),
        field_errors=tuple(_field_error(error, language) for error in errors),
        web_authn=asked,
        webauthn_data=asked,
        additional_data=_error(message, errors, language),
    )


def _type_of(shown: Stay) -> Kind:
    if shown.view.internal:
        return "INTERNAL_PROMPT"
    return "VIEW" if shown.webauthn is None else "WEBAUTHN"


def end(session: Session, over: Over, assertion: str | None, language: Language) -> wire.Answer:
    """Say how the flow of `session` ended, with the `assertion` where it signed somebody in."""
    status = _message(over.message, language) if over.message else None
    if over.text is not None:
        status = wire.Message("INFO" if over.succeeded else "ERROR", over.text)
    additional: dict[str, str] = {}
    if assertion is not None:
        additional["userAssertion"] = assertion
    if status is not None and status.type == "ERROR":
        additional["error"] = status.message
    reason = UNSET if over.succeeded or status is None else status.message
    url: str | UnsetType = UNSET if over.redirect is None else over.redirect
    return wire.Answer(
        flow_id=session.id,
        flow_type=session.type.wire or session.type.value,
        flow_status="COMPLETE" if over.succeeded else "ERROR",
        type="VIEW" if over.redirect is None else "REDIRECTION",
        failure_reason=reason,
        data=wire.Data(
            messages=() if status is None else (status,),
            url=url,
            redirect_url=url,
            user_assertion=UNSET if assertion is None else assertion,
            additional_data=additional or UNSET,
        ),
    )


def could_answer(view: View, submitted: Submission) -> bool:
    """Whether `submitted` would be taken as an answer to `view` as well.

    Two equal submits may then be two: a password typed wrong twice, a second "resend".
    """
    if submitted.action in view.resends:
        # It sends nothing of the form.
        return True
    return submitted.action in view.actions and view.needed.issubset(submitted.inputs)


def _message(message: Message, language: Language) -> wire.Message:
    return wire.Message(message.type, language.say(message.key), message.key)


def _field_error(error: FieldError, language: Language) -> wire.FieldError:
    return wire.FieldError(error.identifier, language.say(error.key), error.key)


def _error(
    message: Message | None, errors: tuple[FieldError, ...], language: Language
) -> dict[str, str] | UnsetType:
    if message is not None:
        return {"error": language.say(message.key)} if message.type == "ERROR" else UNSET
    return {"error": language.say(errors[0].key)} if errors else UNSET
