from libs.common.flow.expression.analyse import check
from libs.common.flow.expression.functions import CLOCK, FUNCTIONS
from libs.common.flow.expression.parse import parse
from libs.common.flow.expression.schema import SCHEMA


def test_the_roots_are_those_of_the_language() -> None:
    seed = ("user", "client", "connection", "request", "stats", "configuration")
    assert tuple(SCHEMA) == (*seed, "facts", "inputs", "flow")


def test_every_root_is_a_map() -> None:
    assert {shape.kind for shape in SCHEMA.values()} == {"map"}


def test_what_only_authors_can_name_is_open() -> None:
    for root in ("user", "facts", "inputs"):
        assert not check(parse(f"{root}.of_their_own"), SCHEMA)


def test_the_clock_that_functions_read_is_known_as_a_number() -> None:
    (parameter,) = FUNCTIONS["daysSince"].parameters
    assert not check(CLOCK, SCHEMA, parameter.kinds[0])


def test_the_expressions_of_the_seeds_have_no_findings() -> None:
    for text in ("user.mfa_enabled", "user.email_verified === false && user.logins_count === 1"):
        assert not check(parse(text), SCHEMA, "boolean")
