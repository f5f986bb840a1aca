"""Mints a token for the admin API: `python -m services.management.token --help`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import get_args

from libs.common.chassis.config import load
from libs.common.chassis.startup import StartupFailure
from services.management.auth import Scope, Tokens
from services.management.config import TokenSettings


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Print a token that the settings in `environ` sign; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m services.management.token", description=__doc__
    )
    parser.add_argument("--tenant", help="the only tenant it is good for (default: any)")
    parser.add_argument(
        "--scopes",
        nargs="+",
        choices=get_args(Scope),
        default=get_args(Scope),
        metavar="SCOPE",
        help="what it allows, of: %(choices)s (default: all)",
    )
    parser.add_argument("--minutes", type=int, default=60, help="how long (default: %(default)s)")
    parser.add_argument("--subject", default="operator", help="who it stands for, in versions")
    chosen = parser.parse_args(arguments)
    if chosen.minutes <= 0:
        parser.error("--minutes has to be above 0")
    try:
        settings = load(TokenSettings, environ)
        tokens = Tokens(
            settings.admin_signing_key,
            issuer=settings.admin_issuer,
            audience=settings.admin_audience,
        )
    except StartupFailure as failure:
        for reason in failure.reasons:
            sys.stderr.write(f"cannot mint a token: {reason}\n")
        return 1
    lifetime = timedelta(minutes=chosen.minutes)
    token = tokens.mint(chosen.subject, chosen.scopes, tenant=chosen.tenant, lifetime=lifetime)
    sys.stdout.write(f"{token}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
