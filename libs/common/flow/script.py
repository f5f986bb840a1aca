"""What an author writes to try a flow: who comes, what they send, what the world answers.

Nothing here says what a flow makes of it; that is for `simulate`. Nobody's real password belongs in
a script: what is sent is never shown, and no password in it is ever checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, TypeAlias

import msgspec

from libs.common.errors import Invalid, Problem
from libs.common.flow.messaging import PhoneMessage
from libs.common.flow.model import Json
from libs.common.flow.turn import Submission, Surroundings
from libs.common.misfit import misfits

MOST_INPUTS = 200
"""Submits of one script."""

MOMENT = 1_767_225_600
"""When a script plays that does not say: the beginning of 2026, in Unix seconds."""

CANNOT_PLAY = "the script cannot be played"

SUCCESS = "success"
"""What a node is answered that the script has no answer for."""


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is known of each request; `request` in expressions."""

    time: int = MOMENT
    """Unix seconds."""
    ip: str = ""
    user_agent: str = ""
    language: str = ""


class Persona(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who comes."""

    user: Mapping[str, Json] | None = None
    """Their account, as `user` in expressions; null for somebody who has none. Of what it leaves
    out only two things are filled in, as every account has them: an `id`, and an authenticator app
    (`"mfa_methods": ["totp"]`) unless `mfa_enabled` is false."""
    client: Mapping[str, Json] = msgspec.field(default_factory=dict)
    """The app that they use; `client` in expressions."""
    request: Request = Request()
    authenticated: bool = False
    """They bring an assertion about their account."""
    message: PhoneMessage = PhoneMessage()
    """What a flow in place of the SMS gateway is to deliver; other flows find none."""
    outpost: bool = False
    """The call comes from a service of the deployment's own."""

    def surroundings(self) -> Surroundings:
        """Return what each turn is told of its request."""
        asked = self.request
        return Surroundings(asked.time, asked.ip, asked.user_agent, asked.language, self.client)


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the world answers."""

    outcome: str = SUCCESS
    attributes: Mapping[str, Json] = msgspec.field(default_factory=dict)


Answers: TypeAlias = str | Answer | tuple[str | Answer, ...]
"""For each visit that asks; or one for each in turn, and success once they have run out."""


Inputs: TypeAlias = Annotated[tuple[Mapping[str, Json], ...], msgspec.Meta(max_length=MOST_INPUTS)]
"""One map a submit, by input identifier. Where a step has several buttons, the long form names
one: `{"action": "resend", "inputs": {}}`. With `"elsewhere": true` it comes from another device, by
the link that was mailed."""


class Script(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that a flow's run depends on but the flow itself."""

    persona: Persona = Persona()
    inputs: Inputs = ()
    answers: Mapping[str, Answers] = msgspec.field(default_factory=dict)
    """By node id: what it is answered when it asks."""


class Submit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A submit that may name a button, or come from another device."""

    inputs: Mapping[str, Json]
    action: str = ""
    elsewhere: bool = False


def submissions(script: Script) -> Iterator[Submission]:
    """Return what is sent, one after the other; raise `Invalid` for a long form that is none."""
    for index, sent in enumerate(script.inputs):
        # No input takes a map, so this can be nothing else.
        if isinstance(sent.get("inputs"), Mapping):
            wrong = tuple(misfits(dict(sent), Submit, f"inputs[{index}]"))
            if wrong:
                raise Invalid(CANNOT_PLAY, wrong)
            long = msgspec.convert(sent, Submit)
            yield Submission(long.action, long.inputs, long.elsewhere)
        else:
            yield Submission("", sent)


class Cue(msgspec.Struct, frozen=True):
    """An answer, and where it is written."""

    answer: Answer
    path: str | None
    """None where nothing is written."""

    def refused(self, message: str, inside: str = "") -> Invalid:
        """Say that what is written is no good."""
        path = None if self.path is None else self.path + inside
        problem = Problem("invalid_answer", message, path=path)
        return Invalid(CANNOT_PLAY, (problem,))


UNSCRIPTED = Cue(Answer(), None)
"""What answers where a script has no say."""


def cue(script: Script, node: str, visit: int) -> Cue:
    """Find what `node` is answered at its visit number `visit` of those that ask, from 0."""
    written = script.answers.get(node)
    path: str | None = None if written is None else f"answers.{node}"
    if isinstance(written, tuple):
        path = f"{path}[{visit}]" if visit < len(written) else None
        written = written[visit] if visit < len(written) else None
    if isinstance(written, str):
        written = Answer(written)
    return Cue(written or Answer(), path)
