"""Finds what the tags of a blueprint stand for: `!KeyOf`, `!Find`, `!Context`, `!Format` and so on.

Nothing outside of the file is read but what `Outside` gives, and whatever a tag makes is counted:
`!Enumerate` in `!Enumerate`, or one context of another, could else grow without end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import xor
from typing import Any, Final, Protocol, TypeAlias

import msgspec

from libs.common.flow.model import Json
from services.management.blueprints.reading import DEPTH, MOST_VALUES, Tag

MOST_CHARACTERS: Final = 1024**2
"""That `!Format` may write in all of a file."""
FLOW_MODEL: Final = "authentik_flows.flow"

Resolved: TypeAlias = Any
"""What JSON can say, with `Ref` and `Elsewhere` in it."""


class Outside(Protocol):
    """What a blueprint may know that is not in it."""

    def has_flow(self, slug: str, /) -> bool:
        """Whether the tenant has a flow of this slug."""

    def env(self, name: str, /) -> str | None:
        """Return a variable that the operator lets blueprints read; None for any other."""

    def file(self, path: str, /) -> str | None:
        """Return the text of a file that the operator lets blueprints read; None for any other."""


class Ref(msgspec.Struct, frozen=True):
    """An entry of the file."""

    index: int


class Elsewhere(msgspec.Struct, frozen=True):
    """An object that the file looks for and does not hold."""

    model: str
    wanted: Mapping[str, Json]
    known: bool = False
    """The tenant has it; then it is a flow."""

    def __bool__(self) -> bool:
        """Be false, as in authentik, where nothing is found."""
        return self.known


class Broken(Exception):
    """A tag that stands for nothing; authentik would refuse the file as well."""


Told = Callable[[str, str], None]
"""(reason, what became of it): notes what was not looked up."""


class Tags:
    """The tags of one file."""

    def __init__(
        self, entries: Sequence[Mapping[str, Any]], context: Mapping[str, Any], outside: Outside
    ) -> None:
        self._entries = entries
        self._context = context
        self._outside = outside
        self._left = MOST_VALUES
        self._characters = MOST_CHARACTERS
        self._ids = {
            str(each["id"]): index
            for index, each in reversed(list(enumerate(entries)))
            if each.get("id")
        }
        self._identifiers: dict[int, Resolved] = {}

    def resolve(self, value: Any, told: Told) -> Resolved:  # noqa: ANN401 -- as it was read
        """Return `value` with every tag replaced by what it stands for, or raise `Broken`."""
        return _Resolver(self, told).resolve(value)

    def spend(self, characters: int = 0) -> None:
        """Count one value more, or raise `Broken` where there are too many."""
        self._left -= 1
        self._characters -= characters
        if self._left < 0 or self._characters < 0:
            raise Broken("the tags of the file stand for too much")

    def of_id(self, id: str) -> Ref:
        if id not in self._ids:
            raise Broken(f"no entry has the id `{id[:100]}`")
        return Ref(self._ids[id])

    def in_context(self, key: str, default: Any) -> Any:  # noqa: ANN401 -- as it was read
        return self._context.get(key, default)

    def env(self, name: str) -> str | None:
        return self._outside.env(name)

    def file(self, path: str) -> str | None:
        return self._outside.file(path)

    def find(self, model: str, wanted: Mapping[str, Json], told: Told) -> Ref | Elsewhere:
        """Find an object by its fields: in the file, else among the flows of the tenant."""
        for index, entry in enumerate(self._entries):
            if str(entry.get("model")).lower() != model:
                continue
            # Each look costs: many tags could look through many entries.
            self.spend()
            if self._has(index, wanted, told):
                return Ref(index)
        slug = wanted.get("slug")
        known = model == FLOW_MODEL and isinstance(slug, str) and self._outside.has_flow(slug)
        return Elsewhere(model, wanted, known)

    def _has(self, index: int, wanted: Mapping[str, Json], told: Told) -> bool:
        if index not in self._identifiers:
            # While they are being found, an entry does not find itself.
            self._identifiers[index] = {}
            entry = self._entries[index]
            fields = {**(entry.get("attrs") or {}), **(entry.get("identifiers") or {})}
            named = {name: value for name, value in fields.items() if name in _NAMING}
            self._identifiers[index] = self.resolve(named, told)
        fields = self._identifiers[index]
        return bool(wanted) and all(
            name in fields and fields[name] == value for name, value in wanted.items()
        )


_NAMING = frozenset({"name", "slug", "pk", "username", "field_key", "title", "designation"})
"""The fields that an entry is found by."""


class _Resolver:
    """Follows tags, with what `!Enumerate` is at."""

    def __init__(self, tags: Tags, told: Told) -> None:
        self._tags = tags
        self._told = told
        self._depth = 0
        self._items: list[tuple[Resolved, Resolved]] = []

    def resolve(self, value: Any) -> Resolved:  # noqa: ANN401 -- as it was read
        self._tags.spend()
        self._depth += 1
        # Beyond that of the file: a context may name itself.
        if self._depth > 2 * DEPTH:
            raise Broken("tags that lead to each other without end")
        try:
            match value:
                case Tag():
                    return self._tag(value)
                case list():
                    return [self.resolve(each) for each in value]
                case dict():
                    return {name: self.resolve(each) for name, each in value.items()}
                case _:
                    return value
        finally:
            self._depth -= 1

    def _tag(self, tag: Tag) -> Resolved:
        if isinstance(tag.value, str):
            kind = _OF_TEXT.get(tag.name)
            if kind is None:
                raise Broken(f"`!{tag.name}` needs a list")
            return kind(self, tag.value)
        bounds, kind_of_list = _OF_LISTS.get(tag.name, (None, None))
        if bounds is None or kind_of_list is None:
            raise Broken(f"`!{tag.name}` needs text")
        if not bounds[0] <= len(tag.value) <= bounds[1]:
            raise Broken(f"`!{tag.name}` has {len(tag.value)} values, which is not what it takes")
        return kind_of_list(self, tag.value)

    def key_of(self, text: str) -> Resolved:
        return self._tags.of_id(text)

    def context(self, values: Any) -> Resolved:  # noqa: ANN401 -- as it was read
        key, default = _with_default(values)
        return self.resolve(self._tags.in_context(self._text(key), default))

    def env(self, values: Any) -> Resolved:  # noqa: ANN401 -- as it was read
        key, default = _with_default(values)
        name = self._text(key)
        found = self._tags.env(name)
        return found or self._instead("environment variable", name, default)

    def file(self, values: Any) -> Resolved:  # noqa: ANN401 -- as it was read
        key, default = _with_default(values)
        path = self._text(key)
        found = self._tags.file(path)
        return found if found is not None else self._instead("file", path, default)

    def _instead(self, what: str, name: str, default: Any) -> Resolved:  # noqa: ANN401 -- as above
        self._told(
            f"the operator lets no blueprint read the {what} `{name[:100]}`, or it is not there",
            "null stands there" if default is None else "the default stands there",
        )
        return self.resolve(default)

    def parse_json(self, text: str) -> Resolved:
        try:
            return self.resolve(msgspec.json.decode(text.encode()))
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
            raise Broken("`!ParseJSON` stands before text that is not JSON") from error

    def find(self, values: list[Any]) -> Resolved:
        model, *conditions = values
        wanted: dict[str, Json] = {}
        for each in conditions:
            if not isinstance(each, list) or len(each) != 2:  # noqa: PLR2004 -- name and value
                raise Broken("each condition of `!Find` is a list of a field and its value")
            wanted[self._text(each[0])] = self.resolve(each[1])
        return self._tags.find(self._text(model).lower(), wanted, self._told)

    def find_object(self, values: list[Any]) -> Resolved:
        found = self.find(values)
        self._told("`!FindObject` reads an object of authentik's", "null stands there")
        return None if isinstance(found, Ref | Elsewhere) else found

    def format(self, values: list[Any]) -> Resolved:
        template, *arguments = (self.resolve(each) for each in values)
        if not isinstance(template, str):
            raise Broken("`!Format` begins with a text")
        if any(isinstance(each, Ref | Elsewhere | list | dict) for each in arguments):
            raise Broken("`!Format` writes text and numbers")
        waiting = list(arguments)

        def fill(match: re.Match[str]) -> str:
            if match[1] == "%":
                return "%"
            # A width, as Python's own formatting has, would write as much as it says.
            if match[1] not in ("s", "d") or not waiting:
                raise Broken("`!Format` takes `%s`, `%d` and `%%`, with a value for each")
            return str(waiting.pop(0))

        written = re.sub(r"%(.?)", fill, template, flags=re.DOTALL)
        if waiting:
            raise Broken("`!Format` has more values than its text takes")
        self._tags.spend(len(written))
        return written

    def choose(self, values: list[Any]) -> Resolved:
        if len(values) == 2:  # noqa: PLR2004 -- a condition, and no second choice
            raise Broken("`!If` has a condition alone, or two choices beside it")
        met = bool(self.resolve(values[0]))
        return met if len(values) == 1 else self.resolve(values[1] if met else values[2])

    def condition(self, values: list[Any]) -> Resolved:
        mode = self._text(values[0]).upper()
        if mode not in _MODES:
            raise Broken(f"`!Condition` is one of {', '.join(_MODES)}")
        return _MODES[mode]([bool(self.resolve(each)) for each in values[1:]])

    def enumerate(self, values: list[Any]) -> Resolved:
        items, shape = self.resolve(values[0]), self._text(values[1]).upper()
        if shape not in ("SEQ", "MAP") or not isinstance(items, list | dict):
            raise Broken("`!Enumerate` goes through a list or a map, and makes `SEQ` or `MAP`")
        pairs = items.items() if isinstance(items, dict) else enumerate(items)
        made = [self._with(pair, values[2]) for pair in pairs]
        if shape == "SEQ":
            return made
        return {str(key): value for each in made for key, value in _pairs(each)}

    def _with(self, pair: tuple[Resolved, Resolved], body: Any) -> Resolved:  # noqa: ANN401 -- as above
        self._items.append(pair)
        try:
            return self.resolve(body)
        finally:
            self._items.pop()

    def index(self, text: str) -> Resolved:
        return self._item(text)[0]

    def value(self, text: str) -> Resolved:
        return self._item(text)[1]

    def _item(self, text: str) -> tuple[Resolved, Resolved]:
        if not re.fullmatch(r"[0-9]{1,3}", text) or int(text) >= len(self._items):
            raise Broken("`!Index` and `!Value` say how many `!Enumerate` around them are between")
        return self._items[-1 - int(text)]

    def at_index(self, values: list[Any]) -> Resolved:
        holder, at = self.resolve(values[0]), self.resolve(values[1])
        if isinstance(holder, dict) and isinstance(at, str) and at in holder:
            return holder[at]
        if isinstance(holder, list) and type(at) is int and -len(holder) <= at < len(holder):
            return holder[at]
        if len(values) == 2:  # noqa: PLR2004 -- no default
            raise Broken("`!AtIndex` finds nothing there")
        return self.resolve(values[2])

    def _text(self, value: Any) -> str:  # noqa: ANN401 -- as it was read
        resolved = self.resolve(value)
        if not isinstance(resolved, str):
            raise Broken("a name has to be text")
        return resolved


def _with_default(values: Any) -> tuple[Any, Any]:  # noqa: ANN401 -- as it was read
    return (values, None) if isinstance(values, str) else (values[0], values[1])


def _pairs(made: Resolved) -> list[tuple[Resolved, Resolved]]:
    if isinstance(made, dict):
        return list(made.items())
    if isinstance(made, list) and len(made) == 2:  # noqa: PLR2004 -- a key and its value
        return [(made[0], made[1])]
    raise Broken("`!Enumerate` makes a `MAP` of maps, or of lists of a key and a value")


_MODES: Final[Mapping[str, Callable[[list[bool]], bool]]] = {
    "AND": all,
    "NAND": lambda each: not all(each),
    "OR": any,
    "NOR": lambda each: not any(each),
    "XOR": lambda each: reduce(xor, each),
    "XNOR": lambda each: not reduce(xor, each),
}

_OF_TEXT: Final[Mapping[str, Callable[[_Resolver, str], Resolved]]] = {
    "KeyOf": _Resolver.key_of,
    "Context": _Resolver.context,
    "Env": _Resolver.env,
    "File": _Resolver.file,
    "ParseJSON": _Resolver.parse_json,
    "Index": _Resolver.index,
    "Value": _Resolver.value,
}

_OF_LISTS: Final[
    Mapping[str, tuple[tuple[int, int], Callable[[_Resolver, list[Any]], Resolved]]]
] = {
    "Context": ((2, 2), _Resolver.context),
    "Env": ((2, 2), _Resolver.env),
    "File": ((2, 2), _Resolver.file),
    "Find": ((1, 20), _Resolver.find),
    "FindObject": ((1, 20), _Resolver.find_object),
    "Format": ((1, 100), _Resolver.format),
    "If": ((1, 3), _Resolver.choose),
    "Condition": ((2, 1_000), _Resolver.condition),
    "Enumerate": ((3, 3), _Resolver.enumerate),
    "AtIndex": ((2, 3), _Resolver.at_index),
}
"""How many values each takes, and what it makes of them."""
