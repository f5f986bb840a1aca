"""Where the accounts are.

`Directory` is all that the executor asks of it; another source of identities is another
implementation. Each question is scoped to a tenant, and answers about a missing account at the
same cost as about one that exists. One that is blocked is to all of them as if it were missing.

`postgres` has all of it here; `http` asks somebody else's directory who there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from libs.common.flow.accounts import Invited
from libs.common.flow.model import Json
from libs.common.flow.questions import Taken, Uninvited, Written
from libs.common.secret import Secret

NOBODY: Final = "00000000-0000-0000-0000-000000000000"
"""An account that nobody has (RFC 9562, 5.9): asked for in place of none, at the same cost."""


class Passwords(Protocol):
    """The passwords of accounts, wherever their hashes are."""

    async def check(self, tenant: str, account: str, password: Secret) -> bool:
        """Say if it is the account's; about `NOBODY` it takes as long. Raises `Unavailable`."""


class Directory(Protocol):
    """The accounts of all tenants. Each method raises `Unavailable` while they are out of reach.

    An account is known by a UUID, written as a string.
    """

    async def find(self, tenant: str, kinds: tuple[str, ...], identifier: str) -> str | None:
        """Find who is called `identifier`, as the first of `kinds` that anybody is."""

    async def totp_secret(self, tenant: str, account: str) -> bytes | None:
        """Return the confirmed authenticator's secret, sealed; None where there is none."""

    async def load(self, tenant: str, account: str) -> Mapping[str, Json] | None:
        """Return what expressions may know of the account as `user`; None where it is gone."""

    async def write(
        self,
        tenant: str,
        key: str,
        account: str | None,
        attributes: Mapping[str, Json],
        password_hash: str | None,
        *,
        verified: bool = False,
        invitation: str | None = None,
    ) -> Written | Taken | Uninvited:
        """Make an account, or write onto `account`; its `email` is `verified`, or has yet to be.

        It uses up `invitation` with it, or does neither.

        The same `key` again writes onto the account that it made. Raises `Invalid` for an
        identifier that is none, and `NotFound` where `account` is gone.
        """

    async def verify_email(self, tenant: str, account: str, email: str) -> bool:
        """Note that mail to `email` reaches the account's owner; false where it has another."""

    async def find_invitation(self, tenant: str, token: bytes) -> Invited | None:
        """Find the invitation whose token has this digest, if it is good."""

    async def enrol_totp(
        self, tenant: str, account: str, sealed: bytes, *, first: bool = False
    ) -> bool:
        """Give the account a confirmed authenticator, in place of the one it had.

        False, and nothing is done, where the account is gone; and as the `first`, where it has a
        factor that is not this very one.
        """

    async def keep_recovery_codes(
        self, tenant: str, account: str, digests: Sequence[bytes], *, first: bool = False
    ) -> bool:
        """Let the codes with these digests, and no others, be the account's.

        The same again makes none good that was spent. False as in `enrol_totp`.
        """

    async def has_recovery_codes(self, tenant: str, account: str, digests: Sequence[bytes]) -> bool:
        """Say whether codes with these digests are the account's, spent or not."""

    async def spend_recovery_code(
        self, tenant: str, account: str, digests: Sequence[bytes], attempt: str
    ) -> bool:
        """Spend the code that has one of `digests`; false where there is none that is good.

        The same `attempt` again finds it good.
        """

    async def recall_consent(self, tenant: str, account: str, purpose: str, at: int) -> bool:
        """Say whether the account's consent to `purpose` holds at Unix second `at`."""

    async def keep_consent(
        self, tenant: str, account: str, purpose: str, until: int | None
    ) -> None:
        """Remember that consent until a Unix second, or for good."""

    async def delete(self, tenant: str, account: str) -> None:
        """Delete an account with all that it has; it is no error if it is gone."""

    async def count_login(self, tenant: str, account: str, at: int, effect: str) -> None:
        """Count a login at Unix second `at`; an `effect` counts once, however often it is told."""

    async def forget_effects(self, days: int) -> None:
        """Forget effects performed more than `days` ago."""

    async def reach(self) -> None:
        """Return if the accounts can be reached."""
