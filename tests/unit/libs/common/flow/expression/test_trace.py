from libs.common.flow.expression.parse import parse
from libs.common.flow.expression.trace import Part, trace
from libs.common.flow.expression.values import MISSING, Fault


def test_a_trace_tells_the_whole_and_then_each_part() -> None:
    user = {"logins_count": 1, "failures": 0}
    assert trace(parse("!user.blocked || user.logins_count === 1"), {"user": user}) == (
        Part("!user.blocked || user.logins_count === 1", True, 0),
        Part("!user.blocked", MISSING, 1),
        Part("user.blocked", MISSING, 2),
        Part("user", user, 3),
        Part("user.logins_count === 1", True, 1),
        Part("user.logins_count", 1, 2),
        Part("user", user, 3),
        Part("1", 1, 2),
    )


def test_a_trace_tells_what_a_closure_would_skip() -> None:
    parts = trace(parse("true ? [a][0] : lower(1)"), {"a": 7})
    assert [(part.text, part.value) for part in parts] == [
        ("true ? [a][0] : lower(1)", 7),
        ("true", True),
        ("[a][0]", 7),
        ("[a]", (7,)),
        ("a", 7),
        ("0", 0),
        ("lower(1)", Fault("`lower` needs a string as `text`, not a number")),
        ("1", 1),
    ]


def test_a_trace_shows_the_clock_that_was_read() -> None:
    parts = trace(parse("secondsSince(40)"), {"request": {"time": 100}})
    assert [(part.text, part.value) for part in parts][:3] == [
        ("secondsSince(40)", 60),
        ("40", 40),
        ("request.time", 100),
    ]
