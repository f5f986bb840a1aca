"""How the pages of the reference are written: a page, a table, and a value in it."""

import json
from collections.abc import Iterable

WRITTEN = "<!-- Written by `make docs` from the code that it describes: change that instead. -->"

Row = tuple[str, ...]


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
