from __future__ import annotations

import msgspec
import pytest

from libs.common.flow.model import Json
from libs.common.flow.view import Component
from services.executor.portal.components import (
    Block,
    Captcha,
    Choice,
    Codes,
    Field,
    Filled,
    Heading,
    Line,
    Picture,
    Press,
    Rich,
    Section,
    Tick,
    Words,
    draw,
    pictures,
)

NOTHING = Filled()


def component(type: str, variant: str | None = None, id: str = "a", **config: Json) -> Component:
    return Component(id, type, variant, config=config or None)


def drawn(*components: Component, filled: Filled = NOTHING) -> tuple[Block, ...]:
    sections = draw(components, filled)
    return tuple(block for each in sections for block in each.blocks)


def field(variant: str, filled: Filled = NOTHING, name: str = "n", **config: Json) -> Field:
    (block,) = drawn(component("INPUT", variant, identifier=name, **config), filled=filled)
    assert isinstance(block, Field)
    return block


@pytest.mark.parametrize("type", ["", "ACCORDION", "form", "SCRIPT"])
def test_what_is_not_known_is_nothing(type: str) -> None:
    assert not draw([component(type, text="<b>")], Filled())


@pytest.mark.parametrize("type", ["TYPOGRAPHY", "INPUT", "BUTTON", "RESEND", "DIVIDER", "IMAGE"])
@pytest.mark.parametrize("value", [None, 7, True, ["a"], {"a": 1}])
def test_what_is_not_as_it_should_be_breaks_nothing(type: str, value: Json) -> None:
    names = ("text", "label", "identifier", "hint", "src", "options", "placeholder")
    drawn(Component("a", type, "DROPDOWN", config=dict.fromkeys(names, value)))
    drawn(msgspec.structs.replace(component(type), config=None))


def test_what_is_sent_together_stands_in_one_form() -> None:
    form = Component("f", "FORM", components=(component("INPUT"), component("BUTTON")))
    sections = draw([component("TYPOGRAPHY", text="t"), form], Filled())
    assert [(each.form, len(each.blocks)) for each in sections] == [(False, 1), (True, 2)]


def test_a_button_outside_of_a_form_has_one_of_its_own() -> None:
    loose = [component("TYPOGRAPHY", text="t"), component("BUTTON", id="go", text="Go")]
    (section,) = draw(loose, Filled())
    assert section == Section(True, (Words("t", False), Press("go", "Go", "primary")))


def test_a_form_inside_of_a_form_is_part_of_it() -> None:
    inner = Component("i", "FORM", components=(component("INPUT", id="x"),))
    (section,) = draw([Component("f", "FORM", components=(inner,))], Filled())
    assert [type(each) for each in section.blocks] == [Field]


def test_headings_and_texts() -> None:
    found = drawn(
        component("TYPOGRAPHY", "H3", text="Hello"),
        component("TYPOGRAPHY", "BODY1", text="a\nb"),
        component("TYPOGRAPHY", "CAPTION", text="c"),
    )
    assert found == (Heading("Hello", "h3"), Words("a\nb", False), Words("c", True))


def test_rich_text_is_shown_if_it_is_safe_and_else_as_it_is_written() -> None:
    for text, shown in (
        ("<p>Be <b>kind</b>.</p>", Rich("<p>Be <b>kind</b>.</p>")),
        ("<script>alert(1)</script>", Words("<script>alert(1)</script>", False)),
        ("<p onclick='x'>a</p>", Words("<p onclick='x'>a</p>", False)),
        ('<a href="javascript:x">a</a>', Words('<a href="javascript:x">a</a>', False)),
    ):
        assert drawn(component("RICH_TEXT", text=text)) == (shown,)


def test_codes_stand_together() -> None:
    codes = [component("TYPOGRAPHY", "BODY1", text=each, copyable=True) for each in "abc"]
    rest = component("TYPOGRAPHY", "BODY1", text="d")
    assert drawn(*codes[:2], rest, codes[2]) == (
        Codes(("a", "b")),
        Words("d", False),
        Codes(("c",)),
    )


