"""How a list goes through: in its order, some photos at a time, and nothing lost to a fault of the moment."""

import asyncio
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from db.engine import SqlDatabase, open_database
from db.migrate import migrate
from rollcall.core.calibration import GENERIC
from rollcall.core.errors import DatabaseError, InternalError, NoFaceDetected, RollcallError, RunnerAway
from rollcall.core.faces import Reading
from rollcall.core.imports import (
    ImportedRow,
    ImportMode,
    ImportOrder,
    ListedPerson,
    PhotoTrouble,
    RowOutcome,
    Trouble,
)
from rollcall.core.models import ActiveModel, LoadedModel
from rollcall.core.people import PersonType
from rollcall.gallery.gallery import FaceGallery
from rollcall.workflows.bulk_import import BulkImport
from rollcall.workflows.new_faces import NewFaces
from rollcall.workflows.patience import Patience
from rollcall.workflows.probes import FacePolicy
from rollcall.workflows.read_photos import ReadPhotos
from rollcall.workflows.store_photos import Also
from tests.db.rows import read
from tests.unit.rollcall.workflows.readers import ScriptedReader, face_of, reading_of

WIDTH = 4
GONE = Trouble(code="PHOTO_MISSING", reason="There is none.", what_to_do="Put it there.")


class OneModel:
    """core.ports.Models and ModelFiles with one model."""

    def active(self) -> ActiveModel:
        return ActiveModel(name="pack", backend="none", min_similarity=0.6, calibration=GENERIC)

    def named(self, name: str) -> ActiveModel | None:
        return self.active() if name == "pack" else None

    async def ensure(self, name: str) -> LoadedModel:
        return LoadedModel(name=name, backend="none", dimension=8)


class Listed:
    """core.imports.PhotoList of one photo a person, whose bytes are its name."""

    def __init__(self, *codes: str, names: Mapping[str, str] | None = None, gone: Sequence[str] = ()) -> None:
        self._codes = codes
        self._names = names or {}
        self._gone = gone

    def people(self) -> Iterator[ListedPerson]:
        for number, code in enumerate(self._codes):
            name = self._names.get(code, f"Name of {code}")
            yield ListedPerson(line=number + 2, code=code, name=name, photos=self.photos_of(code))

    def photos_of(self, code: str) -> tuple[str, ...]:
        return (f"{code}.jpg",)

    def read(self, photo: str) -> bytes:
        if photo.removesuffix(".jpg") in self._gone:
            raise PhotoTrouble(GONE)
        return photo.encode("utf-8", "surrogateescape")


def seen_in(picture: bytes) -> Reading | RollcallError:
    """Everybody has a face of their own."""
    vector = np.random.default_rng(zlib.crc32(picture)).normal(size=512).astype(np.float32)
    return reading_of(face_of(vector / np.linalg.norm(vector)))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqlDatabase]:
    database = open_database(f"sqlite:///{tmp_path}/rollcall.db", pool_size=3)
    migrate(database)
    yield database
    database.close()


def bulk_import(database: SqlDatabase, reader: ScriptedReader, patience: float = 30) -> BulkImport:
    models = OneModel()
    patient = Patience(patience, retry_seconds=0.01)
    policy = FacePolicy(reject_multiple=False)
    return BulkImport(
        read=ReadPhotos(
            new_faces=NewFaces(models=models, files=models, faces=reader, policy=policy, check_quality=False),
            database=database,
            patience=patient,
            width=WIDTH,
        ),
        database=database,
        gallery=FaceGallery(database, limit=30),
        models=models,
        patience=patient,
        create_people=True,
    )


def order(photos: Listed, *, dry_run: bool = False, begin_at: int = 0) -> ImportOrder:
    return ImportOrder(
        photos=photos,
        person_type=PersonType.STUDENT,
        mode=ImportMode.REJECT,
        dry_run=dry_run,
        begin_at=begin_at,
    )


def run(of: BulkImport, wanted: ImportOrder, also: Also | None = None) -> list[ImportedRow]:
    async def rows() -> list[ImportedRow]:
        return [row async for some in of.run(wanted, also) for row in some]

    return asyncio.run(rows())


