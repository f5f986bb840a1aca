"""What can be written besides functions, and what it means: the words of the reference.

What is said here is not what the parser and the operators go by; the tests hold them together.
"""

from typing import Final

import msgspec

from libs.common.flow.expression.examples import Example
from libs.common.flow.expression.grammar import BINDING, CHOICE, TIGHTEST
from libs.common.flow.expression.tree import Operator
from libs.common.flow.expression.values import MISSING, Fault, Kind

ACCESS: Final = TIGHTEST + 1


class Form(msgspec.Struct, frozen=True):
    """One way to make an expression of others."""

    spellings: tuple[str, ...]
    """As an author may write it; they mean the same."""
    binding: int
    """The higher, the tighter it binds."""
    result: Kind | None
    """None where it is that of an operand."""
    description: str
    examples: tuple[Example, ...]
    operators: tuple[Operator, ...] = ()
    """Those of `BINDING` that it is about."""


class Rule(msgspec.Struct, frozen=True):
    """What happens where something is not there, or goes wrong."""

    description: str
    examples: tuple[Example, ...]


FORMS: Final = (
    Form(
        ("a.b", "a?.b", 'a["b"]'),
        ACCESS,
        None,
        "The attribute of a map.",
        (Example("user.role", "staff"), Example('user["role"]', "staff")),
    ),
    Form(
        ("a[b]",),
        ACCESS,
        None,
        "The item of a list by its number, from 0, or the attribute of a map by a name that is"
        " computed.",
        (Example("user.roles[0]", "staff"), Example('inputs[lower("PLAN")]', "free")),
    ),
    Form(
        ("[a, b]",),
        ACCESS,
        "list",
        "A list.",
        (Example("[user.role, 1]", ("staff", 1)),),
    ),
    Form(
        ("!a",),
        TIGHTEST,
        "boolean",
        "True for false, false for true.",
        (Example("!user.email_verified", True),),
    ),
    Form(
        ("a === b", "a == b"),
        BINDING["==="],
        "boolean",
        "Whether both are the same. Kinds must be alike, but null compares with anything, as"
        " different from it. A boolean is never a number; 1 equals 1.0. Lists and maps are equal"
        " by what they hold.",
        (
            Example('user.role === "staff"', True),
            Example("user.email_verified === false && user.logins_count === 3", True),
            Example("user.locale === null", True),
            Example("user.logins_count === true", Fault("`===` compares a number with a boolean")),
        ),
        ("===",),
    ),
    Form(
        ("a !== b", "a != b"),
        BINDING["!=="],
        "boolean",
        "The opposite of `a === b`.",
        (Example('user.role !== "admin"', True),),
        ("!==",),
    ),
    Form(
        ("a < b", "a <= b", "a > b", "a >= b"),
        BINDING["<"],
        "boolean",
        "The order of two numbers, or of two strings by their code points.",
        (
            Example("user.logins_count > 2", True),
            Example(
                "inputs.age >= 18",
                Fault("`>=` orders two numbers or two strings, not a string and a number"),
            ),
        ),
        ("<", "<=", ">", ">="),
    ),
    Form(
        ("a in b",),
        BINDING["in"],
        "boolean",
        "Whether a list has an item, or a map an attribute. `x in [a, b]` is `x === a || x === b`.",
        (
            Example('"ops" in user.roles', True),
            Example('user.role in ["admin", "owner"]', False),
            Example('"plan" in inputs', True),
        ),
        ("in",),
    ),
    Form(
        ("a && b",),
        BINDING["&&"],
        "boolean",
        "Whether both are true.",
        (Example('user.logins_count > 2 && user.role === "staff"', True),),
        ("&&",),
    ),
    Form(
        ("a || b",),
        BINDING["||"],
        "boolean",
        "Whether one of the two is true.",
        (Example("user.email_verified || user.logins_count > 2", True),),
        ("||",),
    ),
    Form(
        ("a ?? b",),
        BINDING["??"],
        None,
        "`a`, or `b` where `a` is missing or null. Beside `&&` and `||` it needs parentheses.",
        (Example("user.mfa_enabled ?? true", True), Example('user.locale ?? "en"', "en")),
        ("??",),
    ),
    Form(
        ("a ? b : c",),
        CHOICE,
        None,
        "`b` where `a` is true, `c` where it is false.",
        (Example('user.logins_count === 0 ? "welcome" : "welcome back"', "welcome back"),),
    ),
)
"""The tightest first. Comparisons do not chain: `1 < a && a < 3`."""

RULES: Final = (
    Rule(
        "An attribute that is not there is *missing*, which is neither null nor false. So is what"
        " null or something missing would hold, and an item beyond the end of a list.",
        (
            Example("user.mfa_enabled", MISSING),
            Example("user.locale.region", MISSING),
            Example("user.roles[2]", MISSING),
        ),
    ),
    Rule(
        "An operation on kinds that it is not for is a *fault*: the author is wrong about one of"
        " them.",
        (
            Example("user.role === 1", Fault("`===` compares a string with a number")),
            Example("!user.role", Fault("`!` needs a boolean, not a string")),
            Example("user.email.domain", Fault("`.domain` needs a map, not a string")),
        ),
    ),
    Rule(
        "Both spread, the left one first, through every operation but those below.",
        (
            Example("!user.mfa_enabled", MISSING),
            Example("user.mfa_enabled === false", MISSING),
            Example("[user.mfa_enabled]", MISSING),
            Example("user.mfa_enabled || false", MISSING),
            Example("lower(user.mfa_enabled)", MISSING),
        ),
    ),
    Rule(
        "`&&` is false as soon as one side is, and `||` true as soon as one side is, whatever the"
        " other comes to.",
        (
            Example("user.mfa_enabled && user.email_verified", False),
            Example("user.mfa_enabled || true", True),
        ),
    ),
    Rule(
        "`x ?? y` is `y` where `x` is missing or null; a fault stays.",
        (
            Example("user.mfa_enabled ?? true", True),
            Example("user.email.domain ?? true", Fault("`.domain` needs a map, not a string")),
        ),
    ),
    Rule(
        "`has(x)` says whether an attribute is there; a fault stays.",
        (
            Example("has(user.mfa_enabled)", False),
            Example("has(user.locale)", True),
            Example("has(user.email.domain)", Fault("`.domain` needs a map, not a string")),
        ),
    ),
    Rule(
        "A condition that comes to either, or to anything but true or false, is not false: the node"
        " leaves by `error`, which falls to the failure of the flow unless it is drawn elsewhere.",
        (Example("user.mfa_enabled && user.logins_count > 2", MISSING),),
    ),
)
