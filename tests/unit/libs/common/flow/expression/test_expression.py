import msgspec

from libs.common.flow.expression import Expression, parse

TEXT = 'user.email === "x" && facts.y'


def test_an_expression_runs_as_its_tree_says() -> None:
    expression = Expression(parse(TEXT))
    assert expression.evaluate({"user": {"email": "x"}, "facts": {"y": True}}) is True
    assert expression.roots == {"user", "facts"}
    assert expression.text == TEXT


def test_what_is_made_of_a_tree_is_made_once() -> None:
    expression = Expression(parse(TEXT))
    assert expression.evaluate is expression.evaluate


def test_a_stored_expression_is_its_tree_alone() -> None:
    expression = Expression(parse(TEXT))
    fresh = msgspec.msgpack.encode(expression)
    assert expression.evaluate({}) is not None
    assert msgspec.msgpack.encode(expression) == fresh
    assert msgspec.msgpack.decode(fresh, type=Expression) == expression