@pytest.mark.parametrize(
    ("variant", "config", "expected"),
    [
        ("TEXT", {}, {"type": "text"}),
        ("UNHEARD_OF", {}, {"type": "text"}),
        ("EMAIL", {}, {"type": "email", "autocomplete": "email"}),
        ("EMAIL", {"i18nKey": "label.email"}, {"type": "email", "autocomplete": "username"}),
        ("TEXT", {"i18nKey": "label.identifier"}, {"autocomplete": "username"}),
        ("TELEPHONE", {}, {"type": "tel", "inputmode": "tel", "autocomplete": "tel"}),
        ("NUMBER", {}, {"type": "text", "inputmode": "decimal"}),
        ("DATE", {}, {"type": "date"}),
        ("OTP", {}, {"inputmode": "numeric", "autocomplete": "one-time-code"}),
        ("PASSWORD", {"i18nKey": "label.password"}, {"autocomplete": "current-password"}),
        ("PASSWORD", {"i18nKey": "label.new_password"}, {"autocomplete": "new-password"}),
        ("PASSWORD", {"label": "Pass"}, {"type": "password", "autocomplete": "new-password"}),
        ("PASSWORD", {"i18nKey": "label.recovery_code"}, {"autocomplete": "off"}),
        ("TEXT", {"placeholder": "x", "required": True}, {"placeholder": "x", "required": True}),
    ],
)
def test_an_input_says_what_it_is_for(
    variant: str, config: dict[str, Json], expected: dict[str, Json]
) -> None:
    attributes = field(variant, **config).attributes
    assert {name: attributes.get(name) for name in expected} == expected


def test_a_usual_attribute_is_filled_in_by_the_browser() -> None:
    assert field("TEXT", name="given_name").attributes["autocomplete"] == "given-name"
    assert "autocomplete" not in field("TEXT", name="shoe_size").attributes


def test_hint_and_error_are_told_with_the_input() -> None:
    wrong = Filled({"n": "No."}, {"n": "typed"})
    block = field("TEXT", wrong, hint="So.")
    assert (block.hint, block.error) == ("So.", "No.")
    assert block.attributes["aria-describedby"] == "in-n-hint in-n-error"
    assert block.attributes["aria-invalid"] == "true"
    assert block.attributes["value"] == "typed"
    assert "aria-describedby" not in field("TEXT").attributes


@pytest.mark.parametrize("variant", ["PASSWORD", "OTP"])
def test_what_is_secret_is_not_shown_again(variant: str) -> None:
    assert "value" not in field(variant, Filled(typed={"n": "hush"})).attributes


def test_the_first_input_that_is_wrong_has_the_focus() -> None:
    inputs = [component("INPUT", id=each) for each in "abc"]
    for errors, focused in (({}, "a"), ({"c": "!", "b": "!"}, "b"), ({"z": "!"}, "a")):
        blocks = drawn(*inputs, filled=Filled(errors))
        have = [
            each.name
            for each in blocks
            if isinstance(each, Field) and "autofocus" in each.attributes
        ]
        assert have == [focused]


def test_a_box_stays_ticked() -> None:
    for typed, checked in (("true", True), ("false", False), ("", False)):
        block = field("CHECKBOX", Filled(typed={"n": typed}))
        assert isinstance(block, Tick)
        assert ("checked" in block.attributes) is checked


def test_a_choice_stays_made() -> None:
    options = ["a", {"value": "b", "label": "B"}, {"value": "c"}, 7]
    block = field("DROPDOWN", Filled(typed={"n": "b"}), options=options)
    assert isinstance(block, Choice)
    assert block.options == (("a", "a", False), ("b", "B", True), ("c", "c", False))


@pytest.mark.parametrize(
    ("src", "shown"),
    [
        ("data:image/svg+xml;charset=utf-8,%3Csvg/%3E", True),
        ("data:image/png;base64,AAAA", True),
        ("https://cdn.example/a.png", True),
        ("data:text/html,<b>", False),
        ("http://cdn.example/a.png", False),
        ("javascript:alert(1)", False),
        ("https://[bad", False),
        ("https://a;script-src/", False),
        ("https://cdn.example:99999/a.png", False),
        ("", False),
    ],
)
def test_a_picture_comes_with_the_page_or_over_https(src: str, shown: bool) -> None:
    assert bool(drawn(component("IMAGE", src=src, alt="A"))) is shown


def test_a_picture_says_where_it_comes_from_and_leads_to_apps_alone() -> None:
    there = component("IMAGE", src="https://cdn.example:8443/a", uri="javascript:x")
    here = component("IMAGE", src="data:image/png;base64,AA", uri="otpauth://totp/a")
    sections = draw([there, here], Filled())
    assert list(pictures(sections)) == ["https://cdn.example:8443"]
    links = [each.link for each in sections[0].blocks if isinstance(each, Picture)]
    assert links == [None, "otpauth://totp/a"]


def test_the_rest_of_what_there_is() -> None:
    found = drawn(
        component("DIVIDER", text="or"),
        component("BUTTON", "SECONDARY", id="b", text="B"),
        component("RESEND", id="r", text="R"),
        component("CAPTCHA", "TURNSTILE", siteKey="k", identifier="captcha"),
        component("CAPTCHA", "OF_NOBODY", siteKey="k"),
        filled=Filled({"captcha": "No."}),
    )
    assert found == (
        Line("or"),
        Press("b", "B", "secondary"),
        Press("r", "R", "link"),
        Captcha("TURNSTILE", "k", "captcha", "No."),
    )
