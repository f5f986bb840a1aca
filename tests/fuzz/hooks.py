"""What schemathesis has to be told of Gatehouse; `SCHEMATHESIS_HOOKS` names this module."""

from __future__ import annotations

from typing import Any

import schemathesis
from schemathesis.core.media_types import YAML_MEDIA_TYPES

from libs.common.documents import read_yaml
from libs.common.errors import Invalid
from services.management.blueprints.reading import read
from services.management.routes.decode import DEPTH


# Its own reader ends the run at a tag that it does not know, which blueprints are full of.
@schemathesis.deserializer(*YAML_MEDIA_TYPES)
def read_any_yaml(
    _context: schemathesis.DeserializationContext, response: schemathesis.Response
) -> Any:  # noqa: ANN401 -- what YAML can say
    """Return the document of an answer, which may be a blueprint."""
    try:
        return read_yaml(response.content, depth=DEPTH)
    except Invalid:
        return read(response.content)
