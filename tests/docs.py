"""The Markdown pages: their commands, and a reader who runs them as they are written."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.servers import ROOT, RollcallServer, clean_environment

LIMIT_SECONDS: Final = 300
_FENCE: Final = re.compile(r"^(`{3,})(.*)$")
_HEADING: Final = re.compile(r"^(#{1,6}) +(.*?) *#*$")
_CONTINUED: Final = re.compile(r"\\\n *")
# 8001: a server that is tried beside the old one.
_ADDRESS: Final = re.compile(r"localhost:800[01]\b")
# An answer that is an error makes the command fail, as it does not by itself.
_STRICT_CURL: Final = 'curl() { command curl --silent --show-error --fail-with-body "$@"; }\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block. `section` is the heading of the second level above it, or nothing."""

    page: str
    section: str
    kind: str
    text: str

    @property
    def commands(self) -> list[str]:
        """Its lines, those that go on in the next one joined to it."""
        return [line for line in _CONTINUED.sub(" ", self.text).splitlines() if line.strip()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a page says outside of its blocks, its headings in their order, and its blocks."""

    text: str
    headings: tuple[str, ...]
    blocks: tuple[Block, ...]


def pages() -> list[str]:
    """Every Markdown file of the repository, by its path from the root."""
    left_out = {"node_modules", "data", "models"}
    found = (path.relative_to(ROOT) for path in ROOT.rglob("*.md"))
    return sorted(
        str(path)
        for path in found
        if not any(part.startswith(".") or part in left_out for part in path.parts)
    )


def read_page(page: str) -> Page:
    return parse(page, (ROOT / page).read_text(encoding="utf-8"))


def parse(page: str, text: str) -> Page:
    section = ""
    headings: list[str] = []
    outside: list[str] = []
    blocks: list[Block] = []
    lines = iter(text.splitlines())
    for line in lines:
        if fence := _FENCE.match(line):
            inside = _until(fence[1], lines)
            blocks.append(Block(page=page, section=section, kind=fence[2].strip(), text=inside))
            continue
        outside.append(line)
        if heading := _HEADING.match(line):
            headings.append(heading[2])
            if heading[1] == "##":
                section = heading[2]
    return Page(text="\n".join(outside), headings=tuple(headings), blocks=tuple(blocks))


def _until(fence: str, lines: Iterator[str]) -> str:
    inside: list[str] = []
    for line in lines:
        if line.rstrip() == fence:
            return "".join(f"{each}\n" for each in inside)
        inside.append(line)
    raise ValueError(f"A block is never closed; it begins with {inside[:1]}.")


def blocks(page: str, section: str | None = None, *, kind: str = "sh") -> list[Block]:
    """The page's blocks of this kind, of one section if it is named; there must be some."""
    found = [
        block
        for block in read_page(page).blocks
        if block.kind == kind and (section is None or block.section == section)
    ]
    assert found, f"{page} has no {kind} block in {section or 'any section'}"
    return found


def commands(page: str, section: str | None = None, *, kind: str = "sh") -> list[str]:
    """The commands of these blocks, in their order."""
    return [command for block in blocks(page, section, kind=kind) for command in block.commands]


class Reader:
    """Runs commands in a folder of his own, against a test's server in place of the pages' own."""

    def __init__(
        self, folder: Path, server: RollcallServer | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self._port = server.port if server else None
        models = server.model_settings if server else {}
        database = {"DATABASE_URL": f"sqlite:///{(server.folder if server else folder)}/rollcall.db"}
        self._settings = {**database, **models, **(settings or {})}
        if not (folder / "bin").exists():
            (folder / "bin").symlink_to(ROOT / "bin")

    def run(self, script: str, *, input: str | None = None) -> str:
        """What the script says on standard output; each of its commands must succeed."""
        if self._port is not None:
            script = _ADDRESS.sub(f"127.0.0.1:{self._port}", script)
        done = subprocess.run(
            ["bash", "-e", "-c", _STRICT_CURL + script],
            cwd=self.folder,
            env=clean_environment(self._settings),
            input=input,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        assert done.returncode == 0, (script, done.stdout, done.stderr)
        return done.stdout
