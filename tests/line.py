"""What calls go out through, where a test says what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from libs.common.chassis.outgoing import Answer, Lack, Method, NoAnswer


class Sent(NamedTuple):
    """A call that was made."""

    method: Method
    url: str
    seconds: float
    most_bytes: int
    headers: Mapping[str, str]
    body: bytes


class ScriptedLine:
    """A line on which each call has the next answer, and then the last one again."""

    def __init__(self, *answers: Answer | Lack) -> None:
        self.answers = list(answers)
        self.calls: list[Sent] = []

    async def call(
        self,
        method: Method,
        url: str,
        *,
        seconds: float,
        most_bytes: int,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        self.calls.append(Sent(method, url, seconds, most_bytes, headers or {}, body or b""))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Lack):
            raise NoAnswer(answer)
        return answer
