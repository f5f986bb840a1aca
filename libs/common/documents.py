"""YAML as far as it says what JSON says: read without surprises, written so that it reads back.

Plain words are text, but for `true`, `false`, `null` and numbers: `no` is Norway. Anchors, aliases
and tags are refused: the first two let a page stand for gigabytes, the third asks for types that
JSON does not have. Read event by event, since the library's own composer is recursive, and ends
the process where a document is nested deeply enough.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import yaml

from libs.common.errors import Invalid, Problem

_WORDS: Final = {
    "": None,
    **dict.fromkeys(("~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# No more than what the writer takes for numbers, and so writes text in quotes that looks like one.
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_REAL = re.compile(r"-?[0-9]{1,320}\.[0-9]{0,320}(?:[eE][-+][0-9]{1,3})?")
_LAST = re.compile(r"\.?[^.\[]*$|\[[^\[]*$")


class Document(msgspec.Struct, frozen=True):
    """What was read, and where it stands."""

    value: Any
    """As JSON would say it."""
    lines: Mapping[str, int]
    """The line of each value by its path, as in `tests[0].expect`; that of the whole by an empty
    one. The first is 1."""

    def line(self, path: str | None) -> int:
        """Find the line of what is at `path`, or where it would have to be."""
        path = path or ""
        while path not in self.lines:
            path = _LAST.sub("", path, count=1)
        return self.lines[path]


def write_yaml(value: Any) -> bytes:  # noqa: ANN401 -- what JSON can say
    """Write what JSON can say, so that `read_yaml` reads the same."""
    written: bytes = yaml.dump(
        value, Dumper=_Writer, sort_keys=False, allow_unicode=True, encoding="utf-8", width=100
    )
    return written


def read_yaml(data: bytes, *, depth: int) -> Any:  # noqa: ANN401 -- what JSON can say
    """Read a document, or raise `Invalid`; lists and maps may lie `depth` deep in each other."""
    return _parsed(data, depth, None)


def read_document(data: bytes, *, depth: int) -> Document:
    """Read a document as `read_yaml` does, and where everything in it stands.

    Not for what strangers send: keys within long keys make paths that are much longer than it.
    """
    lines: dict[str, int] = {}
    return Document(_parsed(data, depth, lines), lines)


def _parsed(data: bytes, depth: int, lines: dict[str, int] | None) -> Any:  # noqa: ANN401 -- as above
    try:
        return _read(data, depth, lines)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = "" if mark is None else f" (line {mark.line + 1})"
        raise _malformed(f"{getattr(error, 'problem', None) or 'unreadable'}{line}") from error


def _read(data: bytes, depth: int, lines: dict[str, int] | None) -> Any:  # noqa: ANN401 -- as above
    # What is being read, the outermost first; each value goes into the last.
    open_ones: list[_Part] = [_Part(None, "")]
    documents = 0
    for event in yaml.parse(data, Loader=yaml.CSafeLoader):
        line = 0 if event.start_mark is None else event.start_mark.line + 1
        path = ""
        if lines is not None and isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            path = open_ones[-1].following
            lines.setdefault(path, line)
        match event:
            case yaml.AliasEvent():
                raise _malformed(f"no aliases, write it out (line {line})")
            case yaml.NodeEvent() if event.anchor is not None:
                raise _malformed(f"no anchors (line {line})")
            case yaml.ScalarEvent() | yaml.CollectionStartEvent() if event.tag is not None:
                raise _malformed(f"no tags (line {line})")
            case yaml.DocumentStartEvent():
                documents += 1
                if documents > 1:
                    raise _malformed(f"one document only (line {line})")
            case yaml.ScalarEvent():
                open_ones[-1].take(_scalar(event), line)
            case yaml.CollectionStartEvent():
                if len(open_ones) > depth:
                    raise _malformed(f"nested deeper than {depth} (line {line})")
                is_map = isinstance(event, yaml.MappingStartEvent)
                open_ones.append(_Part({} if is_map else [], path))
            case yaml.CollectionEndEvent():
                open_ones[-2].take(open_ones.pop().value, line)
            case _:
                # Where the stream and its document begin and end.
                pass
    if not documents:
        raise _malformed("it is empty")
    return open_ones[0].value


class _Part:
    """A list, a map or the whole document, as far as it is read."""

    def __init__(self, value: Any, path: str) -> None:  # noqa: ANN401 -- what JSON can say
        self.value = value
        self._path = path
        self._key: str | None = None

    @property
    def following(self) -> str:
        """The path of the next item; of a key, that of the map."""
        match self.value:
            case list():
                return f"{self._path}[{len(self.value)}]"
            case dict() if self._key is not None:
                return f"{self._path}.{self._key}" if self._path else self._key
            case _:
                return self._path

    def take(self, value: Any, line: int) -> None:  # noqa: ANN401 -- what JSON can say
        """Take the next item; in a map, keys and values come in turns."""
        match self.value:
            case list():
                self.value.append(value)
            case dict() if self._key is None:
                if not isinstance(value, str):
                    raise _malformed(f"a key has to be text (line {line})")
                if value in self.value:
                    raise _malformed(f"the key {value!r} is there twice (line {line})")
                self._key = value
            case dict():
                self.value[self._key] = value
                self._key = None
            case _:
                self.value = value


def _scalar(event: yaml.ScalarEvent) -> bool | int | float | str | None:
    text: str = event.value
    if not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    if _REAL.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text


def _malformed(reason: str) -> Invalid:
    return Invalid("the body is not as expected", (Problem("malformed_yaml", reason),))


class _Writer(yaml.CSafeDumper):
    """Writes everything out."""

    def ignore_aliases(self, _data: object) -> bool:
        """Say so of everything: two equal parts are two parts."""
        return True
