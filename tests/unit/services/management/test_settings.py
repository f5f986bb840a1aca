"""Settings as the admin API has them: some of them, each under its own name."""

import msgspec

from libs.common.flow.model import Policy, Settings, Trigger, TriggerPoint
from services.management.settings import SomeSettings, all_of, shown, some_of

ODD = Settings(
    policies=(Policy("user.a"),),
    policy_engine_mode="all",
    denied_action="message",
    authentication="require_superuser",
    trigger=Trigger(TriggerPoint.POST_LOGIN),
)


class Body(SomeSettings, frozen=True, kw_only=True):
    name: str = ""


def test_every_setting_can_be_sent_and_shown() -> None:
    assert SomeSettings.__struct_fields__ == Settings.__struct_fields__


def test_only_what_differs_from_the_default_is_shown() -> None:
    assert msgspec.json.encode(shown(Settings())) == b"{}"
    assert msgspec.to_builtins(shown(Settings(authentication="require_authenticated"))) == {
        "authentication": "require_authenticated"
    }


def test_what_is_shown_makes_the_same_settings_again() -> None:
    for settings in (Settings(), ODD):
        assert shown(settings).applied_to(Settings()) == settings


def test_what_is_not_sent_stays() -> None:
    body = msgspec.json.decode(b'{"name": "a", "policies": [], "trigger": null}', type=Body)
    assert some_of(body).applied_to(ODD) == msgspec.structs.replace(ODD, policies=(), trigger=None)


def test_all_settings_leave_nothing_of_those_before() -> None:
    assert all_of(Settings()).applied_to(ODD) == Settings()
