"""The reference says what the code says, and leaves nothing out."""

from pathlib import Path
from typing import Annotated

import msgspec
import pytest
from msgspec.inspect import type_info

from libs.common.nodes.catalogue import CATALOGUE
from libs.common.nodes.switch import Config as Switch
from services.management.nodetypes import structs_in
from tools.docs import PAGES, REFERENCE, fields_table, least, nodes, out_of_step, takes

ROOT = Path(__file__).parents[3]


class Inner(msgspec.Struct):
    name: str
    """What it is called."""


class Outer(msgspec.Struct):
    inner: tuple[Inner, ...]
    """Many of
    them, a|b."""
    times: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """How often."""


class Undocumented(msgspec.Struct):
    times: int = 3


def test_what_is_committed_is_in_step() -> None:
    assert out_of_step(ROOT) == []


def test_a_page_that_is_missing_or_says_something_else_is_named(tmp_path: Path) -> None:
    (tmp_path / REFERENCE).mkdir(parents=True)
    for name, make in PAGES.items():
        (tmp_path / REFERENCE / name).write_text(make())
    assert out_of_step(tmp_path) == []
    (tmp_path / REFERENCE / "nodes.md").write_text("something else")
    (tmp_path / REFERENCE / "errors.md").unlink()
    assert out_of_step(tmp_path) == ["docs/reference/nodes.md", "docs/reference/errors.md"]


def test_every_node_type_and_every_field_of_its_config_is_on_the_page() -> None:
    page = nodes()
    for node in CATALOGUE:
        assert f"\n## {node.name}\n\n{node.summary}\n" in page
        for kind in structs_in(type_info(node.config)):
            assert fields_table(kind, titled=kind is not node.config) in page


def test_a_field_is_shown_with_its_default_its_bounds_and_its_docstring_on_one_line() -> None:
    assert fields_table(Outer, titled=False).splitlines()[2:] == [
        "| `inner` | required | list of: *Inner*, below | Many of them, a\\|b. |",
        "| `times` | none | whole number, at least 1 | How often. |",
    ]


def test_a_field_without_a_docstring_cannot_be_shown() -> None:
    with pytest.raises(ValueError, match=r"Undocumented\.times has no docstring"):
        fields_table(Undocumented, titled=False)


def test_what_has_no_words_yet_is_refused_rather_than_left_out() -> None:
    with pytest.raises(ValueError, match="no words for"):
        takes({"type": "object"})


def test_a_config_that_stands_inside_another_is_shown_after_it() -> None:
    assert list(structs_in(type_info(Outer))) == [Outer, Inner]


def test_an_outcome_that_the_author_names_is_shown_by_where_its_name_is_written() -> None:
    config = least(type_info(Switch), "")
    (switch,) = (node for node in CATALOGUE if node.config is Switch)
    assert switch.outcomes(config) == ("config.cases[].outcome", "default", "error")
