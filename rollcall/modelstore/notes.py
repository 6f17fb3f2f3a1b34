"""What a pack's files were when they were last read: `.NAME.verified.json` in MODEL_DIR. All of it blocks."""

import json
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from rollcall.modelstore.model_folder import aside, notes_of

_log = logging.getLogger(__name__)

# What could not be written, by the file that it is meant for: else a read-only MODEL_DIR would be read, with
# hundreds of megabytes, at each look.
_unwritten: dict[Path, dict[str, "Note"]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What shows, without reading it, that a file is still the same."""

    size: int
    mtime_ns: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> Self:
        return cls(size=status.st_size, mtime_ns=status.st_mtime_ns, inode=status.st_ino)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A file's SHA-256 when it had the stamp; `damaged` if it had other bytes later, with the same stamp."""

    stamp: Stamp
    sha256: str
    damaged: bool = False


def read_notes(model_dir: Path, name: str) -> dict[str, Note]:
    """By the files' paths below the pack's folder; what cannot be read or understood counts as none."""
    file = notes_of(model_dir, name)
    if (unwritten := _unwritten.get(file)) is not None:
        return dict(unwritten)
    try:
        found = json.loads(file.read_bytes())
        return {str(path): _note(fields) for path, fields in found.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def _note(fields: Mapping[str, Any]) -> Note:
    stamp = {key: int(fields["stamp"][key]) for key in ("size", "mtime_ns", "inode")}
    return Note(stamp=Stamp(**stamp), sha256=str(fields["sha256"]), damaged=bool(fields["damaged"]))


def write_notes(model_dir: Path, name: str, notes: Mapping[str, Note]) -> None:
    """Replace the notes in one step. Where MODEL_DIR cannot be written to, this process alone has them."""
    text = json.dumps({path: asdict(note) for path, note in notes.items()}, indent=1)
    new, file = aside(model_dir, name, "partial"), notes_of(model_dir, name)
    try:
        new.write_text(text)
        new.replace(file)
        _unwritten.pop(file, None)
    except OSError as error:
        _unwritten[file] = dict(notes)
        _log.debug("What was read of model pack %s cannot be noted: %s.", name, error.strerror)
        with suppress(OSError):
            new.unlink(missing_ok=True)
