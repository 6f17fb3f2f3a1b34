"""Read an archive through, and say whether it is whole."""

from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rollcall.core.backup import NAMED, PICTURED, Batch, Cell, Manifest, Section
from rollcall.core.backup_ports import Archives, Progress
from rollcall.core.errors import InvalidRequest
from rollcall.core.shared_settings import NAMES, valid_shared
from rollcall.workflows.row_identity import keys_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A whole archive.

    `last_ids` are the greatest Ids of the sections that have rows with Ids, `face_keys` the first of each
    face's keys, `largest_picture_bytes` is 0 where there is none.
    """

    manifest: Manifest
    last_ids: Mapping[Section, int]
    face_keys: Sequence[int]
    largest_picture_bytes: int


class CheckArchive:
    """`rollcall backup verify`, and the first half of a restore."""

    def __init__(self, *, archives: Archives, progress: Progress) -> None:
        self._archives, self._progress = archives, progress

    def run(self, file: Path, passphrase: bytes | None) -> Checked:
        """Check every part, every row, and that nothing is missing.

        Raises:
            InvalidRequest: the archive is damaged, incomplete or none, or the passphrase is not its own.
        """
        rows = _Rows()
        with self._archives.open(file, passphrase=passphrase) as archive:
            for batch in archive.batches():
                rows.check(batch)
                self._progress("Checking the archive", archive.position_bytes, archive.size_bytes)
            return Checked(
                manifest=archive.manifest,
                last_ids=rows.last_ids,
                face_keys=rows.face_keys,
                largest_picture_bytes=rows.largest_picture_bytes,
            )


def wrong_setting(batch: Batch) -> str | None:
    """What is wrong with a shared setting. Those of other versions pass, for no server reads them."""
    if batch.section is Section.SETTINGS:
        for name, value, *_ in batch.rows:
            if name in NAMES:
                try:
                    valid_shared(str(name), str(value))
                except InvalidRequest as error:
                    return error.message
    return None


class _Rows:
    """What must hold from row to row."""

    def __init__(self) -> None:
        self.last_ids: dict[Section, int] = {}
        self.face_keys = array("Q")
        self.largest_picture_bytes = 0
        self._names: set[tuple[Section, Cell]] = set()
        self._face_ids = array("q")

    def check(self, batch: Batch) -> None:
        if wrong := wrong_setting(batch):
            raise InvalidRequest(f"The archive's shared settings are wrong. {wrong}")
        for row in batch.rows:
            if batch.section is Section.FACES:
                self.face_keys.append(keys_of(batch.section, dict(zip(batch.columns, row, strict=True)))[0])
            if batch.section in PICTURED and isinstance(row[-1], bytes):
                self.largest_picture_bytes = max(self.largest_picture_bytes, len(row[-1]))
            if batch.section in NAMED:
                self._check_name(batch.section, row[0])
            else:
                self._check_id(batch.section, row[0])
            if batch.section is Section.EMBEDDINGS and not self._has_face(row[1]):
                raise InvalidRequest("The archive holds an embedding without its face.")

    def _check_name(self, section: Section, name: Cell) -> None:
        if not isinstance(name, str) or (section, name) in self._names:
            raise InvalidRequest(f"The archive's {section} are not in order.")
        self._names.add((section, name))

    def _check_id(self, section: Section, row_id: Cell) -> None:
        if not isinstance(row_id, int) or row_id <= self.last_ids.get(section, row_id - 1):
            raise InvalidRequest(f"The archive's {section} are not in order.")
        self.last_ids[section] = row_id
        if section is Section.FACES:
            self._face_ids.append(row_id)

    def _has_face(self, face_id: Cell) -> bool:
        if not isinstance(face_id, int):
            return False
        place = bisect_left(self._face_ids, face_id)
        return place < len(self._face_ids) and self._face_ids[place] == face_id
