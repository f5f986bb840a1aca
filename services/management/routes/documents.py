"""YAML as far as it says what JSON says: read without surprises, written so that it reads back.

Plain words are text, but for `true`, `false`, `null` and numbers: `no` is Norway. Anchors, aliases
and tags are refused: the first two let a page stand for gigabytes, the third asks for types that
JSON does not have. Read event by event, since the library's own composer is recursive, and ends
the process where a document is nested deeply enough.
"""

from __future__ import annotations

import math
import re
from typing import Final

import yaml

from libs.common.errors import Invalid, Problem
from libs.common.flow.model import Json

_WORDS: Final = {
    "": None,
    **dict.fromkeys(("~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# No more than what the writer takes for numbers, and so writes text in quotes that looks like one.
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_REAL = re.compile(r"-?[0-9]{1,320}\.[0-9]{0,320}(?:[eE][-+][0-9]{1,3})?")


def write_yaml(value: Json) -> bytes:
    """Write what JSON can say, so that `read_yaml` reads the same."""
    written: bytes = yaml.dump(
        value, Dumper=_Writer, sort_keys=False, allow_unicode=True, encoding="utf-8", width=100
    )
    return written


def read_yaml(data: bytes, *, depth: int) -> Json:
    """Read a document, or raise `Invalid`; lists and maps may lie `depth` deep in each other."""
    try:
        return _read(data, depth)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = "" if mark is None else f" (line {mark.line + 1})"
        raise _malformed(f"{getattr(error, 'problem', None) or 'unreadable'}{line}") from error


def _read(data: bytes, depth: int) -> Json:
    # What is being read, the outermost first; each value goes into the last.
    open_ones: list[_Part] = [_Part(None)]
    documents = 0
    for event in yaml.parse(data, Loader=yaml.CSafeLoader):
        line = 0 if event.start_mark is None else event.start_mark.line + 1
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
                open_ones.append(_Part({} if isinstance(event, yaml.MappingStartEvent) else []))
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

    def __init__(self, value: Json) -> None:
        self.value = value
        self._key: str | None = None

    def take(self, value: Json, line: int) -> None:
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


def _scalar(event: yaml.ScalarEvent) -> Json:
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
