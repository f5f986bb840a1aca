"""A version's settings as the admin API has them: some of them, each under its own name."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from libs.common.flow.model import (
    Authentication,
    DeniedAction,
    Mode,
    Policies,
    Settings,
    Trigger,
)

DEFAULTS = Settings()


class SomeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that are sent or shown; what is unset stays as it is, or is the default."""

    policies: Policies | UnsetType = UNSET
    policy_engine_mode: Mode | UnsetType = UNSET
    denied_action: DeniedAction | UnsetType = UNSET
    authentication: Authentication | UnsetType = UNSET
    trigger: Trigger | UnsetType | None = UNSET

    def applied_to(self, settings: Settings) -> Settings:
        """Return `settings` with those that are set here."""
        some = {name: getattr(self, name) for name in Settings.__struct_fields__}
        return replace(settings, **{name: each for name, each in some.items() if each is not UNSET})


def some_of(sent: SomeSettings) -> SomeSettings:
    """Return the settings of a body that has more fields."""
    return SomeSettings(**{name: getattr(sent, name) for name in Settings.__struct_fields__})


def shown(settings: Settings) -> SomeSettings:
    """Return the settings that differ from the default."""
    return SomeSettings(
        **{
            name: value
            for name in Settings.__struct_fields__
            if (value := getattr(settings, name)) != getattr(DEFAULTS, name)
        }
    )


def all_of(settings: Settings) -> SomeSettings:
    """Return every setting, so that nothing of what was before stays."""
    return SomeSettings(**msgspec.structs.asdict(settings))
