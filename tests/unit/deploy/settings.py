"""What each service can be told, to hold manifests to."""

from collections.abc import Mapping

from msgspec.structs import fields

from libs.common.chassis import config
from libs.common.chassis.config import ServiceSettings, variable
from services.compiler.config import Settings as Compiler
from services.executor.config import Settings as Executor
from services.management.config import Settings as Management

SETTINGS: Mapping[str, type[ServiceSettings]] = {
    "management": Management,
    "compiler": Compiler,
    "executor": Executor,
}
DEPLOYED: Mapping[str, str] = {**{name: name for name in SETTINGS}, "messenger": "executor"}
"""What manifests run, each with the service that it is."""


def load(service: str, environ: Mapping[str, str]) -> ServiceSettings:
    """Read the settings as the service does; raise `StartupFailure` for what keeps it down."""
    return config.load(SETTINGS[service], environ)


def unknown(service: str, environ: Mapping[str, str]) -> set[str]:
    """Each variable that is given to the service as a setting, and is none."""
    known = {name for each in config._settings(SETTINGS[service]) for name in config._names(each)}
    return {name for name in environ if name.startswith(config.PREFIX)} - known


def required(service: str) -> dict[str, str]:
    """The least that the service starts with."""
    return {variable(each.name): "x" for each in fields(SETTINGS[service]) if each.required}
