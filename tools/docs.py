"""Writes `docs/reference/` from the code that it describes, and checks that both are in step.

Nothing is said here that the code does not say: what a page lacks is added to a description, a
docstring or a table there.
"""

import argparse
import inspect
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec.inspect import StructType, Type, VarTupleType, type_info

from libs.common.chassis.config import ServiceSettings, describe
from libs.common.flow.expression import reference
from libs.common.flow.expression.reference import ShownExample, ShownPath
from libs.common.flow.node import AnyNodeType
from libs.common.flow.proof import Gain
from libs.common.nodes.catalogue import CATALOGUE
from services.compiler.config import Settings as Compiler
from services.executor.config import Settings as Executor
from services.management.config import Settings as Management
from services.management.nodetypes import field_docstrings, structs_in
from tools import answers as answered
from tools import http_api
from tools.errors import errors
from tools.markdown import Row, code, page, table

REFERENCE = Path("docs/reference")
LONGEST_PATTERN = 40
"""What is longer is told in words by the field's docstring."""

SERVICES: Mapping[str, type[ServiceSettings]] = {
    "management": Management,
    "compiler": Compiler,
    "executor": Executor,
}


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


def paths(shown: ShownPath) -> Iterator[Row]:
    is_open = shown.kind == "map" and shown.open
    yield f"`{shown.path}`", f"{shown.kind}, open" if is_open else shown.kind
    for below in shown.attributes:
        yield from paths(below)


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
