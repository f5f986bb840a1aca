"""Settings of a service, read from `GATEHOUSE_*` environment variables.

A service declares a frozen struct; `postgres_dsn` is read from `GATEHOUSE_POSTGRES_DSN`. Its
`msgspec.Meta` holds the bounds, the description and an example, from which both the start-up
errors and the reference page are written. A `Secret` may also come from a file that
`GATEHOUSE_POSTGRES_DSN_FILE` names, as Kubernetes and Compose mount them. A tuple is written with
commas.

A secret's value never reaches a message.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, inspect

from libs.common.chassis.startup import StartupFailure
from libs.common.secret import MASK, Secret, decode_secret

PREFIX = "GATEHOUSE_"
FILE_SUFFIX = "_FILE"

Port = Annotated[int, Meta(ge=0, le=65535, description="port to serve on; 0 takes a free one")]
Seconds = Annotated[float, Meta(ge=0, le=3600)]
NatsUrl = Annotated[
    Secret, Meta(description="NATS with JetStream", examples=["nats://localhost:4222"])
]
PostgresSeconds = Annotated[
    float, Meta(gt=0, le=60, description="time that one statement may take")
]
TrustedProxies = Annotated[
    tuple[str, ...],
    Meta(description="networks whose X-Forwarded-For is believed", examples=["10.0.0.0/8"]),
]
OutgoingAllowed = Annotated[
    tuple[str, ...],
    Meta(
        description="networks besides the public internet that an address of a tenant's choice "
        "may lead to, over plain HTTP as well",
        examples=["10.20.0.0/16"],
    ),
]
BodyLimit = Annotated[
    int, Meta(ge=1024, le=64 * 1024**2, description="most bytes of a request's body")
]


class ServiceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What every service can be told; a service's own settings extend it."""

    port: Port
    host: Annotated[
        str, Meta(min_length=1, description="address to serve on", examples=["0.0.0.0"])  # noqa: S104 -- an example for containers; the default is loopback
    ] = "127.0.0.1"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="least level that is logged")
    ] = "info"
    body_limit: BodyLimit = 1024**2
    nats_replicas: Annotated[
        int,
        Meta(
            ge=1, le=5, description="copies of each JetStream stream that is made; 3 in a cluster"
        ),
    ] = 1
    grace_seconds: Annotated[
        Seconds,
        Meta(description="time between readiness off and the last accept, for load balancers"),
    ] = 0.0
    drain_seconds: Annotated[
        Seconds, Meta(description="time that requests in flight have to finish at shutdown")
    ] = 20.0


S = TypeVar("S", bound=msgspec.Struct)
T = TypeVar("T")
A = TypeVar("A")

# What Kubernetes injects for a Service called gatehouse-…: `_SERVICE_HOST`, `_PORT_8080_TCP_ADDR`.
_SERVICE_LINK = re.compile(r".*_(SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)|PORT(_\d+_(TCP|UDP|SCTP).*)?)")
# Below this a name is another program's, not a slip of the keyboard.
_ALIKE = 0.85


class _Setting(msgspec.Struct, frozen=True):
    """One field of a settings struct, as the environment sees it."""

    field: msgspec.structs.FieldInfo
    kind: inspect.Type
    variable: str
    secret: bool
    many: bool
    description: str
    example: str | None


def variable(field: str) -> str:
    """Return the environment variable of the setting `field`."""
    return PREFIX + field.upper()


def load(kind: type[S], environ: Mapping[str, str]) -> S:
    """Read `kind` from `environ`, or raise one `StartupFailure` with everything that is wrong."""
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for setting in _settings(kind):
        try:
            raw = _raw(setting, environ)
            if raw is not None:
                values[setting.field.name] = _value(setting, raw)
            elif setting.field.required:
                wrong.append(_complaint(setting, "is not set"))
        except ValueError as error:
            wrong.append(_complaint(setting, str(error)))
    if wrong:
        raise StartupFailure(*wrong)
    return kind(**values)


def read(field: str, parse: Callable[[A], T], value: A) -> T:
    """Parse the setting `field`, or raise a `StartupFailure` that names it."""
    try:
        return parse(value)
    except ValueError as error:
        raise StartupFailure(f"{variable(field)} {error}") from error


