"""Whether a pack's files are what they should be, and what they were. All of it blocks."""

import hashlib
import logging
import os
from collections.abc import Iterable, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from rollcall.modelstore.catalog import PackFile, networks, official, present
from rollcall.modelstore.errors import PackMissing
from rollcall.modelstore.model_folder import is_plain
from rollcall.modelstore.notes import Note, Stamp, read_notes, write_notes

_log = logging.getLogger(__name__)


class Origin(StrEnum):
    """OFFICIAL: both networks are the catalogue's. ALTERED: only its name is. UNKNOWN: not even that."""

    OFFICIAL = "official"
    ALTERED = "altered"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedPack:
    """A pack's ONNX files, by name.

    `changed` are the names of those with other bytes than when they were last read; `unreadable` of those
    that could not be read, and are not among `files`.
    """

    name: str
    origin: Origin
    files: tuple[PackFile, ...]
    changed: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checked:
    """A file as it is now, and what to note about it; nothing while somebody writes to it."""

    sha256: str
    note: Note | None
    first_seen: bool = False
    changed: bool = False


def verify(model_dir: Path, name: str, *, fully: bool = False) -> VerifiedPack:
    """Take the SHA-256 of a pack's networks.

    A file is not read again whose size, time and inode are those of the last time, unless `fully`. Where that
    cannot be noted in MODEL_DIR, each process reads everything once. A pack that is not the official one is
    no error; the log says so when its bytes are first seen.

    Raises:
        PackMissing: there is no such pack.
    """
    if not is_plain(name) or not present(model_dir, name):
        raise PackMissing(name)
    paths = networks(model_dir, name)
    before = read_notes(model_dir, name)
    checked = _check_all(paths, model_dir / name, before, fully)
    after = _to_note(paths, model_dir / name, before, checked)
    if after != before:
        write_notes(model_dir, name, after)
    pack = VerifiedPack(
        name=name,
        origin=_origin(name, {file.sha256 for file in checked.values()}),
        files=tuple(PackFile(name=path.name, sha256=file.sha256) for path, file in checked.items()),
        changed=tuple(path.name for path, file in checked.items() if file.changed),
        unreadable=tuple(path.name for path in paths if path not in checked),
    )
    _warn_about(pack, first_seen=any(file.first_seen for file in checked.values()))
    return pack


def _key(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _check_all(
    paths: Iterable[Path], folder: Path, notes: Mapping[str, Note], fully: bool
) -> dict[Path, _Checked]:
    checked: dict[Path, _Checked] = {}
    for path in paths:
        # Whoever puts a pack there by hand may move or protect a file at any moment.
        with suppress(OSError):
            checked[path] = _check(path, notes.get(_key(path, folder)), fully)
    return checked


def _to_note(
    paths: Iterable[Path], folder: Path, before: Mapping[str, Note], checked: Mapping[Path, _Checked]
) -> dict[str, Note]:
    notes: dict[str, Note] = {}
    for path in paths:
        key = _key(path, folder)
        # What cannot be read now is compared with its old note when it can.
        note = checked[path].note if path in checked else before.get(key)
        if note is not None:
            notes[key] = note
    return notes


def _check(path: Path, note: Note | None, fully: bool) -> _Checked:
    with path.open("rb") as file:
        stamp = Stamp.of(os.fstat(file.fileno()))
        if note and note.stamp == stamp and not note.damaged and not fully:
            return _Checked(sha256=note.sha256, note=note)
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        if Stamp.of(os.fstat(file.fileno())) != stamp:
            return _Checked(sha256=sha256, note=None)
    if note and note.sha256 != sha256 and note.stamp == stamp:
        # Nobody replaced it, the disk did: it is read, and reported, each time until somebody puts it right.
        return _Checked(sha256=sha256, note=replace(note, damaged=True), changed=True)
    return _Checked(
        sha256=sha256,
        note=Note(stamp=stamp, sha256=sha256),
        first_seen=note is None or note.sha256 != sha256,
        changed=note is not None and note.sha256 != sha256,
    )


def _origin(name: str, found: Set[str]) -> Origin:
    pack = official(name)
    if pack is None:
        return Origin.UNKNOWN
    # By their bytes: what a file is called decides nothing.
    return Origin.OFFICIAL if {pack.detector.sha256, pack.recogniser.sha256} <= found else Origin.ALTERED


def _warn_about(pack: VerifiedPack, *, first_seen: bool) -> None:
    for file in pack.unreadable:
        _log.warning("%s in model pack %s cannot be read.", file, pack.name)
    for file in pack.changed:
        _log.warning("%s in model pack %s has other bytes than when it was first read.", file, pack.name)
    if not first_seen or pack.unreadable:
        return
    match pack.origin:
        case Origin.ALTERED:
            _log.warning("Model pack %s has other bytes than the official one of this name.", pack.name)
        case Origin.UNKNOWN:
            _log.warning(
                "Model pack %s is not one of the official ones; its files are used unchecked.", pack.name
            )
