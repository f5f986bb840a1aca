"""A parsed expression, as a node's lowered config and so the plan hold it."""

from functools import cached_property

import msgspec

from libs.common.flow.expression import analyse
from libs.common.flow.expression.compile import Evaluate, compile_expression
from libs.common.flow.expression.text import to_text
from libs.common.flow.expression.tree import Expr


class Expression(msgspec.Struct, frozen=True, array_like=True, dict=True):
    """A tree, with what is made of it kept once made."""

    tree: Expr

    @cached_property
    def evaluate(self) -> Evaluate:
        """The function from a scope to the value; it never raises."""
        return compile_expression(self.tree)

    @cached_property
    def roots(self) -> frozenset[str]:
        """The roots that it reads."""
        return analyse.roots(self.tree)

    @property
    def text(self) -> str:
        """What an author would write for it."""
        return to_text(self.tree)
