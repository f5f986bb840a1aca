"""What the blueprints of these tests may know of the world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from libs.common.nodes.catalogue import NODE_TYPES
from services.management.blueprints.load import load_blueprint
from services.management.blueprints.loaded import Loaded


@dataclass(frozen=True)
class Around:
    """Flows, variables and files; nothing unless given."""

    flows: frozenset[str] = frozenset()
    variables: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def has_flow(self, slug: str) -> bool:
        return slug in self.flows

    def env(self, name: str) -> str | None:
        return self.variables.get(name)

    def file(self, path: str) -> str | None:
        return self.files.get(path)


NOTHING = Around()


def loaded(text: str | bytes, around: Around = NOTHING) -> Loaded:
    data = text if isinstance(text, bytes) else text.encode()
    return load_blueprint(data, around, NODE_TYPES)
