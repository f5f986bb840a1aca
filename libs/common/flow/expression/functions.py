"""The functions of the language, in one table that is their reference page too.

They are pure: the only clock is `request.time`, the Unix seconds that the executor puts into
the scope, so that a replay gives the same answer. They take time linear in their arguments,
give nothing larger than a small multiple of them, and never raise: an argument of another
kind is a `Fault`, a missing one makes the call missing.
"""

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from libs.common.flow.expression.examples import Example
from libs.common.flow.expression.tree import Call, Expr, Member, Root, children
from libs.common.flow.expression.values import (
    MISSING,
    NOUNS,
    Fault,
    Json,
    Kind,
    Value,
    kind,
    read_number,
    unusable,
)

SECONDS_A_DAY: Final = 86_400

CLOCK: Final = Member(Root("request"), "time")
"""Where the current time is read, in Unix seconds."""


class Parameter(msgspec.Struct, frozen=True):
    name: str
    kinds: tuple[Kind, ...] = ()
    """The kinds accepted; any if empty."""
    path: bool = False
    """Whether the argument must be an attribute path, which then may be missing."""


class Function(msgspec.Struct, frozen=True):
    name: str
    parameters: tuple[Parameter, ...]
    result: Kind
    description: str
    examples: tuple[Example, ...]
    run: Callable[..., Value]
    """Takes a value for each of `parameters`, of the kinds they accept."""
    clock: bool = False
    """Whether `run` takes `CLOCK` as well, as its last argument."""

    @property
    def signature(self) -> str:
        """As `endsWith(text: string, end: string)`."""
        shown = (f"{each.name}: {' or '.join(each.kinds) or 'any'}" for each in self.parameters)
        return f"{self.name}({', '.join(shown)})"


def operands(expr: Expr) -> tuple[Expr, ...]:
    """What `expr` is computed from: its children, and the clock if it is a call that reads it."""
    if isinstance(expr, Call) and FUNCTIONS[expr.function].clock:
        return (*expr.arguments, CLOCK)
    return children(expr)


def call(name: str, arguments: Sequence[Value]) -> Value:
    """What the function `name` gives for the values of its operands."""
    function = FUNCTIONS[name]
    parameters = (*function.parameters, _NOW) if function.clock else function.parameters
    for parameter, argument in zip(parameters, arguments, strict=True):
        if parameter.path and argument is MISSING:
            continue
        problem = unusable(argument)
        if problem is not None:
            return problem
        if parameter.kinds and kind(argument) not in parameter.kinds:
            needed = " or ".join(NOUNS[each] for each in parameter.kinds)
            found = NOUNS[kind(argument)]
            return Fault(f"`{name}` needs {needed} as `{parameter.name}`, not {found}")
    return function.run(*arguments)


def _contains_any(items: Sequence[Json], wanted: Sequence[Json]) -> Value:
    if not _all_strings(items, wanted):
        return Fault("`containsAny` needs lists of strings")
    return not set(items).isdisjoint(wanted)


def _contains_all(items: Sequence[Json], wanted: Sequence[Json]) -> Value:
    if not _all_strings(items, wanted):
        return Fault("`containsAll` needs lists of strings")
    return set(items).issuperset(wanted)


def _matches_domain(email: str, domains: str | Sequence[Json]) -> Value:
    local, _, domain = email.rpartition("@")
    wanted = _texts(domains)
    if not local or not domain or wanted is None:
        return Fault("`matchesDomain` needs an email address, and a domain or a list of them")
    domain = domain.lower()
    return any(
        domain.endswith(each[1:].lower()) if each.startswith("*.") else domain == each.lower()
        for each in wanted
    )


def _in_cidr(address: str, ranges: str | Sequence[Json]) -> Value:
    wanted = _texts(ranges)
    if wanted is None:
        return Fault("`inCidr` needs a range or a list of them")
    try:
        parsed = ipaddress.ip_address(address)
        networks = [ipaddress.ip_network(each, strict=False) for each in wanted]
    except ValueError:
        return Fault("`inCidr` needs an IP address, and ranges such as `10.0.0.0/8`")
    # A dual-stack listener reports 10.0.0.1 as ::ffff:10.0.0.1, which no IPv4 range would hold.
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return any((mapped or parsed) in network for network in networks)


def _number(text: str) -> Value:
    read = read_number(text)
    return Fault("`number` needs a string that is a number") if read is None else read


def _seconds_since(time: float, now: float) -> Value:
    try:
        return now - time
    except OverflowError:
        return Fault("`secondsSince` needs a time in Unix seconds")


def _days_since(time: float, now: float) -> Value:
    try:
        return (now - time) / SECONDS_A_DAY
    except OverflowError:
        return Fault("`daysSince` needs a time in Unix seconds")


def _texts(one_or_many: str | Sequence[Json]) -> list[str] | None:
    """The strings meant by a string or a list of strings, or None if another kind is among them."""
    many = [one_or_many] if isinstance(one_or_many, str) else one_or_many
    texts = [each for each in many if isinstance(each, str)]
    return texts if len(texts) == len(many) else None


