"""Translates authentik's expression policies, which are Python, where that can be done exactly.

Nothing is run: the syntax tree is read, and what this module does not know by name is refused with
a reason. A translation passes where the policy passes, and cannot be evaluated where Python would
raise; whoever is in doubt refuses, since a policy that lets too many in is worse than none.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import msgspec

from libs.common.flow.expression import SCHEMA, ExpressionError, check, parse
from services.management.blueprints.terms import (
    FALSE,
    NULL,
    InputKind,
    Place,
    Term,
    Untranslatable,
    Value,
    attribute,
    called,
    choice,
    compared,
    constant_term,
    got,
    guarded,
    item,
    joined,
    list_term,
    method,
    term,
    truth_of,
    within,
)

LONGEST: Final = 8_000
"""Characters of Python that are looked at."""
DEEPEST: Final = 40

SSO: Final = "nobody comes from a source of authentik's here, so that is taken as false"
USER: Final = "it reads the user, who is missing here until the caller has proved to be them"
MESSAGE: Final = "its message is not shown"

_OPERATORS: Final[Mapping[type[ast.cmpop], str]] = {
    ast.Eq: "===",
    ast.NotEq: "!==",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_USER = re.compile(r"\buser\.")


class Translation(msgspec.Struct, frozen=True):
    """A policy in the language of expressions."""

    text: str
    notes: tuple[str, ...] = ()
    """What an author may want to know of it."""
    in_flow: bool = False
    """It is only right of a node: where a flow begins, Python would raise."""


def translate(source: str, inputs: Mapping[str, InputKind]) -> Translation:
    """Translate the body of a policy, or raise `Untranslatable`.

    `inputs` are the prompts of the file by `input_name`, with what they store.
    """
    translator = _Translator(inputs)
    made = translator.block(_parsed(source), {})
    try:
        tree = parse(made.text)
    except ExpressionError as error:
        raise Untranslatable("as an expression it is too large") from error
    if any(each.severity == "error" for each in check(tree, SCHEMA, "boolean")):
        raise Untranslatable("it compares what is not alike")
    if _USER.search(made.text):
        translator.notes[USER] = None
    return Translation(made.text, tuple(translator.notes), translator.in_flow)


def constant(source: str) -> object:
    """Return what `return […]` returns, of constants only; or raise `Untranslatable`."""
    match _parsed(source):
        case [ast.Return(value=ast.expr() as value)]:
            try:
                found: object = ast.literal_eval(value)
            except (ValueError, TypeError, RecursionError, MemoryError) as error:
                raise Untranslatable("it is not a constant") from error
            return found
        case _:
            raise Untranslatable("it does more than to return a constant")


def _parsed(source: str) -> list[ast.stmt]:
    if len(source) > LONGEST:
        raise Untranslatable(f"it is longer than {LONGEST} characters")
    if "\\" in source:
        # Nearly always of a regular expression, and Python itself would warn of most.
        raise Untranslatable("it has escapes")
    try:
        return ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Untranslatable("it is not Python") from error


class _Translator:
    def __init__(self, inputs: Mapping[str, InputKind]) -> None:
        self.notes: dict[str, None] = {}
        self.in_flow = False
        self._inputs = inputs
        self._depth = 0

    def block(self, statements: list[ast.stmt], known: Mapping[str, Value]) -> Term:
        """Say what a body comes to; one that ends without `return` does not pass."""
        known = dict(known)
        for index, each in enumerate(statements):
            rest = statements[index + 1 :]
            match each:
                case ast.Return(value=None):
                    return FALSE
                case ast.Return(value=ast.expr() as value):
                    return self.test(value, known)
                case ast.Pass() | ast.Expr(value=ast.Constant()):
                    pass
                case ast.Expr(value=ast.Call(func=ast.Name(id="ak_message"))):
                    self.notes[MESSAGE] = None
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    known[name] = assigned = self.value(value, known)
                    if isinstance(assigned, Term) and assigned.may_raise:
                        raise Untranslatable("it keeps what may raise")
                    if isinstance(assigned, Term) and assigned.raises:
                        # Python raises here, whether or not the rest looks at it.
                        known[name] = msgspec.structs.replace(assigned, raises=())
                        with self._deeper():
                            return guarded(assigned.raises, self.block(rest, known))
                case ast.If(test=condition, body=body, orelse=orelse) if _returns(body):
                    with self._deeper():
                        test = self.test(condition, known)
                        one, other = self.block(body, known), self.block([*orelse, *rest], known)
                    return choice(test, one, other)
                case _:
                    raise Untranslatable(f"line {each.lineno} does more than to compare and return")
        return FALSE

    def test(self, node: ast.expr, known: Mapping[str, Value]) -> Term:
        """Say whether Python would take a value for true."""
        with self._deeper():
            match node:
                case ast.BoolOp(op=operator, values=values):
                    tests = [self.test(each, known) for each in values]
                    return joined("&&" if isinstance(operator, ast.And) else "||", tests)
                case ast.UnaryOp(op=ast.Not(), operand=operand):
                    inner = self.test(operand, known)
                    return term(f"!({inner.text})", "boolean", inner)
                case ast.IfExp(test=condition, body=body, orelse=orelse):
                    return choice(*(self.test(each, known) for each in (condition, body, orelse)))
                case ast.Call(func=ast.Name(id="bool"), args=[value], keywords=[]):
                    return self.test(value, known)
                case _:
                    return truth_of(self.value(node, known))

    def value(self, node: ast.expr, known: Mapping[str, Value]) -> Value:
        """Say what an expression comes to."""
        with self._deeper():
            match node:
                case ast.Constant(value=value):
                    return constant_term(value)
                case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as n)):
                    return constant_term(-n)
                case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                    if not all(isinstance(each, ast.Constant) for each in items):
                        raise Untranslatable("it has a list of what is not constant")
                    return list_term(self.value(each, known) for each in items)
                case ast.Name(id=name):
                    return known[name] if name in known else self._name(name)
                case ast.Attribute(value=holder, attr=name):
                    return attribute(self.value(holder, known), name)
                case ast.Subscript(value=holder, slice=ast.Constant(value=str(key))):
                    found = item(self.value(holder, known), key, self._inputs)
                    self.in_flow |= found == Place("auth_method", sure=False)
                    return found
                case ast.Compare(left=left, ops=[sign], comparators=[right]):
                    return self._compared(self.value(left, known), sign, self.value(right, known))
                case ast.BoolOp(op=ast.Or(), values=[first, ast.Dict(keys=[])]):
                    return self._or_empty(self.value(first, known))
                case ast.Call():
                    return self._call(node, known)
                case ast.BoolOp() | ast.UnaryOp() | ast.IfExp():
                    return self._only_truth(node, known)
                case _:
                    raise Untranslatable(f"line {node.lineno} has a {type(node).__name__}")

    def _only_truth(self, node: ast.expr, known: Mapping[str, Value]) -> Term:
        """Take `a or b` for its truth, which it is where both are true or false already."""
        parts = node.values if isinstance(node, ast.BoolOp) else [node]
        if isinstance(node, ast.IfExp):
            parts = [node.body, node.orelse]
        for each in parts if not isinstance(node, ast.UnaryOp) else ():
            found = self.value(each, known)
            if not (isinstance(found, Term) and found.kind == "boolean"):
                raise Untranslatable(
                    "`or`, `and` or `if` chooses between what is not true or false"
                )
        return self.test(node, known)

    def _name(self, name: str) -> Value:
        match name:
            case "request" | "context":
                return Place("request" if name == "request" else "context")
            case "ak_is_sso_flow":
                self.notes[SSO] = None
                return FALSE
            case "ak_client_ip":
                return Term("request.ip", "string")
            case _:
                raise Untranslatable(f"`{name[:50]}` is not known here")

    def _compared(self, left: Value, sign: ast.cmpop, right: Value) -> Term:
        if isinstance(sign, ast.In | ast.NotIn):
            found = within(left, right, self._inputs)
            inside = isinstance(sign, ast.In)
            return found if inside else term(f"!({found.text})", "boolean", found)
        if isinstance(sign, ast.Is | ast.IsNot):
            if NULL not in (left, right):
                raise Untranslatable("`is` compares objects")
            return compared(left, "===" if isinstance(sign, ast.Is) else "!==", right)
        return compared(left, _OPERATORS[type(sign)], right)

    def _or_empty(self, found: Value) -> Value:
        if isinstance(found, Place) and found.what == "prompt_data":
            return Place("prompt_data")
        raise Untranslatable("`or {}` stands behind what is not a map")

    def _call(self, node: ast.Call, known: Mapping[str, Value]) -> Value:
        match node:
            case ast.Call(func=ast.Name(id="bool")):
                return self.test(node, known)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return called(name, [self.value(each, known) for each in args])
            case ast.Call(
                func=ast.Name(id="ak_is_group_member" as name),
                args=[user],
                keywords=[ast.keyword(arg="name", value=group)],
            ):
                return called(name, [self.value(user, known), self.value(group, known)])
            case ast.Call(
                func=ast.Attribute(value=holder, attr="get"),
                args=[ast.Constant(value=str(key)), ast.Dict(keys=[])],
                keywords=[],
            ):
                return self._got_map(self.value(holder, known), key)
            case ast.Call(
                func=ast.Attribute(value=holder, attr="get"),
                args=[ast.Constant(value=str(key)), *defaults],
                keywords=[],
            ) if len(defaults) <= 1:
                default = self.value(defaults[0], known) if defaults else NULL
                if key == "is_sso":
                    self.notes[SSO] = None
                return got(self.value(holder, known), key, default, self._inputs)
            case ast.Call(func=ast.Attribute(value=holder, attr=name), args=args, keywords=[]):
                arguments = [self.value(each, known) for each in args]
                return method(self.value(holder, known), name, arguments)
            case _:
                raise Untranslatable("it calls what is not known here")

    def _got_map(self, holder: Value, key: str) -> Place:
        match holder:
            case Place(what="context") if key == "prompt_data":
                return Place("prompt_data")
            case Place(what="attributes", path=path):
                return Place("attributes", f"{path}{key}_")
            case _:
                raise Untranslatable(f"`{key[:50]}` is no map here")

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        self._depth += 1
        if self._depth > DEEPEST:
            raise Untranslatable("it is nested too deeply")
        try:
            yield
        finally:
            self._depth -= 1


def _returns(body: list[ast.stmt]) -> bool:
    """Whether a body surely returns at its end, so that nothing follows it."""
    match body:
        case [*_, ast.Return()]:
            return True
        case [*_, ast.If(body=one, orelse=other)]:
            return _returns(one) and _returns(other)
        case _:
            return False
