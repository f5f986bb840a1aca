import pytest

from libs.common.errors import Invalid, Stale
from services.management.etags import ALWAYS, Condition, condition_of, tag_of

TAG = '"0a1b"'


def holds(condition: Condition, tag: str | None) -> bool:
    try:
        condition.check(tag)
    except Stale:
        return False
    return True


def test_a_tag_is_of_all_that_it_is_made_of() -> None:
    assert tag_of("a", 1) == tag_of("a", 1)
    assert (
        len({tag_of("a", 1), tag_of("a", 2), tag_of("b", 1), tag_of("a1"), tag_of(["a", 1])}) == 5
    )


def test_a_tag_is_one_that_a_condition_can_name() -> None:
    tag = tag_of("a")
    assert condition_of(tag, None) == Condition(match=frozenset({tag}))


@pytest.mark.parametrize(
    ("header", "tag", "expected"),
    [
        (TAG, TAG, True),
        ('"x", "0a1b"', TAG, True),
        (' "x" ,, "0a1b" ,', TAG, True),
        ("*", TAG, True),
        ('"x"', TAG, False),
        ('W/"0a1b"', TAG, False),
        ('"x"', None, False),
        ("*", None, False),
    ],
)
def test_a_match_is_one_of_those_named_or_of_whatever_is_there(
    header: str, tag: str | None, expected: bool
) -> None:
    assert holds(condition_of(header, None), tag) is expected


@pytest.mark.parametrize(
    ("header", "tag", "expected"),
    [
        (TAG, TAG, False),
        ('W/"0a1b"', TAG, False),
        ("*", TAG, False),
        ('"x"', TAG, True),
        ("*", None, True),
        (TAG, None, True),
    ],
)
def test_none_of_those_named_may_be_there(header: str, tag: str | None, expected: bool) -> None:
    condition = condition_of(None, header)
    assert holds(condition, tag) is expected
    assert condition.is_known(tag) is not expected


def test_who_demands_nothing_gets_it() -> None:
    assert condition_of(None, None) is ALWAYS
    assert holds(ALWAYS, TAG)
    assert holds(ALWAYS, None)


@pytest.mark.parametrize("header", ["", "0a1b", '"a" "b"', '"a', "*, *", '"a",*', '"a\n"'])
def test_what_holds_no_tags_is_refused_and_not_taken_for_no_demand(header: str) -> None:
    for match, none_match in ((header, None), (None, header)):
        with pytest.raises(Invalid) as refused:
            condition_of(match, none_match)
        assert refused.value.problems[0].path == (
            "If-Match" if none_match is None else "If-None-Match"
        )
