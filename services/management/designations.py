"""What authentik calls the types of flows (seeds 003 and 004), and which of ours each is."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from libs.common.flow.model import FlowType

TYPE_OF: Final[Mapping[str, FlowType]] = MappingProxyType(
    {
        "authentication": FlowType.LOGIN,
        "enrollment": FlowType.REGISTRATION,
        "recovery": FlowType.PASSWORD_RESET,
        "stage_configuration": FlowType.MFA_SETUP,
        "authorization": FlowType.AUTHORIZATION,
        "invalidation": FlowType.LOGOUT,
        "unenrollment": FlowType.UNENROLLMENT,
    }
)
"""The type that a flow of a designation is made with."""

DESIGNATION_OF: Final[Mapping[FlowType, str]] = MappingProxyType(
    {
        **{type: name for name, type in TYPE_OF.items()},
        FlowType.INVITED_REGISTRATION: "enrollment",
        FlowType.ACCOUNT_RECOVERY: "recovery",
        FlowType.TRIGGER: "stage_configuration",
    }
)
"""How a type shows where no designation was written: as the nearest that authentik has. A trigger
has none; the one that means nothing in particular stands for it."""
