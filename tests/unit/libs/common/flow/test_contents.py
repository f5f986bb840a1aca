"""What is found in a lowered config, and where it is said to be."""

from __future__ import annotations

from libs.common.flow.contents import contents
from libs.common.flow.expression import Expression
from libs.common.flow.view import View
from libs.common.nodes import condition, prompt, switch
from tests.playbook import lowered

CASES = [{"outcome": "a", "when": "user.age < 18"}, {"outcome": "b", "when": "true"}]
FIELD = {"name": "nick", "type": "text", "label": "Nick"}


def test_each_is_found_in_the_order_of_the_config_with_the_path_that_the_rules_name() -> None:
    found = contents(lowered(switch.NODE, {"cases": CASES}), Expression)
    assert [(path, each.text) for path, each in found] == [
        ("config.cases[0].when", "user.age < 18"),
        ("config.cases[1].when", "true"),
    ]


def test_what_is_looked_for_is_found_though_it_is_all_there_is() -> None:
    (only,) = contents(lowered(condition.NODE, {"condition": "true"}), Expression)
    assert only[0] == "config.condition"
    assert list(contents(only[1], Expression, "policies[0]")) == [("policies[0]", only[1])]


def test_only_what_is_of_the_kind_is_found() -> None:
    config = lowered(prompt.NODE, {"fields": [FIELD]})
    assert list(contents(config, Expression)) == []
    assert list(contents(config, View)) == [("config.form.view", config.form.view)]
