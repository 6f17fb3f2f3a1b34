"""Which of the old server's rows are moved, and what is said of the others."""

import asyncio
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from db import tables
from db.engine import SqlDatabase
from rollcall.core.errors import InternalError, InvalidImage, InvalidRequest, ModelNotLoaded, RollcallError
from rollcall.core.faces import FALLBACK_MODEL, Box, Embedding, Face, Quality, Reading, ReadRequest, Subjects
from rollcall.core.legacy import Outcome, RowReport
from rollcall.core.models import LoadedModel
from rollcall.workflows.legacy_rows import LegacyRows
from rollcall.workflows.migrate_legacy import LegacyRules, MigrateLegacy
from tests.db.foreign import write
from tests.db.rows import OLD_NUMBERS, embedding, old_face, put, read

MODEL = "buffalo_l"
OLD = np.array(OLD_NUMBERS, np.float32)
STRANGER = OLD + np.float32(0.1)  # a distance of 1.13
WHOLE = Box(x=10, y=10, width=100, height=100)
ELSEWHERE = Box(x=300, y=10, width=100, height=100)
SHARP = Quality(score=0.9, face_size="adequate", brightness="good", blur_level="low", reasons=())
BLURRED = Quality(
    score=0.2, face_size="adequate", brightness="good", blur_level="high", reasons=("It is blurred.",)
)


def face(vector: Embedding | None, box: Box = WHOLE, quality: Quality = SHARP) -> Face:
    return Face(box=box, score=0.9, landmarks=np.zeros((5, 2), np.float32), embedding=vector, quality=quality)


@dataclass
class FakeReader:
    """Knows what each picture shows by each model; anything else is no picture."""

    shown: dict[tuple[bytes, str], Sequence[Face] | RollcallError] = field(default_factory=dict)
    most_at_once: int = 0
    _now: int = 0

    def shows(
        self, picture: bytes, by_model: Sequence[Face], by_dlib: Sequence[Face] | RollcallError
    ) -> bytes:
        self.shown[picture, MODEL] = by_model
        self.shown[picture, FALLBACK_MODEL] = by_dlib
        return picture

    async def read(self, request: ReadRequest) -> Reading:
        assert request.embed is not Subjects.NONE
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        await asyncio.sleep(0)
        self._now -= 1
        found = self.shown.get((request.picture, request.model), InvalidImage())
        if isinstance(found, RollcallError):
            raise found
        if request.assess is Subjects.NONE:
            found = [face(one.embedding, one.box, SHARP) for one in found]
        return Reading(content_type="image/jpeg", width=640, height=480, faces=tuple(found))

    async def load(self, model: str) -> LoadedModel:
        raise ModelNotLoaded(model)

    async def unload(self, model: str) -> None:
        raise ModelNotLoaded(model)


def quiet(step: str, done: int, total: int) -> None:
    assert 0 < done <= total, step


def run(
    database: SqlDatabase, faces: FakeReader, *accepted: Outcome, check_quality: bool = True
) -> list[RowReport]:
    rules = LegacyRules(model=MODEL, check_quality=check_quality, accepted=accepted)

    async def reports() -> list[RowReport]:
        rows = LegacyRows(database=database, progress=quiet)
        migrate = MigrateLegacy(rows=rows, database=database, faces=faces, engines=[faces], rules=rules)
        return [report async for report in migrate.run()]

    return asyncio.run(reports())


def plan(database: SqlDatabase) -> list[RowReport]:
    async def reports() -> list[RowReport]:
        return [report async for report in LegacyRows(database=database, progress=quiet).plan()]

    return asyncio.run(reports())


def told(reports: Collection[RowReport]) -> dict[int, tuple[str, str]]:
    return {report.face_id: (report.outcome.value, report.detail) for report in reports}


MATCHING, ODD_ONE = face(OLD), face(STRANGER)
NEW = face(embedding(1))
TWO = (NEW, face(embedding(2), ELSEWHERE))


@pytest.mark.parametrize(
    ("by_model", "by_dlib", "expected"),
    [
        ([NEW], [MATCHING], ("moved", "")),
        ([NEW], [face(STRANGER, ELSEWHERE), MATCHING], ("moved", "")),
        ([], [MATCHING], ("no_face", "")),
        ([face(None)], [MATCHING], ("no_face", "cut off at the border")),
        (TWO, [MATCHING], ("several_faces", "several_faces (2)")),
        (TWO, [ODD_ONE, face(OLD, ELSEWHERE)], ("several_faces", "several_faces (2); no_match")),
        (
            [face(embedding(1), quality=BLURRED)],
            [MATCHING],
            ("poor_quality", "poor_quality (It is blurred.)"),
        ),
        ([NEW], [ODD_ONE], ("no_match", "no_match")),
        ([NEW], [], ("not_compared", "not_compared")),
        ([NEW], [face(OLD, ELSEWHERE)], ("not_compared", "not_compared")),
        ([NEW], InternalError(), ("unreadable_image", "INTERNAL_ERROR")),
    ],
)
def test_a_row_is_moved_only_when_nothing_speaks_against_it(
    database: SqlDatabase,
    by_model: Sequence[Face],
    by_dlib: Sequence[Face] | RollcallError,
    expected: tuple[str, str],
) -> None:
    faces = FakeReader()
    face_id = old_face(database, ImageData=faces.shows(b"picture", by_model, by_dlib))
    [report] = run(database, faces)
    assert (report.face_id, report.type, report.code) == (face_id, "student", "OLD1")
    assert (report.outcome, report.detail) == expected
    assert report.model == (MODEL if expected[0] == "moved" else None)
    [(descriptor,)] = read(database, "SELECT FaceDescriptor FROM FaceData")
    assert (json.loads(descriptor) == OLD_NUMBERS) is (expected[0] != "moved")


