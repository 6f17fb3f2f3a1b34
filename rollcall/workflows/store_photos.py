"""Store several faces of a list in one transaction, with what becomes of each row."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from rollcall.core.audit import Action
from rollcall.core.database_ports import Database, Records
from rollcall.core.errors import DatabaseError, ImageTooLarge, InvalidRequest
from rollcall.core.imports import ImportedRow, ImportMode, PersonFaces, RowOutcome
from rollcall.core.people import Person, PersonKey
from rollcall.workflows import import_words as words
from rollcall.workflows.import_rules import Candidate, ImportRules, name_of, with_face
from rollcall.workflows.lookalikes import Alike, Lookalikes
from rollcall.workflows.patience import Patience
from rollcall.workflows.probes import MULTIPLE_FACES_WARNING
from rollcall.workflows.read_photos import Item, ReadPhoto

# Called in the very transaction that stores the faces: with the number of the first of the rows, from 1.
Also: TypeAlias = Callable[[Records, int, Sequence[ImportedRow]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Rows that follow each other; `first` is the number of the first."""

    first: int
    items: Sequence[Item]

    @property
    def photos(self) -> list[ReadPhoto]:
        return [item for item in self.items if isinstance(item, ReadPhoto)]


class StorePhotos:
    """One import's. A dry run stores nothing, and says what would be stored."""

    def __init__(
        self,
        *,
        database: Database,
        lookalikes: Lookalikes,
        rules: ImportRules,
        patience: Patience,
        dry_run: bool,
        also: Also | None,
    ) -> None:
        self._database = database
        self._lookalikes = lookalikes
        self._rules = rules
        self._patience = patience
        self._dry_run = dry_run
        self._also = also
        # A dry run's: what would be stored by now of the person who came last, whose photos may go on.
        self._imagined: dict[PersonKey, PersonFaces] = {}

    async def run(self, batch: Batch) -> Sequence[ImportedRow]:
        """Raises DatabaseError, after a while of patience, and what `also` raises."""
        photos = batch.photos
        alike = await self._patience.run(lambda: self._lookalikes.find([photo.read.face for photo in photos]))
        found = dict(zip((id(photo) for photo in photos), alike, strict=True))
        try:
            return await self._in_one(batch, found)
        except (InvalidRequest, ImageTooLarge, DatabaseError):
            if not photos:
                raise
        # One that the database refuses must not take the others with it, and of a slow database all together
        # may ask too much.
        rows = list[ImportedRow]()
        for place, item in enumerate(batch.items):
            rows += await self._alone(Batch(first=batch.first + place, items=[item]), found)
        return rows

    async def _alone(self, batch: Batch, alike: Mapping[int, Alike]) -> Sequence[ImportedRow]:
        [item] = batch.items
        try:
            return await self._in_one(batch, alike)
        except (InvalidRequest, ImageTooLarge) as error:
            if isinstance(item, ImportedRow):
                raise
            refused = item.candidate.row(RowOutcome.FAILED, words.trouble_of(error))
            return await self._in_one(Batch(first=batch.first, items=[refused]), alike)

    async def _in_one(self, batch: Batch, alike: Mapping[int, Alike]) -> Sequence[ImportedRow]:
        if not batch.photos and self._also is None:
            return [item for item in batch.items if isinstance(item, ImportedRow)]
        work = partial(self._write, batch, alike)
        rows, stored = await self._patience.run(lambda: self._database.run(work))
        if batch.photos:
            last = batch.photos[-1].candidate.person
            self._imagined = {last: stored[last]}
        return rows

    def _write(
        self, batch: Batch, alike: Mapping[int, Alike], records: Records
    ) -> tuple[Sequence[ImportedRow], Mapping[PersonKey, PersonFaces]]:
        if not self._dry_run:
            records.changes.lock()
        people = list({photo.candidate.person: None for photo in batch.photos})
        stored = dict(records.imported.of(people))
        if self._dry_run:
            stored.update({key: faces for key, faces in self._imagined.items() if key in stored})
        rows = list[ImportedRow]()
        for item in batch.items:
            if isinstance(item, ReadPhoto):
                rows.append(self._photo(records, item, stored, alike[id(item)]))
            else:
                rows.append(item)
        if self._also is not None:
            self._also(records, batch.first, rows)
        return rows, stored

    def _photo(
        self, records: Records, photo: ReadPhoto, stored: dict[PersonKey, PersonFaces], alike: Alike
    ) -> ImportedRow:
        of = photo.candidate
        refused = self._rules.refusal(of, stored[of.person])
        if refused is not None:
            return refused
        face_id = 0 if self._dry_run else self._enrol(records, photo, stored[of.person])
        stored[of.person] = with_face(stored[of.person], of, face_id)
        return _enrolled(photo, alike)

    def _enrol(self, records: Records, photo: ReadPhoto, stored: PersonFaces) -> int:
        of = photo.candidate
        if stored.name is None:
            records.people.add(Person(key=of.person, name=name_of(of)))
        replaced = self._replace(records, of, stored)
        face_id = records.imported.add(photo.read.face, of.sha256)
        records.audit.add(
            Action.ENROLLED,
            of.person,
            face_id=face_id,
            model=photo.read.face.model,
            mode=self._rules.mode.value,
            replaced_faces=replaced,
            person_created=stored.name is None,
        )
        return face_id

    def _replace(self, records: Records, of: Candidate, stored: PersonFaces) -> int:
        """Delete the faces that came from no photo of the list; returns how many there were."""
        if self._rules.mode is not ImportMode.REPLACE or not stored.has_faces:
            return 0
        kept = {face_id for sha256, face_id in stored.imported.items() if sha256 in of.siblings}
        old = [face_id for face_id in records.imported.faces_of(of.person) if face_id not in kept]
        return sum(records.faces.remove(face_id) for face_id in old)


def _enrolled(photo: ReadPhoto, alike: Alike) -> ImportedRow:
    troubles = [words.LARGEST_TAKEN] if MULTIPLE_FACES_WARNING in photo.read.warnings else []
    if alike is None:
        return photo.candidate.row(RowOutcome.ENROLLED, words.together(troubles))
    other, similarity = alike
    troubles.append(words.same_face(other, photo.candidate.person, similarity))
    same_face_as = f"{other.type.value} {other.code}"
    return photo.candidate.row(RowOutcome.ENROLLED, words.together(troubles), same_face_as)