def stored(database: SqlDatabase) -> list[str]:
    return [code for (code,) in read(database, "SELECT PersonCode FROM FaceData ORDER BY Id")]


CODES = [f"S{number:03}" for number in range(150)]


def test_rows_come_in_the_lists_order_and_are_stored_in_it(database: SqlDatabase) -> None:
    rows = run(bulk_import(database, ScriptedReader(seen_in)), order(Listed(*CODES)))
    assert [row.code for row in rows] == CODES == stored(database)
    assert [row.line for row in rows] == list(range(2, 152))


def test_so_many_photos_are_in_flight_and_no_more(database: SqlDatabase) -> None:
    most = 0

    def watched(picture: bytes) -> Reading | RollcallError:
        nonlocal most
        most = max(most, reader.inside + 1)
        return seen_in(picture)

    reader = ScriptedReader(watched)
    run(bulk_import(database, reader), order(Listed(*CODES)))
    assert most <= WIDTH


def test_a_row_that_fails_takes_no_other_with_it(database: SqlDatabase) -> None:
    def without_third(picture: bytes) -> Reading | RollcallError:
        return NoFaceDetected() if picture == b"S003.jpg" else seen_in(picture)

    photos = Listed(*CODES[:8], gone=["S001"])
    rows = run(bulk_import(database, ScriptedReader(without_third)), order(photos))
    failed = {row.code: row.trouble.code for row in rows if row.trouble}
    assert failed == {"S001": "PHOTO_MISSING", "S003": "NO_FACE_DETECTED"}
    assert stored(database) == [code for code in CODES[:8] if code not in failed]


def test_a_runner_that_is_away_for_a_moment_fails_no_row(database: SqlDatabase) -> None:
    times = dict.fromkeys((b"S002.jpg", b"S005.jpg"), 0)

    def away_at_first(picture: bytes) -> Reading | RollcallError:
        if picture in times and times[picture] < 3:
            times[picture] += 1
            return RunnerAway()
        return seen_in(picture)

    rows = run(bulk_import(database, ScriptedReader(away_at_first)), order(Listed(*CODES[:8])))
    assert {row.outcome for row in rows} == {RowOutcome.ENROLLED}


def test_without_patience_left_it_ends_and_what_is_stored_stays(database: SqlDatabase) -> None:
    def away_at_last(picture: bytes) -> Reading | RollcallError:
        return RunnerAway() if picture > b"S100.jpg" else seen_in(picture)

    with pytest.raises(RunnerAway):
        run(bulk_import(database, ScriptedReader(away_at_last), patience=0), order(Listed(*CODES)))
    known = stored(database)
    assert 32 <= len(known) <= 101
    rows = run(bulk_import(database, ScriptedReader(seen_in)), order(Listed(*CODES)))
    assert [row.outcome for row in rows].count(RowOutcome.SKIPPED) == len(known)
    assert stored(database) == CODES


def test_a_fault_of_the_moment_is_not_the_photos(database: SqlDatabase) -> None:
    failed = list[bytes]()

    def once(picture: bytes) -> Reading | RollcallError:
        if picture == b"S001.jpg" and picture not in failed:
            failed.append(picture)
            return InternalError()
        return seen_in(picture)

    rows = run(bulk_import(database, ScriptedReader(once)), order(Listed("S001", "S002")))
    assert [row.outcome for row in rows] == [RowOutcome.ENROLLED] * 2


def test_rows_that_were_done_before_are_left_out(database: SqlDatabase) -> None:
    reader = ScriptedReader(seen_in)
    rows = run(bulk_import(database, reader), order(Listed(*CODES), begin_at=70))
    assert [row.code for row in rows] == CODES[70:]
    assert b"S069.jpg" not in reader.read_so_far


