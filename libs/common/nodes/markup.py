"""An author's rich text: a little HTML, of which nothing can run, load or hide where it leads.

It is refused, never mended: an author should see what users will see. What is let through is
written anew from what was understood of it, so that no browser can understand it otherwise.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from html.entities import html5
from html.parser import HTMLParser
from typing import Final, NoReturn

from libs.common.errors import Problem
from libs.common.flow.node import InvalidConfig
from libs.common.nodes.ends import HTTPS, PATH

LONGEST: Final = 5_000
"""Characters."""
DEEPEST: Final = 20
"""Elements inside each other."""

_INLINE: Final = frozenset({"a", "b", "br", "code", "em", "i", "s", "strong", "u"})
_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_BLOCKS: Final = frozenset({"blockquote", "ol", "p", "ul", *_HEADINGS})
_ALL: Final = _INLINE | _BLOCKS
_TOP: Final = ""
_INSIDE: Final[Mapping[str, frozenset[str]]] = {
    _TOP: _ALL,
    "blockquote": _ALL,
    "li": _INLINE | {"ol", "p", "ul"},
    "ol": frozenset({"li"}),
    "ul": frozenset({"li"}),
    **dict.fromkeys(_INLINE | _HEADINGS | {"p"}, _INLINE),
}
"""What may stand in an element."""
_WORDLESS: Final = frozenset({"ol", "ul"})

_LINK: Final = re.compile(rf"{PATH}|{HTTPS}|mailto:[A-Za-z0-9@._%+-]+")
_BESIDE: Final = 'target="_blank" rel="noopener noreferrer"'
"""A link opens beside the flow, which would otherwise be lost, and is told nothing of it."""
_SET: Final = {"target": frozenset({"_blank"}), "rel": frozenset({"noopener", "noreferrer"})}


def read_markup(text: str, path: str) -> str:
    """Return `text` as it may be shown; raise `InvalidConfig` about what is written at `path`."""
    reader = _Reader(path)
    reader.feed(text)
    # What is not ended there is dropped by some releases of the parser.
    if "<" in text[text.rfind(">") + 1 :]:
        reader.refuse("A tag is not ended")
    reader.close()
    return reader.written()


class _Reader(HTMLParser):
    def __init__(self, path: str) -> None:
        super().__init__(convert_charrefs=False)
        self._path = path
        self._open: list[str] = []
        self._out: list[str] = []

    def written(self) -> str:
        """Return what was read; raise where something of it was not ended."""
        if self._open:
            self.refuse(f"`<{self._open[-1]}>` is not ended")
        return "".join(self._out)

    def refuse(self, message: str) -> NoReturn:
        """Raise `InvalidConfig` with `message`, and where the reader is."""
        line, column = self.getpos()
        where = f"{message} (line {line}, character {column + 1})"
        raise InvalidConfig(Problem("invalid_config", where, path=self._path))

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        around = self._open[-1] if self._open else _TOP
        if tag not in _INSIDE or tag == _TOP:
            known = ", ".join(f"`{each}`" for each in sorted(_INSIDE) if each)
            self.refuse(f"`<{tag[:20]}>` cannot be used; there are: {known}")
        if tag not in _INSIDE[around] or (tag == "a" and "a" in self._open):
            where = f"in `<{around}>`" if around else "by itself"
            self.refuse(f"`<{tag}>` cannot stand {where}")
        if len(self._open) == DEEPEST:
            self.refuse(f"At most {DEEPEST} elements stand inside each other")
        self._out.append(f"<{tag}{self._attributes(tag, attrs)}>")
        if tag != "br":
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if tag != "br":
            # In HTML the slash means nothing, and the element would go on.
            self.refuse(f"`<{tag[:20]}/>` does not end; write `<{tag[:20]}></{tag[:20]}>`")
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.refuse(f"`</{tag[:20]}>` ends nothing that was begun just before")
        self._out.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if "<" in data:
            self.refuse("`<` begins a tag; write `&lt;`")
        self._write(data)

    def handle_entityref(self, name: str) -> None:
        said = html5.get(f"{name};")
        if said is None:
            self.refuse(f"`&{name[:20]};` is no character; write `&amp;` for `&`")
        self._write(said)

    def handle_charref(self, name: str) -> None:
        self._write(html.unescape(f"&#{name};"))

    def _write(self, data: str) -> None:
        if self._open and self._open[-1] in _WORDLESS and data.strip():
            self.refuse(f"Words in `<{self._open[-1]}>` stand in an `<li>`")
        self._out.append(html.escape(data))

    def handle_comment(self, data: str) -> None:  # noqa: ARG002 -- the parser's signature
        self.refuse("There are no comments in it")

    def handle_decl(self, decl: str) -> None:  # noqa: ARG002 -- as above
        self.refuse("There are no declarations in it")

    def unknown_decl(self, data: str) -> None:  # noqa: ARG002 -- as above
        self.refuse("There are no declarations in it")

    def handle_pi(self, data: str) -> None:  # noqa: ARG002 -- as above
        self.refuse("There are no instructions in it")

    def _attributes(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> str:
        href: str | None = None
        for name, value in attrs:
            if tag != "a" or name not in {"href", *_SET}:
                self.refuse(f"`{name[:20]}` cannot be said of `<{tag}>`")
            if name == "href":
                href = value or ""
            elif not _SET[name].issuperset((value or "").split()):
                said = " ".join(sorted(_SET[name]))
                self.refuse(f"`{name}` of a link is `{said}`, and is so unless said")
        if tag != "a":
            return ""
        if href is None or not _LINK.fullmatch(href):
            self.refuse("A link leads to a path of the site, an `https` URL or a `mailto`")
        return f' href="{html.escape(href)}" {_BESIDE}'
