"""A Dockerfile's instructions, for the test that carries them out without Docker."""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """`RUN --mount=type=cache,target=/x make` has the name RUN, the flag `mount` and the value `make`."""

    name: str
    flags: Mapping[str, str]
    value: str

    def words(self) -> list[str]:
        """The value of an instruction that is written as JSON, or as words."""
        if self.value.startswith("["):
            words: list[str] = json.loads(self.value)
            return words
        return shlex.split(self.value)


def parse(text: str) -> list[Instruction]:
    """The instructions in their order."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    logical = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [_instruction(line.strip()) for line in logical.splitlines()]


def _instruction(line: str) -> Instruction:
    name, _, value = line.partition(" ")
    flags = {}
    while found := re.match(r"\s*--([a-z-]+)=(\S+)\s+", value):
        flags[found[1]] = found[2]
        value = value[found.end() :]
    return Instruction(name=name.upper(), flags=flags, value=value.strip())
