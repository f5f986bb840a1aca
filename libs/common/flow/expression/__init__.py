"""The language of conditions: text → typed tree → closures. It can loop, call and raise nothing.

Values are null, booleans, numbers, strings, lists and maps. In order of how tightly they bind:

    a.b  a?.b  a["b"]  a[0]          attributes and items; `?.` is `.`
    !a
    === !== == != < <= > >= in       one at a time; `==` is `===`, `!=` is `!==`
    &&
    ||  ??                           never mixed without parentheses, nor is `??` with `&&`
    a ? b : c

besides literals, `[a, b]`, parentheses, and a fixed set of functions.

What goes wrong never reads as false, for then a check such as `user.mfa_enabled` would be
skipped just where nothing is known. Two things take a value's place instead:

- `MISSING` is what an attribute gives that is not there, also where null or something missing
  should have held it, and an item beyond the end of a list.
- A `Fault` is what an operation gives on kinds that it is not for. Comparing unlike kinds is one,
  with `===` too: `user.role === 1` on a string is a mistake, not false. Only null compares with
  anything, as different from it. A boolean is never a number; 1 equals 1.0. Lists and maps are
  equal by what they hold, and `x in [a, b]` is `x === a || x === b`.

Both spread, the left one first, through every operation but these:

- `false && x` and `x && false` are false, `true || x` and `x || true` are true, whatever x is.
- `x ?? y` is y where x is missing or null; a fault stays.
- `has(x)` says whether x is missing; a fault stays.

A condition that comes to either, or to anything but true or false, is not false: the node leaves
by `error`.
"""

from libs.common.flow.expression.analyse import Finding, check, paths, roots
from libs.common.flow.expression.compile import Evaluate, compile_expression
from libs.common.flow.expression.expression import Expression
from libs.common.flow.expression.functions import FUNCTIONS
from libs.common.flow.expression.implication import decide, implied
from libs.common.flow.expression.parse import parse
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
    "roots",
    "to_text",
    "trace",
    "truth",
]