def test_what_is_done_besides_is_in_the_same_transaction(database: SqlDatabase) -> None:
    seen = list[tuple[int, int]]()

    def also(_records: object, first: int, rows: Sequence[ImportedRow]) -> None:
        seen.append((first, len(rows)))
        if first > 64:
            raise DatabaseError("No more of it.")

    with pytest.raises(DatabaseError):
        run(bulk_import(database, ScriptedReader(seen_in), patience=0), order(Listed(*CODES)), also)
    assert seen[:3] == [(1, 32), (33, 32), (65, 32)]
    assert stored(database) == CODES[:64]


def test_two_codes_of_one_face_are_told_within_a_batch_and_between_batches(database: SqlDatabase) -> None:
    def same_faces(picture: bytes) -> Reading | RollcallError:
        return seen_in(b"S000.jpg" if picture in (b"S001.jpg", b"S140.jpg") else picture)

    wanted = Listed(*CODES)
    for dry_run in (True, False):
        rows = run(bulk_import(database, ScriptedReader(same_faces)), order(wanted, dry_run=dry_run))
        alike = {row.code: row.same_face_as for row in rows if row.same_face_as}
        assert set(alike) == {"S001", "S140"}
        assert alike["S001"] == "student S000"
        assert alike["S140"] in ("student S000", "student S001")
        assert stored(database) == ([] if dry_run else CODES)


def test_a_dry_run_tells_the_same_photo_of_a_person_as_the_import_does(database: SqlDatabase) -> None:
    class Twice(Listed):
        def people(self) -> Iterator[ListedPerson]:
            for code in CODES[:40]:
                yield ListedPerson(line=2, code=code, name="A", photos=("a.jpg", "b.jpg", "c.jpg"))

        def read(self, photo: str) -> bytes:
            return b"another" if photo == "b.jpg" else b"the same"

    outcomes = []
    for dry_run in (True, False):
        rows = run(bulk_import(database, ScriptedReader(seen_in)), order(Twice(), dry_run=dry_run))
        outcomes.append([row.outcome for row in rows])
    assert outcomes[0] == outcomes[1]
    assert outcomes[0] == [RowOutcome.ENROLLED, RowOutcome.ENROLLED, RowOutcome.SKIPPED] * 40


class Several(Listed):
    """Three photos a person."""

    def photos_of(self, code: str) -> tuple[str, ...]:
        return tuple(f"{code}/{name}.jpg" for name in "abc")


@pytest.mark.parametrize("begin_at", [0, 2, 4])
def test_each_photo_of_a_code_that_cannot_be_one_has_a_row(database: SqlDatabase, begin_at: int) -> None:
    wanted = order(Several("S001", "far-too-long-a-code", "S002"), begin_at=begin_at)
    rows = run(bulk_import(database, ScriptedReader(seen_in)), wanted)
    every = [*["enrolled"] * 3, *["failed"] * 3, *["enrolled"] * 3]
    assert [row.outcome for row in rows] == every[begin_at:]
    assert len(every) == sum(person.rows for person in wanted.photos.people())
    assert {row.photo for row in rows if row.outcome is RowOutcome.FAILED} <= {
        f"far-too-long-a-code/{name}.jpg" for name in "abc"
    }


def test_a_photo_whose_name_is_no_unicode_is_enrolled_with_the_others(database: SqlDatabase) -> None:
    class Old(Listed):
        def photos_of(self, code: str) -> tuple[str, ...]:
            return (f"{code}/L\udcf6we.jpg",)

    rows = run(bulk_import(database, ScriptedReader(seen_in)), order(Old(*CODES[:3])))
    assert [row.outcome for row in rows] == [RowOutcome.ENROLLED] * 3
    assert stored(database) == CODES[:3]


def test_rows_that_are_too_much_for_the_database_together_are_stored_one_by_one(
    database: SqlDatabase,
) -> None:
    def also(_records: object, _first: int, rows: Sequence[ImportedRow]) -> None:
        if len(rows) > 1:
            raise DatabaseError("The database did not answer in time.")

    rows = run(bulk_import(database, ScriptedReader(seen_in), patience=0), order(Listed(*CODES)), also)
    assert [row.outcome for row in rows] == [RowOutcome.ENROLLED] * len(CODES)
    assert stored(database) == CODES
