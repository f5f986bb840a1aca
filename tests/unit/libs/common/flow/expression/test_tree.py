import msgspec
import pytest
from hypothesis import given, settings

from libs.common.flow.expression.parse import parse
from libs.common.flow.expression.text import to_text
from libs.common.flow.expression.tree import Binary, Constant, Expr, children, static_path
from tests.unit.libs.common.flow.expression.strategies import EXPRESSIONS


@settings(max_examples=200)
@given(EXPRESSIONS)
def test_a_tree_survives_being_stored(expr: Expr) -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(expr), type=Expr) == expr


def test_a_stored_number_keeps_its_type() -> None:
    stored = msgspec.msgpack.encode(Constant(1.0))
    read = msgspec.msgpack.decode(stored, type=Constant)
    assert isinstance(read.value, float)


def test_a_stored_tree_is_small() -> None:
    stored = msgspec.msgpack.encode(parse("user.mfa_enabled"))
    assert stored == b"\x93\xa1m\x92\xa1r\xa4user\xabmfa_enabled"


def test_an_operator_that_does_not_exist_cannot_be_loaded() -> None:
    stored = msgspec.msgpack.encode(["b", "**", ["k", 1], ["k", 2]])
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(stored, type=Expr)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", []),
        ("a", []),
        ("a.b", ["a"]),
        ("a[b]", ["a", "b"]),
        ("!a", ["a"]),
        ("a && b", ["a", "b"]),
        ("a ? b : c", ["a", "b", "c"]),
        ("[a, b]", ["a", "b"]),
        ("size(a)", ["a"]),
    ],
)
def test_children_come_as_they_are_written(text: str, expected: list[str]) -> None:
    assert [to_text(child) for child in children(parse(text))] == expected


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("user", ("user",)),
        ("user.email", ("user", "email")),
        ('user["given name"].x', ("user", "given name", "x")),
        ("user[0]", None),
        ("user[0].x", None),
        ("(a ?? b).c", None),
        ("1", None),
    ],
)
def test_only_names_from_a_root_on_are_a_path(text: str, path: tuple[str, ...] | None) -> None:
    assert static_path(parse(text)) == path


def test_trees_that_say_the_same_are_equal() -> None:
    assert parse("a==1") == Binary("===", parse("a"), Constant(1))


@pytest.mark.parametrize(("one", "other"), [("1", "true"), ("0", "false"), ("1", "1.0")])
def test_trees_that_say_something_else_differ(one: str, other: str) -> None:
    trees = [parse(f"a in [{each}]") for each in (one, other, one)]
    assert trees[0] != trees[1]
    assert len(set(trees)) == 2
