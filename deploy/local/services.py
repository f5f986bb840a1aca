"""Runs the three services as processes of their own, told of each other by their environment."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import get_args

import aiohttp

from deploy.local.keys import Keys
from deploy.local.ports import LOOPBACK
from deploy.local.process import Process, Program
from libs.common.chassis.config import load
from services.management.auth import Scope, Tokens
from services.management.config import TokenSettings

PROJECT = Path(__file__).parents[2]
SERVICES = ("management", "compiler", "executor")
DEMO = "demo"
"""The tenant of `make demo`, so that it may clear up without touching anybody's flows."""
TOKEN_LIFETIME = timedelta(days=30)
"""How long a token that the stack prints is good for; each start makes a new one."""


@dataclass(frozen=True)
class Surroundings:
    """What every service of a stack is told."""

    postgres_dsn: str
    redis_url: str
    nats_url: str
    smtp_url: str
    executor_url: str
    """The one that the others are copies of: the issuer of assertions."""
    keys: Keys

    def __repr__(self) -> str:
        return "Surroundings(***)"


def environment(service: str, port: int, around: Surroundings) -> dict[str, str]:
    """Return the settings of a service, as `services/*/config.py` name them."""
    shared = {
        "GATEHOUSE_HOST": LOOPBACK,
        "GATEHOUSE_PORT": str(port),
        "GATEHOUSE_POSTGRES_DSN": around.postgres_dsn,
        "GATEHOUSE_NATS_URL": around.nats_url,
    }
    redis = {"GATEHOUSE_REDIS_URL": around.redis_url}
    own: Mapping[str, dict[str, str]] = {
        "management": redis
        | {
            "GATEHOUSE_ADMIN_SIGNING_KEY": around.keys.admin_signing_key,
            "GATEHOUSE_CREDENTIAL_KEYS": around.keys.credential_keys,
            "GATEHOUSE_TENANTS": f"default,{DEMO}",
            # Whoever explores this stack, tools and tests with it, is one caller.
            "GATEHOUSE_ADMIN_PER_MINUTE": "100000",
            "GATEHOUSE_V2_PER_MINUTE": "100000",
            "GATEHOUSE_V2_ENTERPRISE_PER_MINUTE": "100000",
            "GATEHOUSE_TOKENS_PER_MINUTE": "100000",
        },
        "compiler": redis,
        "executor": redis
        | {
            "GATEHOUSE_SESSION_KEYS": around.keys.session_keys,
            "GATEHOUSE_CREDENTIAL_KEYS": around.keys.credential_keys,
            "GATEHOUSE_ASSERTION_KEYS": around.keys.assertion_keys,
            "GATEHOUSE_ISSUER": around.executor_url,
            "GATEHOUSE_SMTP_URL": around.smtp_url,
            # Everybody who explores this stack has the same address.
            "GATEHOUSE_ADDRESS_BURST": "10000",
            "GATEHOUSE_ADDRESS_RATE": "2000",
            "GATEHOUSE_SEARCH_BURST": "1000",
            # What a flow calls may be tried out on this machine.
            "GATEHOUSE_OUTGOING_ALLOWED": "127.0.0.0/8,::1",
        },
    }
    return shared | own[service]


def service_process(
    name: str, service: str, port: int, settings: Mapping[str, str], *, logs: Path
) -> Process:
    """Return the process of a service, not started; it is ready when its `/readyz` says so."""
    program = Program(
        name=name,
        command=[sys.executable, "-m", f"services.{service}"],
        log=logs / f"{name}.log",
        lock=logs / f"{name}.lock",
        environment=settings,
        folder=PROJECT,
        # Longer than a service takes to let its requests finish.
        stop_seconds=30.0,
    )
    return Process(program, ready=lambda: is_ready(port))


def admin_token(settings: Mapping[str, str]) -> str:
    """Return a bearer token for the management that has these settings: all scopes, any tenant."""
    told = load(TokenSettings, settings)
    tokens = Tokens(told.admin_signing_key, issuer=told.admin_issuer, audience=told.admin_audience)
    return tokens.mint("local", get_args(Scope), tenant=None, lifetime=TOKEN_LIFETIME)


async def is_ready(port: int) -> bool:
    patience = aiohttp.ClientTimeout(total=5)
    try:
        async with (
            aiohttp.ClientSession(timeout=patience) as client,
            client.get(f"http://{LOOPBACK}:{port}/readyz") as answer,
        ):
            return answer.ok
    except (aiohttp.ClientError, OSError, TimeoutError):
        return False
