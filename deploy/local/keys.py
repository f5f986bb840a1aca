"""The local stack's secrets: made once, kept where only their owner reads them.

They protect what this machine's other users could reach on loopback. None is for production.
"""

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from deploy.local.server import private_file


def password() -> str:
    return secrets.token_urlsafe(24)


def sealing_key() -> str:
    return f"local:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def signing_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@dataclass(frozen=True, repr=False)
class Keys:
    """Every secret of a stack; no repr shows one."""

    postgres_password: str
    redis_password: str
    nats_password: str
    admin_signing_key: str
    session_keys: str
    credential_keys: str
    assertion_keys: str


MAKERS: dict[str, Callable[[], str]] = {
    "postgres_password": password,
    "redis_password": password,
    "nats_password": password,
    "admin_signing_key": password,
    "session_keys": sealing_key,
    "credential_keys": sealing_key,
    "assertion_keys": signing_key,
}


def load_keys(folder: Path) -> Keys:
    """Read each secret from the file of its name, making those that are not there."""
    return Keys(
        **{field.name: load(folder / field.name, MAKERS[field.name]) for field in fields(Keys)}
    )


def load(path: Path, make: Callable[[], str]) -> str:
    if not path.exists():
        # Whole or not at all: half a password would lock its owner out of the data for ever.
        half_made = path.with_suffix(".new")
        private_file(half_made, make())
        half_made.rename(path)
    return path.read_text()
