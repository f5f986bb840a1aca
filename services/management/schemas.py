"""JSON Schemas of what is decoded and encoded, under names that are the same every time. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, get_args

import msgspec
from msgspec.structs import fields

from libs.common.chassis.openapi import demanded
from libs.common.secret import Secret

_COMPONENTS: Final = "#/components/schemas/"


class Schemas:
    """The schemas of some types, and of all that they are made of."""

    def __init__(self, kinds: Iterable[Any], queries: Iterable[type]) -> None:
        """Describe `kinds`. The structs of `queries`, which are among them, are no components."""
        of = {repr(kind): kind for kind in kinds}
        refs, found = msgspec.json.schema_components(
            of.values(), schema_hook=_hook, ref_template=f"{_COMPONENTS}{{name}}"
        )
        names = {name: _short(name) for name in found}
        self._of = {key: _tidy(schema, names) for key, schema in zip(of, refs, strict=True)}
        for struct in _structs(of.values(), set()):
            _let_leave_out(struct, found)
        components = {names[name]: _tidy(schema, names) for name, schema in found.items()}
        # A query is shown as its parameters.
        self._queries = {query: components.pop(self._name(query)) for query in queries}
        self.components = dict(sorted(components.items()))

    def of(self, kind: Any) -> Mapping[str, Any]:  # noqa: ANN401 -- a type, of any form
        """Return the schema of a type: mostly where it is to be found."""
        schema: Mapping[str, Any] = self._of[repr(kind)]
        return schema

    def query(self, kind: type) -> Mapping[str, Any]:
        """Return the schema of the struct of a query."""
        schema: Mapping[str, Any] = self._queries[kind]
        return schema

    def _name(self, kind: type) -> str:
        name: str = self._of[repr(kind)]["$ref"].removeprefix(_COMPONENTS)
        return name


def _structs(kinds: Iterable[Any], known: set[type[msgspec.Struct]]) -> set[type[msgspec.Struct]]:
    """Return all structs that types are made of, with those that are `known`."""
    for kind in kinds:
        if not isinstance(kind, type) or not issubclass(kind, msgspec.Struct):
            _structs(get_args(kind), known)
        elif kind not in known:
            known.add(kind)
            _structs((field.type for field in fields(kind)), known)
    return known


def _let_leave_out(struct: type[msgspec.Struct], found: Mapping[str, Any]) -> None:
    """Demand no field in the schema of `struct` that is not encoded where it is unset."""
    schema = found.get(f"{struct.__module__}.{struct.__qualname__}") or found[struct.__name__]
    schema["required"] = demanded(struct, schema["required"])


def _hook(kind: type) -> dict[str, Any]:
    if kind is Secret:
        return {"type": "string", "format": "password", "writeOnly": True}
    # How msgspec is told that a type is none of the hook's.
    raise NotImplementedError


def _short(name: str) -> str:
    """Shorten a name that several types share, which msgspec then says with its whole module."""
    *modules, own = name.split(".")
    told = [each for each in modules if each not in {"services", "management", "routes"}]
    return "".join(part.title() for each in told for part in each.split("_")) + own


def _tidy(schema: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401 -- JSON
    """Return a schema with short names, and with patterns of JSON Schema rather than of Python."""
    match schema:
        case dict():
            return {key: _tidied(key, value, names) for key, value in schema.items()}
        case list():
            return [_tidy(each, names) for each in schema]
        case str() if schema.startswith(_COMPONENTS):
            name = schema.removeprefix(_COMPONENTS)
            return _COMPONENTS + names.get(name, name)
        case _:
            return schema


def _tidied(key: str, value: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401 -- JSON
    if key == "pattern" and isinstance(value, str):
        # In Python `$` also matches before a last newline, which this forbids.
        return value.replace("$(?!\\n)", "$")
    return _tidy(value, names)
