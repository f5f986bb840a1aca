from collections import Counter

import pytest

from libs.common.flow.expression.compile import compile_expression
from libs.common.flow.expression.examples import SAMPLE, Example
from libs.common.flow.expression.forms import FORMS, RULES, Form
from libs.common.flow.expression.grammar import BINDING
from libs.common.flow.expression.parse import parse
from libs.common.flow.expression.tree import Call, Constant, Root
from libs.common.flow.expression.values import MISSING, Fault, kind

EXAMPLES = [pytest.param(each, id=each.text) for told in (*FORMS, *RULES) for each in told.examples]


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_comes_to_what_it_says(example: Example) -> None:
    assert compile_expression(parse(example.text))(SAMPLE) == example.gives


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.spellings[0])
def test_a_form_gives_the_kind_it_names(form: Form) -> None:
    values = [each.gives for each in form.examples]
    found = {kind(each) for each in values if not isinstance(each, Fault) and each is not MISSING}
    assert found
    assert form.result is None or found == {form.result}


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.spellings[0])
def test_each_spelling_can_be_read(form: Form) -> None:
    assert not any(isinstance(parse(each), Constant | Root | Call) for each in form.spellings)


def test_spellings_of_a_form_mean_the_same_unless_it_is_about_several_operators() -> None:
    for form in FORMS:
        trees = {parse(each) for each in form.spellings}
        assert len(trees) == max(1, len(form.operators)), form.spellings


def test_each_operator_is_told_of_once_and_binds_as_it_says() -> None:
    assert Counter(each for form in FORMS for each in form.operators) == Counter(BINDING.keys())
    for form in FORMS:
        assert {BINDING[each] for each in form.operators} <= {form.binding}


def test_the_tightest_form_is_told_of_first() -> None:
    assert [form.binding for form in FORMS] == sorted(
        (form.binding for form in FORMS), reverse=True
    )
    # `!` and access bind as the table says as well, though the parser knows no number for them.
    assert parse("!a.b === c") == parse("(!(a.b)) === c")
