"""Reads deploy/Dockerfile, as far as it goes: stages, their instructions, what they build on."""

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[3]
DOCKERFILE = PROJECT / "deploy" / "Dockerfile"


@dataclass(frozen=True)
class Instruction:
    word: str
    rest: str

    def sources(self) -> tuple[str, ...]:
        """What a COPY takes from the project; nothing if it takes from another stage."""
        options = self.words(options=True)
        return () if options else self.words()[:-1]

    def words(self, *, options: bool = False) -> tuple[str, ...]:
        """Its words, or its options."""
        return tuple(word for word in shlex.split(self.rest) if word.startswith("--") == options)

    def command(self) -> list[str]:
        """The program and arguments of the form that no shell reads."""
        parsed: list[str] = json.loads(self.rest[self.rest.index("[") :])
        return parsed


@dataclass(frozen=True)
class Stage:
    name: str
    base: str
    instructions: tuple[Instruction, ...]


def read_stages() -> Mapping[str, Stage]:
    """Every stage by its name."""
    stages: dict[str, Stage] = {}
    for instruction in read_instructions(DOCKERFILE.read_text()):
        if instruction.word == "FROM":
            base, _, name = instruction.words()
            stages[name] = Stage(name, base, ())
        elif stages:
            name, stage = stages.popitem()
            stages[name] = Stage(name, stage.base, (*stage.instructions, instruction))
    return stages


def read_instructions(text: str) -> Iterator[Instruction]:
    lines = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        word, _, rest = line.partition(" ")
        yield Instruction(word, rest.strip())


def whole(name: str) -> tuple[Instruction, ...]:
    """All instructions that make the image `name`, from its first stage on."""
    stages = read_stages()
    if name not in stages:
        return ()
    return (*whole(stages[name].base), *stages[name].instructions)


def last(name: str, word: str) -> Instruction:
    """The instruction that counts, of those that replace each other."""
    return [each for each in whole(name) if each.word == word][-1]


def environment(name: str) -> dict[str, str]:
    """What the image `name` sets in the environment of its process."""
    pairs = [pair for each in whole(name) if each.word == "ENV" for pair in each.words()]
    return {key: value for key, _, value in (pair.partition("=") for pair in pairs)}
