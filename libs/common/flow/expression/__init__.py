"""The language of conditions: text → typed tree → closures. It can loop, call and raise nothing.

`forms` says what can be written and what happens where something is missing, `functions` what can
be called, `reference` shows all of it as data.

What goes wrong never reads as false, for then a check such as `user.mfa_enabled` would be skipped
just where nothing is known. `MISSING` or a `Fault` takes a value's place instead.
"""

from libs.common.flow.expression.analyse import Finding, check, paths, roots
from libs.common.flow.expression.compile import Evaluate, compile_expression
from libs.common.flow.expression.expression import Expression
from libs.common.flow.expression.functions import FUNCTIONS
from libs.common.flow.expression.implication import decide, implied
from libs.common.flow.expression.parse import parse
from libs.common.flow.expression.reference import Reference, reference
from libs.common.flow.expression.schema import SCHEMA, Schema, Shape
from libs.common.flow.expression.text import to_text
from libs.common.flow.expression.tokens import ExpressionError
from libs.common.flow.expression.trace import Part, trace
from libs.common.flow.expression.tree import Expr
from libs.common.flow.expression.values import MISSING, Fault, Kind, Scope, Value, truth

__all__ = [
    "FUNCTIONS",
    "MISSING",
    "SCHEMA",
    "Evaluate",
    "Expr",
    "Expression",
    "ExpressionError",
    "Fault",
    "Finding",
    "Kind",
    "Part",
    "Reference",
    "Schema",
    "Scope",
    "Shape",
    "Value",
    "check",
    "compile_expression",
    "decide",
    "implied",
    "parse",
    "paths",
    "reference",
    "roots",
    "to_text",
    "trace",
    "truth",
]
