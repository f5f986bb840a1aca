from __future__ import annotations

import pytest

from libs.common.flow.accounts import (
    CheckInvitation,
    CheckRecoveryCode,
    EnrolTotp,
    Invited,
    IsBreached,
    OfferTotp,
    RecoveryCodes,
    TotpOffer,
)
from libs.common.secret import Secret

SECRET = "hunter2-correct-horse"


@pytest.mark.parametrize(
    "said",
    [
        OfferTotp("a1", "Acme", SECRET),
        TotpOffer(SECRET, SECRET, SECRET, SECRET),
        EnrolTotp("a1", "c2VhbGVk", Secret(SECRET), "session:1"),
        Invited("i1", {"email": SECRET}),
        CheckInvitation(Secret(SECRET)),
        IsBreached(Secret(SECRET)),
        RecoveryCodes((SECRET,), (SECRET,)),
        CheckRecoveryCode("a1", "alice", Secret(SECRET), "session:1"),
    ],
)
def test_no_secret_is_shown(said: object) -> None:
    assert SECRET not in repr(said)
    assert SECRET not in str(said)
