"""Every question that there is, for the tests which say that each has an answer."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from libs.common import flow
from libs.common.flow.turn import Question


def every_question() -> set[type[Question[Any]]]:
    """Find them in the modules of the flow language."""
    modules = [
        importlib.import_module(f"{flow.__name__}.{each.name}")
        for each in pkgutil.iter_modules(flow.__path__)
    ]
    return {
        thing
        for module in modules
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, Question) and thing is not Question
    }
