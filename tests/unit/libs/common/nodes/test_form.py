from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.errors import Invalid
from libs.common.flow.model import Json
from libs.common.flow.turn import FieldError, Message, Stay, Submission
from libs.common.flow.view import Component
from libs.common.nodes.form import (
    SECRET,
    Button,
    Choice,
    Field,
    Filled,
    Form,
    Kind,
    make_form,
    read,
)
from libs.common.nodes.typed import LARGEST_NUMBER, LONGEST
from libs.common.secret import Secret

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=300)
    | st.just("x" * (LONGEST + 1)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def form_of(kind: Kind, **more: Json) -> Form:
    return make_form("step", (Field("it", kind, "It", **more),))


def read_it(form: Form, sent: object) -> Json:
    """The value that was read of the field `it`, or the key of what is wrong with it."""
    found = read(form, Submission(inputs={"it": sent}))
    if isinstance(found, Stay):
        assert found.view == form.view
        assert found.message == Message("form.invalid")
        (wrong,) = found.field_errors
        assert wrong.identifier == "it"
        return wrong.key
    return {**found.values, **found.secrets}.get("it")


@pytest.mark.parametrize(
    ("kind", "sent", "value"),
    [
        (Kind.TEXT, "  Alice  ", "Alice"),
        (Kind.TEXT, "\u0645\u06cc\u200c\u0634\u0648\u062f", "\u0645\u06cc\u200c\u0634\u0648\u062f"),
        (Kind.EMAIL, " Alice@Example.com", "alice@example.com"),
        (Kind.USERNAME, "Alice", "alice"),
        (Kind.TELEPHONE, "+46 70-123 45 67", "+46701234567"),
        (Kind.NUMBER, 0, 0),
        (Kind.NUMBER, -1.5, -1.5),
        (Kind.NUMBER, " 42 ", 42),
        (Kind.NUMBER, "-0.25", -0.25),
        (Kind.NUMBER, LARGEST_NUMBER, LARGEST_NUMBER),
        (Kind.DATE, " 2024-02-29 ", "2024-02-29"),
        (Kind.CHECKBOX, True, True),
        (Kind.CHECKBOX, "true", True),
        (Kind.CHECKBOX, "on", True),
        (Kind.PASSWORD, " p\0ss ", Secret(" p\0ss ")),
        (Kind.OTP, "123 456", Secret("123456")),
        (Kind.COUNTRY, " se ", "SE"),
        (Kind.DROPDOWN, " large ", "large"),
    ],
)
def test_each_kind_is_read_in_its_normal_form(kind: Kind, sent: object, value: object) -> None:
    assert read_it(form_of(kind), sent) == value


@pytest.mark.parametrize(
    ("kind", "sent", "key"),
    [
        (Kind.TEXT, 7, "field.invalid"),
        (Kind.TEXT, ["a"], "field.invalid"),
        (Kind.TEXT, "a\0b", "field.invalid"),
        (Kind.TEXT, "a\nb", "field.invalid"),
        (Kind.TEXT, "a\ud800", "field.invalid"),
        (Kind.TEXT, "x" * 1_001, "field.too_long"),
        (Kind.TEXT, "   ", "field.required"),
        (Kind.EMAIL, "alice", "field.email"),
        (Kind.EMAIL, "   ", "field.required"),
        (Kind.USERNAME, "alice@example.com", "field.username"),
        (Kind.TELEPHONE, "070 123 45 67", "field.phone"),
        (Kind.NUMBER, "ten", "field.number"),
        (Kind.NUMBER, "1e5", "field.number"),
        (Kind.NUMBER, "9" * 17, "field.number"),
        (Kind.NUMBER, "\u0663", "field.number"),
        (Kind.NUMBER, True, "field.number"),
        (Kind.NUMBER, {}, "field.number"),
        (Kind.NUMBER, LARGEST_NUMBER + 1, "field.number"),
        (Kind.NUMBER, float("inf"), "field.number"),
        (Kind.NUMBER, float("nan"), "field.number"),
        (Kind.DATE, "2023-02-29", "field.date"),
        (Kind.DATE, "20240229", "field.date"),
        (Kind.DATE, "29.2.2024", "field.date"),
        (Kind.DATE, 20240229, "field.invalid"),
        (Kind.CHECKBOX, "yes", "field.invalid"),
        (Kind.CHECKBOX, 1, "field.invalid"),
        (Kind.CHECKBOX, False, "field.required"),
        (Kind.CHECKBOX, "off", "field.required"),
        (Kind.PASSWORD, "x" * 257, "field.too_long"),
        (Kind.PASSWORD, "x" * 100_000, "field.too_long"),
        (Kind.PASSWORD, "\udfff", "field.invalid"),
        (Kind.OTP, "12a456", "field.code"),
        (Kind.OTP, "  ", "field.code"),
    ],
)
def test_what_a_kind_is_not_is_refused(kind: Kind, sent: object, key: str) -> None:
    assert read_it(form_of(kind), sent) == key


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("sent", [None, ""])
def test_nothing_is_refused_where_something_is_required_and_else_left_out(
    kind: Kind, sent: object
) -> None:
    assert read_it(form_of(kind), sent) == "field.required"
    optional = form_of(kind, required=False)
    assert read(optional, Submission(inputs={"it": sent})) == Filled({}, {})
    assert read(optional, Submission()) == Filled({}, {})


@pytest.mark.parametrize("kind", [Kind.TEXT, Kind.EMAIL, Kind.USERNAME, Kind.TELEPHONE])
def test_blanks_are_nothing(kind: Kind) -> None:
    assert read_it(form_of(kind), " \t") == "field.required"
    assert read_it(form_of(kind, required=False), " \t") is None


def test_an_optional_box_that_is_not_ticked_says_no() -> None:
    assert read_it(form_of(Kind.CHECKBOX, required=False), "false") is False


def test_lengths_count_what_is_kept() -> None:
    form = form_of(Kind.TEXT, shortest=2, longest=4)
    assert read_it(form, "  a  ") == "field.too_short"
    assert read_it(form, "  ab  ") == "ab"
    assert read_it(form, "abcde") == "field.too_long"


@given(kind=st.sampled_from(list(Kind)), sent=JSON, required=st.booleans())
def test_whatever_is_sent_is_read_or_refused_and_what_is_read_can_be_stored(
    kind: Kind, sent: object, required: bool
) -> None:
    found = read(form_of(kind, required=required), Submission(inputs={"it": sent}))
    if isinstance(found, Filled):
        msgspec.msgpack.encode(found.values)
        assert "\0" not in str(found.values)
        if kind in SECRET:
            assert not found.values
        else:
            assert not found.secrets


@given(kind=st.sampled_from(list(Kind)), sent=JSON)
def test_a_value_that_was_read_reads_the_same_again(kind: Kind, sent: object) -> None:
    form = form_of(kind)
    found = read(form, Submission(inputs={"it": sent}))
    if isinstance(found, Filled) and found.values:
        assert read(form, Submission(inputs=found.values)) == found


def test_all_that_is_wrong_is_said_at_once_in_the_order_of_the_form() -> None:
    fields = tuple(Field(name, Kind.NUMBER, name) for name in ("a", "b", "c"))
    form = make_form("step", fields)
    found = read(form, Submission(inputs={"c": "x", "b": 1}))
    wrong = (FieldError("a", "field.required"), FieldError("c", "field.number"))
    assert found == Stay(form.view, Message("form.invalid"), wrong)


def test_inputs_that_nobody_asked_for_are_not_read() -> None:
    found = read(form_of(Kind.TEXT), Submission(inputs={"it": "a", "role": "admin"}))
    assert found == Filled({"it": "a"}, {})


def test_before_anything_is_sent_the_form_is_shown() -> None:
    form = form_of(Kind.TEXT)
    assert read(form, None) == Stay(form.view)


def test_an_action_that_the_form_does_not_have_is_refused() -> None:
    form = make_form("step", (), button=Button("submit", "submit-registration", "Go"))
    for action in ("", "submit", "submit-registration"):
        assert isinstance(read(form, Submission(action)), Filled)
    with pytest.raises(Invalid) as refused:
        read(form, Submission("delete"))
    (problem,) = refused.value.problems
    assert (problem.code, problem.path) == ("unknown_action", "actionId")
    assert "`submit-registration`" in problem.message


def test_a_form_shows_its_inputs_and_then_its_button() -> None:
    fields = tuple(Field(kind.value, kind, kind.name) for kind in Kind)
    (form,) = make_form("step", fields).view.components
    assert (form.id, form.type) == ("form_step", "FORM")
    *inputs, button = form.components
    assert [one.variant for one in inputs] == [
        "TEXT",
        "PASSWORD",
        "EMAIL",
        "TEXT",
        "TELEPHONE",
        "NUMBER",
        "DATE",
        "OTP",
        "CHECKBOX",
        "COUNTRY",
        "DROPDOWN",
    ]
    assert (button.type, button.variant, button.action_id) == ("BUTTON", "PRIMARY", "submit")


def test_what_was_filled_in_shows_nothing_of_itself() -> None:
    assert repr(Filled({"email": "alice@example.com"}, {})) == "Filled(***)"


SIZES = (Choice("s", "Small"), Choice("l", "Large", "size.large"))


@pytest.mark.parametrize(
    ("field", "sent", "found"),
    [
        (Field("it", Kind.NUMBER, least=18), "18", 18),
        (Field("it", Kind.NUMBER, least=18), 17.5, "field.too_small"),
        (Field("it", Kind.NUMBER, most=0), 0, 0),
        (Field("it", Kind.NUMBER, most=0), 1, "field.too_large"),
        (Field("it", Kind.DATE, least="2000-01-01"), "2000-01-01", "2000-01-01"),
        (Field("it", Kind.DATE, least="2000-01-01"), "1999-12-31", "field.too_early"),
        (Field("it", Kind.DATE, most="2000-01-01"), "2000-01-01", "2000-01-01"),
        (Field("it", Kind.DATE, most="2000-01-01"), "2000-01-02", "field.too_late"),
        (Field("it", Kind.TEXT, characters="digits"), "0815", "0815"),
        (Field("it", Kind.TEXT, characters="digits"), "\u0663", "field.digits"),
        (Field("it", Kind.TEXT, characters="letters"), "\u0416\u00e9", "\u0416\u00e9"),
        (Field("it", Kind.TEXT, characters="letters"), "a1", "field.letters"),
        (Field("it", Kind.TEXT, characters="letters_and_digits"), "a1", "a1"),
        (
            Field("it", Kind.TEXT, characters="letters_and_digits"),
            "a-1",
            "field.letters_and_digits",
        ),
        (Field("it", Kind.DROPDOWN, choices=SIZES), "l", "l"),
        (Field("it", Kind.DROPDOWN, choices=SIZES), "Large", "field.choice"),
        (Field("it", Kind.DROPDOWN, choices=SIZES), ["l"], "field.invalid"),
        (Field("it", Kind.COUNTRY, choices=(Choice("SE", "SE"),)), "no", "field.choice"),
    ],
)
def test_what_is_beyond_its_bounds_or_was_not_offered_is_refused(
    field: Field, sent: object, found: Json
) -> None:
    assert read_it(make_form("step", (field,)), sent) == found


def test_all_that_is_checked_is_told_to_the_client() -> None:
    fields = (
        Field("age", Kind.NUMBER, least=18, most=99.5),
        Field("born", Kind.DATE, most="2010-01-01"),
        Field("code", Kind.TEXT, shortest=4, longest=8, bounds_shown=True, characters="digits"),
        Field("size", Kind.DROPDOWN, choices=SIZES),
        Field("name", Kind.TEXT, shortest=4),
    )
    (form,) = make_form("step", fields).view.components
    configs = [one.config or {} for one in form.components[:-1]]
    assert [config.get("validations") for config in configs] == [
        [rule("RangeValidator", ("min.value", "18"), ("max.value", "99.5"))],
        [rule("RangeValidator", ("max.value", "2010-01-01"))],
        [
            rule("LengthValidator", ("min.length", "4"), ("max.length", "8")),
            rule("CharacterValidator", ("only", "digits")),
        ],
        None,
        None,
    ]
    assert configs[3]["options"] == [
        {"value": "s", "label": "Small"},
        {"value": "l", "label": "Large", "i18nKey": "size.large"},
    ]


def rule(name: str, *conditions: tuple[str, str]) -> Json:
    said = [{"key": key, "value": value} for key, value in conditions]
    return {"type": "RULE", "name": name, "conditions": said}


def test_what_is_no_field_stands_between_fields_and_is_not_read() -> None:
    line = Component("line", "DIVIDER")
    form = make_form("step", (Field("a", Kind.TEXT), line, Field("b", Kind.TEXT, required=False)))
    (drawn,) = form.view.components
    assert [one.id for one in drawn.components] == ["a", "line", "b", "submit"]
    assert form.view.required == ("a",)
    assert read(form, Submission(inputs={"a": "1", "line": "2"})) == Filled({"a": "1"}, {})
