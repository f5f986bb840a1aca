from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.flow.node import InvalidConfig
from libs.common.nodes.markup import DEEPEST, read_markup

BESIDE = 'target="_blank" rel="noopener noreferrer"'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Plain, and > than nothing", "Plain, and &gt; than nothing"),
        ("Salt &amp; pepper & more &#233; &eacute; \"'", "Salt &amp; pepper &amp; more é é"),
        ("<h1>A</h1><p>b<BR>c<br/><strong><em>d</em></strong></p>", None),
        ("<ul>\n<li>a<ol><li>b</li></ol></li>\n</ul>", None),
        ("<blockquote><p>a</p>b</blockquote>", None),
        ("<a href='/terms?a=1&amp;b'>t</a>", f'<a href="/terms?a=1&amp;b" {BESIDE}>t</a>'),
        ("<a href='https://a.example/#x'>t</a>", f'<a href="https://a.example/#x" {BESIDE}>t</a>'),
        ("<a href=mailto:a@b.example>t</a>", f'<a href="mailto:a@b.example" {BESIDE}>t</a>'),
        (f'<a href="/x" {BESIDE}>t</a>', f'<a href="/x" {BESIDE}>t</a>'),
        ("<a href='/a\"><script>'>t</a>", f'<a href="/a&quot;&gt;&lt;script&gt;" {BESIDE}>t</a>'),
    ],
)
def test_what_is_allowed_is_written_anew(text: str, shown: str | None) -> None:
    found = read_markup(text, "text")
    expected = text.replace("<BR>", "<br>").replace("<br/>", "<br>") if shown is None else shown
    assert found.removesuffix(" &quot;&#x27;") == expected
    assert read_markup(found, "text") == found


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<script>alert(1)</script>", "`<script>` cannot be used"),
        ("<img src=x onerror=alert(1)>", "`<img>` cannot be used"),
        ("<svg/onload=alert(1)>", "`<svg>` cannot be used"),
        ("<p/>", "`<p/>` does not end"),
        ("<p onclick=a>b</p>", "`onclick` cannot be said of `<p>`"),
        ("<a href='/a' style='x'>b</a>", "`style` cannot be said of `<a>`"),
        ("<a href='javascript:alert(1)'>b</a>", "A link leads to"),
        ("<a href=' https://a.example'>b</a>", "A link leads to"),
        ("<a href='//a.example'>b</a>", "A link leads to"),
        ("<a href='http://a.example'>b</a>", "A link leads to"),
        ("<a href='https://u@a.example'>b</a>", "A link leads to"),
        ("<a href='&#1;javascript:x'>b</a>", "A link leads to"),
        ("<a href>b</a>", "A link leads to"),
        ("<a>b</a>", "A link leads to"),
        ("<a href='/a' target='_top'>b</a>", "`target` of a link is `_blank`"),
        ("<a href='/a' rel='opener'>b</a>", "`rel` of a link is `noopener noreferrer`"),
        ("<a href='/a'><b><a href='/b'>c</a></b></a>", "`<a>` cannot stand in `<b>`"),
        ("<li>a</li>", "`<li>` cannot stand by itself"),
        ("<p><ul></ul></p>", "`<ul>` cannot stand in `<p>`"),
        ("<ul>a</ul>", "Words in `<ul>` stand in an `<li>`"),
        ("<b><i>a</b></i>", "`</b>` ends nothing that was begun just before"),
        ("a</b>", "`</b>` ends nothing"),
        ("<b>a", "`<b>` is not ended"),
        ("a < b", "`<` begins a tag; write `&lt;`"),
        ("a < b <b>c</b>", "`<` begins a tag; write `&lt;`"),
        ("a <b", "A tag is not ended"),
        ("a &nothing; b", "`&nothing;` is no character"),
        ("<!-- a -->", "no comments"),
        ("<!DOCTYPE html>", "no declarations"),
        ("<![CDATA[a]]>", "no "),
        ("<?php a ?>", "no instructions"),
        ("<b>" * (DEEPEST + 1), f"At most {DEEPEST} elements"),
    ],
)
def test_what_is_not_is_refused_and_says_where(text: str, reason: str) -> None:
    with pytest.raises(InvalidConfig) as refused:
        read_markup(text, "fields[2].text")
    (problem,) = refused.value.problems
    assert reason in problem.message
    assert "(line 1, character " in problem.message
    assert (problem.code, problem.path) == ("invalid_config", "fields[2].text")


PIECES = """
< > & ' " / = a b p li ul href <a\thref='/x'> </a>
<b> </b> <p> </p> <br> <!-- --> &lt; &#60; script x:y
"""


@given(st.lists(st.sampled_from(re.split("[ \n]", PIECES)), max_size=20).map("".join))
def test_what_was_let_through_reads_as_itself(text: str) -> None:
    try:
        shown = read_markup(text, "text")
    except InvalidConfig:
        return
    assert read_markup(shown, "text") == shown
    assert "<script" not in shown