def _all_strings(*lists: Sequence[Json]) -> bool:
    return all(isinstance(item, str) for items in lists for item in items)


def _text(name: str) -> Parameter:
    return Parameter(name, ("string",))


_NOW: Final = Parameter("request.time", ("number",))
_TIME: Final = Parameter("time", ("number",))
_ITEMS: Final = Parameter("items", ("list",))
_WANTED: Final = Parameter("wanted", ("list",))

_TABLE: Final = (
    Function(
        "has",
        (Parameter("path", path=True),),
        "boolean",
        "Whether an attribute is there; null is there.",
        (
            Example("has(user.mfa_enabled)", False),
            Example("has(user.locale)", True),
        ),
        lambda value: value is not MISSING,
    ),
    Function(
        "size",
        (Parameter("of", ("string", "list", "map")),),
        "number",
        "Characters of a string, items of a list, or attributes of a map.",
        (
            Example("size(user.roles)", 2),
            Example("size(user.role)", 5),
        ),
        len,
    ),
    Function(
        "lower",
        (_text("text"),),
        "string",
        "The text in lower case.",
        (Example('lower("Ada")', "ada"),),
        str.lower,
    ),
    Function(
        "upper",
        (_text("text"),),
        "string",
        "The text in upper case.",
        (Example("upper(user.role)", "STAFF"),),
        str.upper,
    ),
    Function(
        "trim",
        (_text("text"),),
        "string",
        "The text without white space at its ends.",
        (Example('trim(" Ada ")', "Ada"),),
        str.strip,
    ),
    Function(
        "number",
        (_text("text"),),
        "number",
        "The number that a text, such as an input, writes; a fault if it writes none.",
        (
            Example("number(inputs.age)", 18),
            Example('number("eighteen")', Fault("`number` needs a string that is a number")),
        ),
        _number,
    ),
    Function(
        "startsWith",
        (_text("text"), _text("start")),
        "boolean",
        "Whether a text starts with another.",
        (Example('startsWith(user.email, "ada@")', True),),
        str.startswith,
    ),
    Function(
        "endsWith",
        (_text("text"), _text("end")),
        "boolean",
        "Whether a text ends with another.",
        (Example('endsWith(user.email, ".org")', False),),
        str.endswith,
    ),
    Function(
        "contains",
        (_text("text"), _text("part")),
        "boolean",
        "Whether a text contains another; for lists there is `in`.",
        (Example('contains(request.user_agent, "Firefox")', True),),
        str.__contains__,
    ),
    Function(
        "containsAny",
        (_ITEMS, _WANTED),
        "boolean",
        "Whether a list of strings has at least one of the wanted ones.",
        (Example('containsAny(user.roles, ["admin", "ops"])', True),),
        _contains_any,
    ),
    Function(
        "containsAll",
        (_ITEMS, _WANTED),
        "boolean",
        "Whether a list of strings has every one of the wanted ones.",
        (Example('containsAll(user.roles, ["admin", "ops"])', False),),
        _contains_all,
    ),
    Function(
        "matchesDomain",
        (_text("email"), Parameter("domains", ("string", "list"))),
        "boolean",
        "Whether an email address is of a domain, or of one in a list. `*.` before a domain"
        " means those below it, without itself. Case is ignored.",
        (
            Example('matchesDomain(user.email, "example.com")', True),
            Example('matchesDomain("ada@mail.example.com", "example.com")', False),
            Example(
                'matchesDomain("ada@mail.example.com", ["example.com", "*.example.com"])', True
            ),
        ),
        _matches_domain,
    ),
    Function(
        "inCidr",
        (_text("address"), Parameter("ranges", ("string", "list"))),
        "boolean",
        "Whether an IP address is in a range, or in one of a list, in CIDR notation (RFC 4632).",
        (
            Example('inCidr(request.ip, ["10.0.0.0/8", "fd00::/8"])', True),
            Example(
                'inCidr("somewhere", "10.0.0.0/8")',
                Fault("`inCidr` needs an IP address, and ranges such as `10.0.0.0/8`"),
            ),
        ),
        _in_cidr,
    ),
    Function(
        "secondsSince",
        (_TIME,),
        "number",
        "Seconds from a time, in Unix seconds, to `request.time`; negative for a later one.",
        (Example("secondsSince(user.last_login)", 864_000),),
        _seconds_since,
        clock=True,
    ),
    Function(
        "daysSince",
        (_TIME,),
        "number",
        "Days, with fractions, from a time, in Unix seconds, to `request.time`; negative for a"
        " later one.",
        (
            Example("daysSince(user.last_login)", 10),
            Example("daysSince(user.created_at) > 90", MISSING),
        ),
        _days_since,
        clock=True,
    ),
)

FUNCTIONS: Final[Mapping[str, Function]] = MappingProxyType({each.name: each for each in _TABLE})
