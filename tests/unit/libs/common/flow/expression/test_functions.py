import pytest

from libs.common.flow.expression.compile import compile_expression
from libs.common.flow.expression.examples import SAMPLE
from libs.common.flow.expression.functions import CLOCK, FUNCTIONS, Function, call, operands
from libs.common.flow.expression.parse import parse
from libs.common.flow.expression.text import to_text
from libs.common.flow.expression.tree import Call
from libs.common.flow.expression.values import MISSING, Fault, Json, Scope, Value, kind

SCOPE: Scope = {"user": {"null": None}, "request": {"time": 100 * 86_400}}
SAMPLES: dict[str, Json] = {
    "null": None,
    "boolean": True,
    "number": 1,
    "string": "1",
    "list": ["1"],
    "map": {"1": 1},
}


def run(text: str) -> Value:
    return compile_expression(parse(text))(SCOPE)


def called(name: str, *arguments: Value) -> Value:
    return call(name, arguments)


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=list(FUNCTIONS))
def test_the_examples_of_a_function_come_to_what_they_say(function: Function) -> None:
    assert function.examples
    for example in function.examples:
        assert f"{function.name}(" in example.text
        assert compile_expression(parse(example.text))(SAMPLE) == example.gives, example.text


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=list(FUNCTIONS))
def test_a_function_gives_the_kind_it_names(function: Function) -> None:
    calls = [each for each in function.examples if isinstance(parse(each.text), Call)]
    assert {kind(each.gives) for each in calls} - {None} == {function.result}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=list(FUNCTIONS))
def test_a_function_takes_the_kinds_it_names_and_no_other(function: Function) -> None:
    right: list[Json] = [
        SAMPLES[parameter.kinds[0]] if parameter.kinds else None
        for parameter in function.parameters
    ]
    clock = [0] if function.clock else []
    for place, parameter in enumerate(function.parameters):
        for name, value in SAMPLES.items():
            arguments = [*right[:place], value, *right[place + 1 :], *clock]
            result = call(function.name, arguments)
            is_refused = isinstance(result, Fault) and f"as `{parameter.name}`" in result.reason
            assert is_refused is (bool(parameter.kinds) and name not in parameter.kinds)


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=list(FUNCTIONS))
def test_a_missing_argument_makes_the_call_missing_but_for_a_path(function: Function) -> None:
    fault = Fault("why")
    for place, parameter in enumerate(function.parameters):
        clock = [0] if function.clock else []
        before = [SAMPLES[each.kinds[0]] for each in function.parameters[:place]]
        after = [SAMPLES[each.kinds[0]] for each in function.parameters[place + 1 :]]
        missing = call(function.name, [*before, MISSING, *after, *clock])
        assert missing is (False if parameter.path else MISSING)
        assert call(function.name, [*before, fault, *after, *clock]) is fault


def test_a_signature_reads_like_a_declaration() -> None:
    assert FUNCTIONS["endsWith"].signature == "endsWith(text: string, end: string)"
    assert FUNCTIONS["has"].signature == "has(path: any)"
    assert FUNCTIONS["size"].signature == "size(of: string or list or map)"


def test_has_knows_missing_from_null() -> None:
    assert run("has(user.null)") is True
    assert run("has(user.nothing)") is False
    assert run("has(user.null.nothing)") is False
    assert isinstance(run("has(request.time.zone)"), Fault)


def test_size_counts_characters_items_and_attributes() -> None:
    assert called("size", "é😀") == 2
    assert called("size", [1, 2, 3]) == 3
    assert called("size", {"a": 1}) == 1


def test_texts_are_compared_with_their_case() -> None:
    assert run('startsWith("Ada", "a")') is False
    assert run('endsWith("Ada", "A")') is False
    assert run('contains("Ada", "D")') is False


@pytest.mark.parametrize("text", ["", "eighteen", "nan", "1e999", " 1", "1" * 1_000_000])
def test_a_text_that_writes_no_number_is_a_fault(text: str) -> None:
    assert isinstance(called("number", text), Fault)


