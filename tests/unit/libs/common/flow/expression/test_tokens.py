import pytest

from libs.common.flow.expression.tokens import ExpressionError, Token, is_name, string_value, tokens


def test_a_text_becomes_tokens_without_its_white_space() -> None:
    assert tokens(' a.b\t!== -1.5e3\n|| "x y"') == [
        Token("name", "a", 1),
        Token("symbol", ".", 2),
        Token("name", "b", 3),
        Token("symbol", "!==", 5),
        Token("number", "-1.5e3", 9),
        Token("symbol", "||", 16),
        Token("string", '"x y"', 19),
        Token("end", "", 24),
    ]


def test_the_longest_symbol_wins() -> None:
    text = "=== !== == != <= >= && || ?? ?. ! < > ? : . , ( ) [ ]"
    assert [token.text for token in tokens(text)] == [*text.split(), ""]


@pytest.mark.parametrize(
    ("text", "position", "advice"),
    [
        ("a & b", 2, "write `&&`"),
        ("a | b", 2, "write `||`"),
        ("a = b", 2, "write `===`"),
        ("a + b", 2, "no arithmetic"),
        ("a - b", 2, "may only stand before a number"),
        ("{}", 0, "no map literals"),
        ("a; b", 1, "join conditions"),
        ("`a`", 0, "strings stand between"),
        ('"abc', 0, "close it"),
        ("'abc", 0, "close it"),
        ('"ab\nc"', 0, "write `\\n`"),
        ('"abc\\"', 0, "close it"),
        ("a\u2028b", 1, "'\\u2028' has no meaning here"),
        ("größe", 2, "no meaning"),
    ],
)
def test_what_is_no_token_is_refused_with_advice(text: str, position: int, advice: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        tokens(text)
    assert caught.value.position == position
    assert advice in caught.value.message
    assert str(caught.value) == f"{caught.value.message} (at character {position + 1})"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('""', ""),
        ("'say \"it\"'", 'say "it"'),
        (r'"\"\'\\\/"', "\"'\\/"),
        (r'"\b\f\n\r\t"', "\b\f\n\r\t"),
        (r'"\u00e9\u00E9"', "éé"),
        (r'"\ud83d\ude00"', "😀"),
        ('"😀"', "😀"),
        (r'"\\u0041"', r"\u0041"),
    ],
)
def test_a_string_stands_for_what_its_escapes_say(text: str, value: str) -> None:
    assert string_value(Token("string", text, 0)) == value


@pytest.mark.parametrize(
    ("text", "position"), [(r'"ab\q"', 8), (r'"\u12"', 6), (r'"\x41"', 6), ('"\\\r"', 6)]
)
def test_an_unknown_escape_is_refused_where_it_stands(text: str, position: int) -> None:
    with pytest.raises(ExpressionError, match="is not an escape") as caught:
        string_value(Token("string", text, 5))
    assert caught.value.position == position


@pytest.mark.parametrize("text", [r'"\ud83d"', r'"\ude00\ud83d"', '"\ud83d"'])
def test_half_a_character_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError, match="half a surrogate pair"):
        string_value(Token("string", text, 5))


def test_a_long_token_is_shown_shortened() -> None:
    assert Token("name", "a" * 40, 0).shown == "a" * 40
    assert Token("name", "a" * 2_000, 0).shown == "a" * 40 + "…"


def test_names_are_ascii_words() -> None:
    assert is_name("given_name2")
    assert is_name("in")
    assert not is_name("")
    assert not is_name("2fa")
    assert not is_name("given name")
    assert not is_name("größe")
    assert not is_name("a\n")
