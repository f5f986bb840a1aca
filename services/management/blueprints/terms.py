"""What the values of authentik's policies are here: terms of the language of expressions.

A term comes to what Python comes to, and is missing where Python would raise. Who cannot say so of
a term raises `Untranslatable` instead of making it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from libs.common.flow.expression.parse import MAX_CHARACTERS

Kind = Literal["boolean", "string", "number", "list", "null"]
InputKind = Literal["boolean", "string", "number", "secret"]
"""What a prompt stores. A secret is never among the inputs."""

_NEVER_USED = frozenset({"app_password", "token", "jwt", "oauth_client_secret"})
"""Ways to sign in that authentik has and Gatehouse does not."""
_IN_USER = frozenset({"username", "email", "name"})


class Untranslatable(Exception):
    """There is no expression that comes to the same; the text says why."""


class Term(msgspec.Struct, frozen=True):
    """A value, written in the language of expressions."""

    text: str
    kind: Kind | None = None
    """None where it may be any."""
    nullable: bool = False
    raises: tuple[str, ...] = ()
    """Paths that Python raises for where they are missing."""
    may_raise: bool = False
    """There are paths that it raises for only where it comes to look at them."""


class Place(msgspec.Struct, frozen=True):
    """Something of authentik's that has no value of its own here, only parts."""

    what: Literal["request", "context", "prompt_data", "user", "attributes", "auth_method", "net"]
    path: str = ""
    """Of `attributes`: how the names in it begin. Of `net`: the text."""
    sure: bool = True
    """It is there, though it may be empty."""


Value: TypeAlias = Term | Place

TRUE: Final = Term("true", "boolean")
FALSE: Final = Term("false", "boolean")
NULL: Final = Term("null", "null")
_EMPTY: Final[Mapping[Kind, str]] = {"string": '""', "number": "0", "list": "[]"}