def test_lists_of_strings_are_compared_as_sets() -> None:
    assert called("containsAny", ["a", "b"], ["c", "b"]) is True
    assert called("containsAny", ["a", "b"], ["c"]) is False
    assert called("containsAny", ["a"], []) is False
    assert called("containsAll", ["a", "b"], ["b", "a", "a"]) is True
    assert called("containsAll", ["a"], []) is True
    assert called("containsAll", ["a"], ["a", "b"]) is False


@pytest.mark.parametrize("name", ["containsAny", "containsAll"])
def test_lists_of_anything_else_are_not_compared(name: str) -> None:
    assert isinstance(called(name, ["a", 1], ["a"]), Fault)
    assert isinstance(called(name, ["a"], [None]), Fault)


@pytest.mark.parametrize(
    ("email", "domains", "matches"),
    [
        ("ada@example.com", "example.com", True),
        ("Ada@EXAMPLE.com", "Example.COM", True),
        ("ada@example.com", ["example.org", "example.com"], True),
        ("ada@example.com", [], False),
        ("ada@example.com.evil.org", "example.com", False),
        ("ada@evilexample.com", "example.com", False),
        ("ada@mail.example.com", "example.com", False),
        ("ada@mail.example.com", "*.example.com", True),
        ("ada@example.com", "*.example.com", False),
        ("ada@evilexample.com", "*.example.com", False),
        ('"ada@example.com"@evil.org', "example.com", False),
    ],
)
def test_a_domain_matches_as_a_whole(email: str, domains: Json, matches: bool) -> None:
    assert called("matchesDomain", email, domains) is matches


@pytest.mark.parametrize(
    ("email", "domains"),
    [("example.com", "example.com"), ("@example.com", "example.com"), ("ada@", ""), ("a@b", [1])],
)
def test_what_is_no_email_address_or_no_domain_is_a_fault(email: str, domains: Json) -> None:
    assert isinstance(called("matchesDomain", email, domains), Fault)


@pytest.mark.parametrize(
    ("address", "ranges", "inside"),
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.9.9.9/8", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("10.1.2.3", ["192.168.0.0/16", "10.1.2.3"], True),
        ("10.1.2.3", [], False),
        ("fd00::1", "fd00::/8", True),
        ("fd00::1", "10.0.0.0/8", False),
        ("::ffff:10.1.2.3", "10.0.0.0/8", True),
        ("::ffff:10.1.2.3", "::/0", False),
    ],
)
def test_an_address_is_in_a_range_of_its_own_family(
    address: str, ranges: Json, inside: bool
) -> None:
    assert called("inCidr", address, ranges) is inside


@pytest.mark.parametrize(
    ("address", "ranges"),
    [
        ("", "10.0.0.0/8"),
        ("host.example", "10.0.0.0/8"),
        ("010.0.0.1", "10.0.0.0/8"),
        ("10.0.0.1", "10.0.0.0/33"),
        ("10.0.0.1", ["10.0.0.0/8", "everything"]),
        ("10.0.0.1", [10]),
    ],
)
def test_what_is_no_address_or_no_range_is_a_fault(address: str, ranges: Json) -> None:
    assert isinstance(called("inCidr", address, ranges), Fault)


def test_time_is_counted_from_the_request() -> None:
    day = 86_400
    assert called("daysSince", 90 * day, 100 * day) == 10
    assert called("daysSince", day // 2, 0) == -0.5
    assert called("secondsSince", 90, 100) == 10
    assert called("daysSince", 0, MISSING) is MISSING
    assert isinstance(called("daysSince", 0, "now"), Fault)
    assert operands(parse("daysSince(user.a)")) == (parse("user.a"), CLOCK)
    assert to_text(CLOCK) == "request.time"


@pytest.mark.parametrize("name", ["daysSince", "secondsSince"])
def test_a_time_beyond_all_bounds_is_a_fault(name: str) -> None:
    assert isinstance(called(name, 10**400, 0.5), Fault)