def strangers(kind: type[msgspec.Struct], environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return a sentence for each `GATEHOUSE_*` variable that looks like a misspelt setting.

    Services share an environment, and Kubernetes adds variables of its own, so an unknown one is
    no error, and one that resembles nothing is not worth a line.
    """
    known = {name for setting in _settings(kind) for name in _names(setting)}
    unknown = (name for name in sorted(environ) if name.startswith(PREFIX) and name not in known)
    return tuple(
        f"{name} is not a setting; did you mean {near}?"
        for name in unknown
        if not _SERVICE_LINK.fullmatch(name)
        for near in difflib.get_close_matches(name, sorted(known), n=1, cutoff=_ALIKE)
    )


def describe(kind: type[msgspec.Struct]) -> str:
    """Return the settings of `kind` as rows of a Markdown table: name, default, bounds, meaning."""
    lines = ["| variable | default | takes | meaning |", "|---|---|---|---|"]
    for setting in _settings(kind):
        names = " or ".join(f"`{name}`" for name in _names(setting))
        cells = (names, _default(setting), _takes(setting.kind), setting.description)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _settings(kind: type[msgspec.Struct]) -> Iterator[_Setting]:
    described = inspect.type_info(kind)
    assert isinstance(described, inspect.StructType)  # noqa: S101 -- narrows the type for mypy
    for field, info in zip(msgspec.structs.fields(kind), described.fields, strict=True):
        schema: dict[str, Any] = {}
        inner = info.type
        while isinstance(inner, inspect.Metadata):
            schema = {**(inner.extra_json_schema or {}), **schema}
            inner = inner.type
        kinds = inner.types if isinstance(inner, inspect.UnionType) else (inner,)
        examples = schema.get("examples", [])
        yield _Setting(
            field=field,
            kind=inner,
            variable=variable(field.name),
            secret=any(isinstance(k, inspect.CustomType) and k.cls is Secret for k in kinds),
            many=any(isinstance(k, inspect.VarTupleType) for k in kinds),
            description=schema.get("description", ""),
            example=str(examples[0]) if examples else None,
        )


def _names(setting: _Setting) -> tuple[str, ...]:
    if setting.secret:
        return (setting.variable, setting.variable + FILE_SUFFIX)
    return (setting.variable,)


def _raw(setting: _Setting, environ: Mapping[str, str]) -> str | None:
    given = [name for name in _names(setting) if name in environ]
    match given:
        case []:
            return None
        case [name] if name == setting.variable:
            return environ[name]
        case [name]:
            try:
                return Path(environ[name]).read_text(encoding="utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                raise ValueError(
                    f"cannot be read from the file that {name} names ({type(error).__name__})"
                ) from error
        case _:
            raise ValueError(f"is set twice, by {' and by '.join(given)}")


def _value(setting: _Setting, raw: str) -> object:
    if setting.secret and not raw:
        raise ValueError("is empty")
    given: object = raw
    if setting.many:
        given = tuple(part.strip() for part in raw.split(",") if part.strip())
    try:
        value: object = msgspec.convert(
            given, setting.field.type, strict=False, dec_hook=decode_secret
        )
    except msgspec.ValidationError as error:
        raise ValueError(f"is wrong: {error}") from error
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("is wrong: Expected a finite number")
    return value


def _complaint(setting: _Setting, what: str) -> str:
    line = f"{setting.variable} {what}"
    if setting.description:
        line += f"; it is the {setting.description}"
    if setting.example is not None:
        line += f", for example {setting.example}"
    return line


def _default(setting: _Setting) -> str:
    if setting.field.required:
        return "required"
    default = setting.field.default
    match default:
        case Secret():
            return f"`{MASK}`"
        case None | "" | ():
            return "none"
        case bool():
            return f"`{str(default).lower()}`"
        case tuple():
            return f"`{','.join(map(str, default))}`"
        case _:
            return f"`{default}`"


def _takes(kind: inspect.Type) -> str:
    match kind:
        case inspect.LiteralType(values=values):
            return ", ".join(f"`{value}`" for value in values)
        case inspect.BoolType():
            return "`true`, `false`"
        case inspect.IntType() | inspect.FloatType():
            word = "whole number" if isinstance(kind, inspect.IntType) else "number"
            bounds = (("≥", kind.ge), (">", kind.gt), ("≤", kind.le), ("<", kind.lt))
            return " ".join([word, *(f"{sign} {b:.12g}" for sign, b in bounds if b is not None)])
        case inspect.CustomType(cls=cls) if cls is Secret:
            return "secret"
        case inspect.VarTupleType():
            return "list with commas"
        case inspect.UnionType(types=types):
            return ", ".join(_takes(t) for t in types if not isinstance(t, inspect.NoneType))
        case _:
            return "text"
