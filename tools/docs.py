"""Writes `docs/reference/` from the code that it describes, and checks that both are in step.

Nothing is said here that the code does not say: what a page lacks is added to a description, a
docstring or a table there.
"""

import argparse
import inspect
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import msgspec
import yaml
from aiohttp.test_utils import make_mocked_request
from msgspec.inspect import StructType, Type, VarTupleType, type_info

from libs.common.chassis.config import ServiceSettings, describe
from libs.common.chassis.oauth import WORDS
from libs.common.chassis.problems import ANSWERS, Refusal
from libs.common.flow.expression import reference
from libs.common.flow.expression.reference import ShownExample, ShownPath
from libs.common.flow.node import AnyNodeType
from libs.common.flow.proof import Gain
from libs.common.flow.rules import ADVICE, RULES, Rule
from libs.common.flow.rules.links import survey
from libs.common.nodes.catalogue import CATALOGUE, NODE_TYPES
from libs.common.nodes.wording import LETTERS
from services.compiler.config import Settings as Compiler
from services.executor.config import Settings as Executor
from services.executor.faults import FAULTS
from services.executor.texts.catalogue import SAID, read_texts
from services.management.config import Settings as Management
from services.management.nodetypes import field_docstrings, structs_in
from services.management.routes.faces import PREFIXES, Face
from services.management.routes.refusals import SHAPES
from tools import answers as answered
from tools import http_api
from tools.cases import FIXTURES, flow_of, library_of

REFERENCE = Path("docs/reference")
WRITTEN = "<!-- Written by `make docs` from the code that it describes: change that instead. -->"
LONGEST_PATTERN = 40
"""What is longer is told in words by the field's docstring."""

SERVICES: Mapping[str, type[ServiceSettings]] = {
    "management": Management,
    "compiler": Compiler,
    "executor": Executor,
}

Row = tuple[str, ...]


def configuration() -> str:
    intro = (
        "Each service reads its settings from environment variables, once, at start. What is "
        "missing or wrong keeps it from starting, and is named in one line each. A secret may also "
        "come from a file, which the variable with `_FILE` at its end names; set one of the two. A "
        "list is written with commas. What is unknown is ignored, with a warning where it looks "
        "like a misspelt setting."
    )
    tables = (f"## {name}\n\n{describe(kind)}" for name, kind in SERVICES.items())
    return page("Configuration", intro, *tables)


def nodes() -> str:
    intro = (
        "What a node's `config` may hold, and where the node can lead. An edge without a condition "
        "is for the *default* outcome. An outcome that no edge takes is an error, unless it *falls "
        "to failure*: then it ends the flow as failed. What an outcome *proves* is in the `amr` of "
        "the assertion."
    )
    return page("Node types", intro, *map(node_section, CATALOGUE))


def node_section(node: AnyNodeType) -> str:
    parts = [f"## {node.name}", node.summary]
    inside = [kind for kind in structs_in(type_info(node.config)) if kind is not node.config]
    titled = dict.fromkeys(each for kind in inside for each in (kind, *bases(kind)))
    parts += [fields_table(node.config), *(fields_table(kind, titled=True) for kind in titled)]
    config = least(type_info(node.config), "")
    rows = [outcome_row(node, config, outcome) for outcome in node.outcomes(config)]
    if rows:
        parts.append(table(("outcome", "default", "falls to failure", "proves"), rows))
    return "\n\n".join(filter(None, parts))


def outcome_row(node: AnyNodeType, config: object, outcome: str) -> Row:
    # `least` names a config's text by its place, so an outcome that the author names is such a one.
    name = f"each `{outcome}`" if outcome.startswith("config.") else f"`{outcome}`"
    return (
        name,
        "yes" if outcome == node.default else "",
        "yes" if outcome in node.fallbacks else "",
        " or ".join(gained(gain) for gain in node.proves(config).get(outcome, ())),
    )


def gained(gain: Gain) -> str:
    said = [f"`{each}`" for each in gain.amr]
    said += ["identified"] if gain.identified else []
    said += ["consented"] if gain.consented else []
    return ", ".join(said)


