"""Writes the page of all that can be refused, be wrong with a flow, or be told to a user."""

import inspect
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import cast

import yaml
from aiohttp.test_utils import make_mocked_request

from libs.common.chassis.oauth import WORDS
from libs.common.chassis.problems import ANSWERS, Refusal, refusal_of
from libs.common.flow.rules import ADVICE, RULES, Rule
from libs.common.flow.rules.links import survey
from libs.common.nodes.catalogue import NODE_TYPES
from libs.common.nodes.wording import LETTERS
from services.executor.faults import FAULTS
from services.executor.texts.catalogue import SAID, read_texts
from services.management.routes.faces import PREFIXES, Face
from services.management.routes.refusals import SHAPES
from tools.cases import FIXTURES, flow_of, library_of
from tools.markdown import Row, page, table


def errors() -> str:
    faults = [
        (f"`{each.code}`", each.code.removeprefix("FE-")[:3], f"`{name}`", each.message)
        for name, each in FAULTS.items()
    ]
    oauth_words = ", ".join(f"`{word}`" for word in sorted(WORDS))
    found = [row for severity, rules in SEVERITIES.items() for row in problem_rows(severity, rules)]
    return page(
        "Errors",
        "## Management\n\nEach face has its own words in the body of an answer that is not what "
        "was asked for: `error` and, under `/api/v2`, `errorCode`; `code` under `/api/v3`. "
        f"Under `/oauth` it may also be one of RFC 6749's {oauth_words}.\n\n"
        + table(("status", *(f"`{PREFIXES[face]}`" for face in Face), "when"), refusal_rows()),
        "## Executor\n\n`code` in the body of a fault; it stays the same from release to "
        "release.\n\n" + table(("`code`", "status", "kind", "`message`"), faults),
        "## Problems of a flow\n\n`code` of what `/validate` finds, by rule.\n\n"
        + table(("`code`", "severity", "rule", "for example"), found),
        "## Messages to users\n\n`i18nKey` and the words that come with it, in the languages that "
        "ship. [More of them](../how-to/speak-another-language.md) are files.\n\n" + words_table(),
    )


def refusal_rows() -> Iterator[Row]:
    """What each face answers to each error there is, found by having it answer."""
    for kind, (status, name) in ANSWERS.items():
        yield refusal_row(Refusal(status, name, "", ""), summary(kind))
    yield refusal_row(refusal_of(Exception(), ""), "Anything unexpected.")


def refusal_row(refusal: Refusal, when: str) -> Row:
    return str(int(refusal.status)), *(face_words(face, refusal) for face in Face), when


def face_words(face: Face, refusal: Refusal) -> str:
    """What a program tells this refusal by, and its status where it is another."""
    answer = SHAPES[face].refuse(make_mocked_request("POST", PREFIXES[face]), refusal)
    body = json.loads(cast("bytes", answer.body))
    words = ", ".join(dict.fromkeys(f"`{body[name]}`" for name in CODES[face]))
    return words if answer.status == refusal.status else f"{words} ({answer.status})"


CODES: Mapping[Face, tuple[str, ...]] = {
    Face.ADMIN: ("error",),
    Face.V2: ("error", "errorCode"),
    Face.V3: ("code",),
    Face.OAUTH: ("error",),
}
"""The fields of a refusal that are for programs."""


def words_table() -> str:
    """What users are told, in each language that ships."""
    languages = read_texts(None).languages.values()
    rows = [(f"`{key}`", *(_said(key, each.say(key)) for each in languages)) for key in SAID]
    return table(("`i18nKey`", *(f"`{each.tag}`" for each in languages)), rows)


def _said(key: str, text: str) -> str:
    """Show the words of `key`; those of a message as its file has them, lines, marks and all."""
    return f"`{json.dumps(text, ensure_ascii=False)}`" if key in LETTERS else text


SEVERITIES: Mapping[str, tuple[Rule, ...]] = {"error": RULES, "warning": ADVICE}


def problem_rows(severity: str, rules: Iterable[Rule]) -> Iterator[Row]:
    """Each code that a rule gives for its own fixtures, with the first message."""
    for rule in rules:
        examples: dict[str, str] = {}
        for case in sorted(FIXTURES.glob(f"{rule.__name__}/*.yaml")):
            written = yaml.safe_load(case.read_text())
            for problem in rule(survey(flow_of(written), NODE_TYPES, library_of(written))):
                examples.setdefault(problem.code, problem.message)
        for found, message in examples.items():
            yield f"`{found}`", severity, summary(module_of(rule)), message


def summary(described: object) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join((inspect.getdoc(described) or "").partition("\n\n")[0].split())


def module_of(function: Callable[..., object]) -> ModuleType:
    """The module behind a name that its package shows alone."""
    return sys.modules[function.__module__]