def input_name(key: str) -> str:
    """Return the name of an input or an attribute here for authentik's."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", key)
    return (name if re.match("[A-Za-z]", name) else f"field_{name}")[:50]


def term(text: str, kind: Kind | None, *parts: Term, nullable: bool = False) -> Term:
    """Make a term of `parts` that Python looks at in any case; it raises for what they raise for.

    Raises `Untranslatable` for one that no expression can hold.
    """
    # A value that is used twice stands there twice: what doubles must end.
    if len(text) > MAX_CHARACTERS:
        raise Untranslatable("as an expression it is too long")
    raises = tuple(dict.fromkeys(path for part in parts for path in part.raises))
    return Term(text, kind, nullable, raises, any(part.may_raise for part in parts))


def constant_term(value: object) -> Term:
    """Write a constant."""
    match value:
        case None:
            return NULL
        case bool():
            return TRUE if value else FALSE
        case str():
            return term(json.dumps(value), "string")
        case int() | float():
            return term(repr(value), "number")
        case _:
            raise Untranslatable("it has a constant that is neither text nor a number")


def list_term(items: Iterable[Value]) -> Term:
    """Write a list of constants."""
    texts = [each.text for each in items if isinstance(each, Term) and each.kind in _EMPTY]
    return term(f"[{', '.join(texts)}]", "list")


def truth_of(value: Value) -> Term:
    """Say whether Python takes a value for true."""
    if isinstance(value, Place):
        raise Untranslatable(f"whether there is a `{value.what}` says nothing here")
    if value.kind == "boolean":
        return value
    if value.kind == "null":
        return FALSE
    if value.kind is None:
        raise Untranslatable(f"nobody knows what kind of value `{value.text[:100]}` is")
    empty = _EMPTY[value.kind]
    text = f"({value.text} ?? {empty})" if value.nullable else value.text
    if value.kind == "list":
        return term(f"(size({text}) > 0)", "boolean", value)
    return term(f"({text} !== {empty})", "boolean", value)


def joined(operator: Literal["&&", "||"], terms: Sequence[Term]) -> Term:
    """Join what is true or false; Python looks at one after the other, from the left."""
    first, *others = terms
    if not others:
        return first
    rest = joined(operator, others)
    if first.may_raise:
        raise Untranslatable("it may raise before it has looked at everything")
    made = _maybe(term(f"({first.text} {operator} {rest.text})", "boolean"), rest)
    # `missing || true` is true and `missing && false` is false, where Python has raised.
    return guarded(first.raises, made)


def guarded(paths: Iterable[str], inner: Term) -> Term:
    """Return what comes to `inner` where all of `paths` are there, and is missing otherwise."""
    for path in paths:
        made = term(f"(has({path}) ? {inner.text} : {path})", "boolean", Term("", raises=(path,)))
        inner = _maybe(made, inner)
    return inner


def choice(test: Term, one: Term, other: Term) -> Term:
    """Choose by a test."""
    made = term(f"({test.text} ? {one.text} : {other.text})", "boolean", test)
    return _maybe(made, one, other)


def _maybe(made: Term, *parts: Term) -> Term:
    """Return `made`, which raises for what `parts` raise for where Python comes to look at them."""
    may_raise = made.may_raise or any(part.raises or part.may_raise for part in parts)
    return msgspec.structs.replace(made, may_raise=may_raise)


def attribute(holder: Value, name: str) -> Value:
    """Say what `holder.name` is."""
    match holder, name:
        case Place(what="request"), "user" | "context":
            return Place("user" if name == "user" else "context")
        case Place(what="user"), "attributes":
            return Place("attributes", "attributes_")
        case Place(what="user"), "is_superuser":
            return Term("(user.is_superuser ?? false)", "boolean")
        case Place(what="user"), _ if name in _IN_USER:
            return Term(f"user.{name}", "string")
        case _:
            raise Untranslatable(f"`.{name[:50]}` is not known here")


def item(holder: Value, key: str, inputs: Mapping[str, InputKind]) -> Value:
    """Say what `holder[key]` is; Python raises where there is none."""
    match holder:
        case Place(what="context") if key in ("prompt_data", "auth_method"):
            return Place("prompt_data" if key == "prompt_data" else "auth_method", sure=False)
        case Place(what="prompt_data"):
            read = _input(key, inputs)
            return msgspec.structs.replace(read, raises=(read.text,))
        case Place(what="attributes", path=path):
            path = f"user.{input_name(path + key)}"
            return Term(path, raises=(path,))
        case _:
            raise Untranslatable(f"`[{key[:50]!r}]` of what is not known here")


def got(holder: Value, key: str, default: Value, inputs: Mapping[str, InputKind]) -> Value:
    """Say what `holder.get(key, default)` is; without a default that is nothing."""
    match holder:
        case Place(what="context"):
            return _in_context(key, default)
        case Place(what="prompt_data", sure=True):
            return _otherwise(_input(key, inputs), default)
        case Place(what="attributes", path=path):
            return _otherwise(Term(f"user.{input_name(path + key)}"), default)
        case _:
            raise Untranslatable(f"`.get({key[:50]!r})` of what may not be there")


def _in_context(key: str, default: Value) -> Value:
    match key:
        case "prompt_data" if default == NULL:
            return Place("prompt_data", sure=False)
        case "auth_method" if default == NULL:
            return Place("auth_method")
        case "pending_user" if default == NULL:
            return Place("user")
        case "is_restored" | "is_sso":
            # A link of ours leads back to where the session waits, not through the flow again;
            # and nobody comes from a source of authentik's.
            return default
        case _:
            raise Untranslatable(f"the context has no `{key[:50]}` here")


def _input(key: str, inputs: Mapping[str, InputKind]) -> Term:
    name = input_name(key)
    kind = inputs.get(name)
    if kind == "secret":
        raise Untranslatable("it looks at a password, which is never kept")
    return Term(f"inputs.{name}", kind)


def _otherwise(read: Term, default: Value) -> Term:
    if isinstance(default, Place):
        raise Untranslatable("a default that has no value here")
    if default.kind == "null":
        return term(f"({read.text} ?? null)", read.kind, nullable=True)
    # Of a kind that nobody knows, a default does not tell it.
    kind = read.kind if read.kind == default.kind else None
    return term(f"({read.text} ?? {default.text})", kind)


def compared(left: Value, operator: str, right: Value) -> Term:
    """Compare, by an operator of the language of expressions; `is` is `===` with nothing."""
    if isinstance(left, Place) and left.what == "auth_method":
        return _by_method(operator, right)
    if isinstance(left, Place) or isinstance(right, Place):
        raise Untranslatable("it compares what has no value here")
    if operator not in ("===", "!==") and not left.kind == right.kind == "number":
        raise Untranslatable("it orders what are not known to be numbers")
    return term(f"({left.text} {operator} {right.text})", "boolean", left, right)


def _by_method(operator: str, right: Value) -> Term:
    """Compare how the user signed in with a way that nobody signs in by here."""
    named = isinstance(right, Term) and right.text.strip('"') in _NEVER_USED
    if named and operator in ("===", "!=="):
        return FALSE if operator == "===" else TRUE
    raise Untranslatable("of how the user signed in it is only known which ways there are not")


def within(needle: Value, holder: Value, inputs: Mapping[str, InputKind]) -> Term:
    """Say whether something is in a list, a text, a map or a range of addresses."""
    if isinstance(needle, Place):
        raise Untranslatable("it looks for what has no value here")
    match holder:
        case Term(kind="list", text=text):
            return term(f"({needle.text} in {text})", "boolean", needle)
        case Term(kind="string", text=text) if needle.kind == "string" and not needle.nullable:
            return term(f"contains({text}, {needle.text})", "boolean", needle, holder)
        case Place(what="prompt_data" | "attributes", sure=True) if needle.text[:1] == '"':
            key = json.loads(needle.text)
            if holder.what == "prompt_data":
                return term(f"has({_input(key, inputs).text})", "boolean")
            return term(f"has(user.{input_name(holder.path + key)})", "boolean")
        case Place(what="net", path=path) if needle.text == "request.ip":
            return term(f"inCidr(request.ip, {path})", "boolean")
        case _:
            raise Untranslatable("it looks in what is not known to be a list or a text")


def method(holder: Value, name: str, arguments: Sequence[Value]) -> Term:
    """Call a method of a text."""
    if isinstance(holder, Term) and holder.kind == "string" and not holder.nullable:
        match name, arguments:
            case "lower" | "upper", []:
                return term(f"{name}({holder.text})", "string", holder)
            case "strip", []:
                return term(f"trim({holder.text})", "string", holder)
            case "startswith", [Term(kind="string", nullable=False) as part]:
                return term(f"startsWith({holder.text}, {part.text})", "boolean", holder, part)
            case "endswith", [Term(kind="string", nullable=False) as part]:
                return term(f"endsWith({holder.text}, {part.text})", "boolean", holder, part)
            case _:
                pass
    raise Untranslatable(f"`.{name[:50]}` of that is not known here")


def called(name: str, arguments: Sequence[Value]) -> Value:
    """Call a function."""
    match name, arguments:
        case "len", [Term(kind="string" | "list", nullable=False) as only]:
            return term(f"size({only.text})", "number", only)
        case "str", [Term(kind="string", nullable=False) as only]:
            return only
        case "ip_network" | "ip_address", [Term(kind="string", text=text)]:
            return Place("net", text)
        case "ak_is_group_member", [Place(what="user"), Term(kind="string", text=text)]:
            return term(f"({text} in user.groups)", "boolean")
        case _:
            raise Untranslatable(f"`{name[:50]}` is not known here")
