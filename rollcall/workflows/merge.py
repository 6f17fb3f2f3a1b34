"""Add what an archive holds to the tables, batch by batch."""

from collections.abc import Iterator
from dataclasses import replace

from rollcall.core.backup import MOMENTARY_SETTINGS, PEOPLE, Batch, Cell, Row, Section
from rollcall.core.backup_ports import WritableTables
from rollcall.core.errors import InvalidRequest
from rollcall.workflows.check_archive import Checked
from rollcall.workflows.section_merge import Placed, SectionMerge, Tally


class Merge:
    """Takes an archive's batches in their order. Rows that are there stay, what is missing is added."""

    def __init__(self, tables: WritableTables, checked: Checked, *, update_people: bool) -> None:
        """`update_people`: people who are there get the archive's values."""
        self._tables, self._checked = tables, checked
        self._update_people = update_people
        self._sections: dict[Section, SectionMerge] = {}
        self._face_ids: dict[Cell, Cell] = {}  # the archive's, and what they are here
        self._sessions: set[int] = set()

    @property
    def tallies(self) -> dict[Section, Tally]:
        return {name: section.tally for name, section in self._sections.items()}

    def take(self, batch: Batch) -> None:
        """Add what is missing.

        Raises:
            InvalidRequest: a row cannot be stored here; the message says why.
        """
        section = self._of(batch.section)
        if batch.section in PEOPLE and self._update_people:
            section.update_or_add(batch)
        elif batch.section is Section.FACES:
            self._take_faces(section, batch)
        elif batch.section is Section.EMBEDDINGS:
            section.add_missing(replace(batch, rows=list(self._following(batch))))
        elif batch.section is Section.ATTENDANCE:
            placed = section.place(batch)
            self._ensure_sessions(placed)
            section.add(batch, placed)
        elif batch.section is Section.SETTINGS:
            # Older versions' archives have the momentary ones as well.
            lasting = [row for row in batch.rows if row[0] not in MOMENTARY_SETTINGS]
            section.add_missing(replace(batch, rows=lasting))
        else:
            # Two attempts within a second may look the same, and both happened.
            section.add_missing(batch, once=batch.section is Section.LOGS)

    def _of(self, name: Section) -> SectionMerge:
        if name not in self._sections:
            first_keys = self._checked.face_keys if name is Section.FACES else ()
            last_id = self._checked.last_ids.get(name, 0)
            self._sections[name] = SectionMerge(self._tables, name, last_id, first_keys)
        return self._sections[name]

    def _take_faces(self, section: SectionMerge, batch: Batch) -> None:
        # Two pictures of one person may look the same without a descriptor, and both are wanted.
        placed = section.place(batch, once=True)
        self._face_ids.update({face.archived_key: face.row[0] for face in placed})
        section.add(batch, placed)

    def _following(self, batch: Batch) -> Iterator[Row]:
        """Embeddings with the Ids that their faces have here."""
        for row_id, archived_face, *rest in batch.rows:
            face_id = self._face_ids.get(archived_face)
            if face_id is None:
                raise InvalidRequest("Nothing was restored: the archive changed meanwhile.")
            yield (row_id, face_id, *rest)

    def _ensure_sessions(self, placed: list[Placed]) -> None:
        wanted = {each.row[1] for each in placed if each.is_new} - self._sessions
        for session in sorted(number for number in wanted if isinstance(number, int)):
            if not self._tables.ensure_session(session):
                raise InvalidRequest(
                    f"Nothing was restored: the archive has attendance of session {session}, which is not in "
                    "this school's table Sessions. Restore the sessions first."
                )
            self._sessions.add(session)
