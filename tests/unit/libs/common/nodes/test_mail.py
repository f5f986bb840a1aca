from __future__ import annotations

import pytest

from libs.common.flow.node import InvalidConfig
from libs.common.flow.turn import Facts
from libs.common.nodes.mail import TEMPLATES, TemplateName, Words, address_of, read_letter


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_mail_that_comes_with_gatehouse_can_be_read_and_says_the_same_in_both_forms(
    name: TemplateName,
) -> None:
    words = TEMPLATES[name]
    filled = read_letter(words).filled
    texts = read_letter(Words("S", words.text)).filled
    assert filled == read_letter(Words("S", words.text, words.html)).filled
    assert filled == (*texts, *texts)


def test_all_that_is_wrong_with_a_mail_is_said_at_once() -> None:
    with pytest.raises(InvalidConfig) as caught:
        read_letter(Words("{{ user. }}", "{{ code }}", "{{ request.ip }}"))
    assert [problem.path for problem in caught.value.problems] == ["subject", "text", "html"]


def test_a_slot_is_known_to_those_alone_who_fill_it_in() -> None:
    words = Words("{{ code }}", "T")
    assert read_letter(words, frozenset({"code"})).filled == ()
    with pytest.raises(InvalidConfig):
        read_letter(words)


def test_once_somebody_is_named_mail_is_theirs_and_for_no_staged_address() -> None:
    staged = {"email": "new@example.com"}
    assert address_of(Facts(account="a", staged=staged)) == ("a", None)
    assert address_of(Facts(identifier="nobody@example.com", staged=staged)) == (None, None)
    assert address_of(Facts(staged=staged)) == (None, "new@example.com")
    assert address_of(Facts()) is None