def bases(kind: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    """The structs whose fields a struct has as well, the nearest first."""
    for each in kind.__mro__[1:]:
        if issubclass(each, msgspec.Struct) and each is not msgspec.Struct:
            yield each


def fields_table(kind: type[msgspec.Struct], *, titled: bool = False) -> str:
    """Every field of a config, with its docstring; raises ValueError for one without.

    Of a titled one only its own: what it shares has a title too.
    """
    schemas = msgspec.json.schema_components([kind])[1][kind.__name__]
    shared = next(bases(kind), None) if titled else None
    said = field_docstrings(kind)
    rows = []
    for name, schema in schemas["properties"].items():
        own = {*inspect.get_annotations(kind), kind.__struct_config__.tag_field}
        if titled and name not in own:
            continue
        if name not in said:
            raise ValueError(f"{kind.__module__}.{kind.__name__}.{name} has no docstring")
        required = name in schemas["required"]
        default = "required" if required else code(schema["default"])
        rows.append((f"`{name}`", default, takes(schema), said[name]))
    if not rows:
        return ""
    more = "" if shared is None else f", with what *{shared.__name__}* has"
    heading = f"*{kind.__name__}*{more}:\n\n" if titled else ""
    return heading + table(("field", "default", "takes", "meaning"), rows)


def takes(schema: Mapping[str, Any]) -> str:
    """Say in words what a JSON Schema lets through."""
    match schema:
        case {"anyOf": [*kinds], "discriminator": Mapping()}:
            names = (f"*{each['$ref'].rpartition('/')[2]}*" for each in kinds)
            return f"{', '.join(names)}, all below"
        case {"anyOf": [*kinds]}:
            return " or ".join(takes(each) for each in kinds if each != {"type": "null"})
        case {"$ref": str(name)}:
            return f"*{name.rpartition('/')[2]}*, below"
        case {"enum": [*values]}:
            return ", ".join(map(code, values))
        case {"type": "boolean"}:
            return "`true`, `false`"
        case {"type": "integer"}:
            return f"whole number{span(schema, 'minimum', 'maximum')}"
        case {"type": "number"}:
            return f"number{span(schema, 'minimum', 'maximum')}"
        case {"type": "array"}:
            return f"list{span(schema, 'minItems', 'maxItems')} of: {takes(schema['items'])}"
        case {"type": "object", "additionalProperties": Mapping() as values}:
            return f"map from names to {takes(values)}"
        case {"type": "string"}:
            text = f"text{span(schema, 'minLength', 'maxLength', ' characters')}"
            pattern = schema.get("pattern", "").replace("$(?!\\n)", "$")
            return f"{text}, as `{pattern}`" if 0 < len(pattern) <= LONGEST_PATTERN else text
        case _:
            raise ValueError(f"no words for {schema}")


def span(schema: Mapping[str, Any], least_name: str, most_name: str, unit: str = "") -> str:
    match schema.get(least_name), schema.get(most_name):
        case None, None:
            return ""
        case None, most:
            return f", at most {most:,}{unit}"
        case some, None:
            return f", at least {some:,}{unit}"
        case some, most:
            return f", {some:,} to {most:,}{unit}"


def least(kind: Type, place: str) -> object:
    """Make the least value of a kind; a text in it says at which `place` it is."""
    match kind:
        case StructType(cls=cls, fields=fields):
            needed = {
                each.name: least(each.type, f"{place or 'config'}.{each.name}")
                for each in fields
                if each.required
            }
            return cls(**needed)
        case VarTupleType(item_type=inner):
            return (least(inner, f"{place}[]"),)
        case _:
            return place


def expressions() -> str:
    language = reference()
    bounds = language.bounds
    limits = [
        (f"{bounds.characters:,}", "characters"),
        (f"{bounds.nodes:,}", "values, operators and calls"),
        (f"{bounds.depth:,}", "levels of nesting"),
    ]
    operators = [
        (
            ", ".join(f"`{each}`" for each in form.spellings),
            form.result,
            form.summary,
            examples(form.examples),
        )
        for form in language.operators
    ]
    functions = [
        (f"`{each.signature}`", each.result, each.summary, examples(each.examples))
        for each in language.functions
    ]
    sample = json.dumps(language.sample, indent=2)
    return page(
        "Expressions",
        f"Values are of one of these kinds: {', '.join(language.kinds)}. They are written as in "
        "JSON, but that strings may also stand between `'`, and that there are no map literals.",
        "`GET /api/admin/expressions/reference` answers all of this page as JSON.",
        "## Operators\n\nThe tightest first; what is in parentheses goes before all.\n\n"
        + table(("written", "gives", "what", "for example"), operators),
        "## Functions\n\n" + table(("function", "gives", "what", "for example"), functions),
        "## What is missing, and what goes wrong\n\nNeither ever reads as false. "
        "[Why](../explanation/expressions.md).\n\n"
        + table(
            ("rule", "for example"),
            [(each.summary, examples(each.examples)) for each in language.missing],
        ),
        "## Limits\n\n" + table(("at most", "of"), limits),
        "## What can be read\n\nAny of it may be missing or null. Where a map is *open*, it may "
        "hold more than is listed.\n\n"
        + table(("path", "kind"), [row for each in language.roots for row in paths(each)]),
        f"## What the examples read\n\n```json\n{sample}\n```",
    )


def examples(shown: Iterable[ShownExample]) -> str:
    """Each expression with what it comes to, a line each."""
    return "<br>".join(f"`{each.expression}` is {outcome(each)}" for each in shown)


def outcome(example: ShownExample) -> str:
    if example.comes_to == "value":
        return f"`{json.dumps(example.value)}`"
    return "missing" if example.comes_to == "missing" else f"a fault: {example.reason}"


def module_of(function: Callable[..., object]) -> ModuleType:
    """The module behind a name that its package shows alone."""
    return sys.modules[function.__module__]


def paths(shown: ShownPath) -> Iterator[Row]:
    is_open = shown.kind == "map" and shown.open
    yield f"`{shown.path}`", f"{shown.kind}, open" if is_open else shown.kind
    for below in shown.attributes:
        yield from paths(below)


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
    unexpected = (HTTPStatus.INTERNAL_SERVER_ERROR, "internal")
    for kind, (status, name) in [*ANSWERS.items(), (None, unexpected)]:
        refusal = Refusal(status, name, "", "")
        told = (face_words(face, refusal) for face in Face)
        yield str(int(status)), *told, summary(kind) if kind else "Anything unexpected."


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


def code(value: object) -> str:
    """A value as JSON."""
    return f"`{json.dumps(value, ensure_ascii=False)}`" if value is not None else "none"


def table(head: Row, rows: Iterable[Row]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def page(title: str, *parts: str) -> str:
    return "\n\n".join([WRITTEN, f"# {title}", *(part.strip() for part in parts)]) + "\n"


def answers() -> str:
    parts = (f"## {name}\n\n{table(answered.HEAD, rows)}" for name, rows in answered.sections())
    return page("Answers", answered.INTRO, table(*answered.LEFT), *parts)


def api() -> str:
    parts = (f"## {title}\n\n{table(http_api.HEAD, rows)}" for title, rows in http_api.sections())
    return page("Management's HTTP API", http_api.INTRO, *parts)


PAGES: Mapping[str, Callable[[], str]] = {
    "configuration.md": configuration,
    "nodes.md": nodes,
    "answers.md": answers,
    "expressions.md": expressions,
    "errors.md": errors,
    "http-api.md": api,
}


def out_of_step(root: Path) -> list[str]:
    """The pages that do not say what the code says."""
    folder = root / REFERENCE
    return [
        str(REFERENCE / name)
        for name, make in PAGES.items()
        if not (folder / name).exists() or (folder / name).read_text() != make()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.docs", description=__doc__)
    parser.add_argument("command", choices=["write", "check"])
    asked = parser.parse_args()
    root = Path(__file__).parent.parent
    if asked.command == "write":
        (root / REFERENCE).mkdir(parents=True, exist_ok=True)
        for name, make in PAGES.items():
            (root / REFERENCE / name).write_text(make())
    elif found := out_of_step(root):
        sys.exit("\n".join([*found, "the reference is out of step: run `make docs`"]))


if __name__ == "__main__":
    main()