def test_the_similarity_is_that_of_dlib_with_the_old_descriptor(database: SqlDatabase) -> None:
    faces = FakeReader()
    near = OLD + np.float32(0.01)
    old_face(database, ImageData=faces.shows(b"picture", [NEW], [face(near)]))
    [report] = run(database, faces)
    assert report.similarity == pytest.approx(1 - np.linalg.norm(near - OLD) * 2 / 3)


def test_doubts_can_be_overruled_each_by_itself(database: SqlDatabase) -> None:
    faces = FakeReader()
    both = [face(embedding(1), quality=BLURRED), face(embedding(2), ELSEWHERE)]
    face_id = old_face(database, ImageData=faces.shows(b"both", both, [MATCHING]))
    assert told(run(database, faces, Outcome.SEVERAL_FACES))[face_id][0] == "poor_quality"
    assert told(run(database, faces, Outcome.POOR_QUALITY))[face_id][0] == "several_faces"
    assert told(run(database, faces, Outcome.SEVERAL_FACES, check_quality=False)) == {
        face_id: ("moved", "accepted: several_faces (2)")
    }


def test_the_largest_face_must_be_the_right_one_even_where_several_are_accepted(
    database: SqlDatabase,
) -> None:
    faces = FakeReader()
    face_id = old_face(database, ImageData=faces.shows(b"two", TWO, [ODD_ONE, face(OLD, ELSEWHERE)]))
    assert told(run(database, faces, Outcome.SEVERAL_FACES))[face_id][0] == "no_match"


def test_running_again_goes_on_with_what_is_left(database: SqlDatabase) -> None:
    faces = FakeReader()
    right = faces.shows(b"right", [NEW], [MATCHING])
    ids = [old_face(database, code=f"c{n}", ImageData=right) for n in range(5)]
    unreadable = old_face(database, ImageData=b"no picture")
    none = old_face(database, ImageData=None)
    put(database, tables.student, {"StudentCode": "lent", "StudentImage": right})
    lent = old_face(database, code="LENT", ImageData=None)
    expected = {
        **{face_id: ("to_move", "own_picture") for face_id in [*ids, unreadable]},
        none: ("no_image", ""),
        lent: ("to_move", "person_picture"),
    }
    assert told(plan(database)) == expected
    first = run(database, faces)
    assert [report.face_id for report in first] == [*ids, unreadable, none, lent]
    assert told(first) == {
        **{face_id: ("moved", "") for face_id in [*ids, lent]},
        unreadable: ("unreadable_image", "INVALID_IMAGE"),
        none: ("no_image", ""),
    }
    faces.shows(b"no picture", [NEW], [MATCHING])
    write(database, "UPDATE FaceData SET FaceDescriptor = '[]' WHERE Id = :id", id=ids[0])
    second = told(run(database, faces))
    assert second[ids[0]] == ("changed", "after it was moved")
    assert second[ids[1]] == ("moved", "before")
    assert second[unreadable] == ("moved", "")
    assert told(plan(database))[unreadable] == ("moved", "before")


class ChangingReader(FakeReader):
    """Somebody else changes the row while its picture is read."""

    database: SqlDatabase

    async def read(self, request: ReadRequest) -> Reading:
        write(self.database, "UPDATE FaceData SET FaceDescriptor = '[1]'")
        return await super().read(request)


def test_a_row_that_is_changed_while_it_is_read_stays_as_it_is(database: SqlDatabase) -> None:
    faces = ChangingReader()
    faces.database = database
    old_face(database, ImageData=faces.shows(b"picture", [NEW], [MATCHING]))
    [report] = run(database, faces)
    assert (report.outcome, report.detail) == ("changed", "while it was read; run this again")
    assert read(database, "SELECT FaceDescriptor FROM FaceData") == [("[1]",)]


def test_a_model_that_is_gone_ends_the_run_and_what_was_moved_stays(database: SqlDatabase) -> None:
    faces = FakeReader()
    moved = old_face(database, ImageData=faces.shows(b"right", [NEW], [MATCHING]))
    for n in range(3):
        old_face(database, ImageData=faces.shows(b"gone%d" % n, [NEW], ModelNotLoaded()))
    with pytest.raises(ModelNotLoaded):
        run(database, faces)
    assert read(database, "SELECT FaceId FROM RollcallOldDescriptors") == [(moved,)]


def test_dlib_reads_one_picture_at_a_time(database: SqlDatabase) -> None:
    model, dlib = FakeReader(), FakeReader()
    for n in range(12):
        picture = model.shows(b"%d" % n, [NEW], [MATCHING])
        old_face(database, ImageData=dlib.shows(picture, [NEW], [MATCHING]))

    async def run_all() -> list[RowReport]:
        rules = LegacyRules(model=MODEL, check_quality=True)
        rows = LegacyRows(database=database, progress=quiet)
        migrate = MigrateLegacy(rows=rows, database=database, faces=model, engines=[dlib], rules=rules)
        return [report async for report in migrate.run()]

    assert {report.outcome for report in asyncio.run(run_all())} == {Outcome.MOVED}
    assert dlib.most_at_once == 1


def test_faces_without_transactions_are_not_begun_with(mysql_database: SqlDatabase) -> None:
    faces = FakeReader()
    old_face(mysql_database, ImageData=faces.shows(b"right", [NEW], [MATCHING]))
    write(mysql_database, "ALTER TABLE FaceData ENGINE=MyISAM")
    with pytest.raises(InvalidRequest, match="MyISAM"):
        run(mysql_database, faces)
