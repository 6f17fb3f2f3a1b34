"""Which rows of an archive are those of the table."""

from pathlib import Path
from typing import Any

import pytest

from db import tables
from db.engine import SqlDatabase, open_database
from db.migrate import migrate
from rollcall.core.backup import Section
from tests.backups import create, everything, restore, run
from tests.db.rows import old_face, put

SAME: dict[str, Any] = {"OriginalName": "a.jpg", "ContentType": "image/jpeg", "CreatedDate": None}


@pytest.mark.parametrize("descriptor", [None, "", "[0.5]"])
def test_faces_that_look_the_same_are_restored_each(
    database: SqlDatabase, tmp_path: Path, descriptor: str | None
) -> None:
    for number in range(3):
        face_id = old_face(database, descriptor=descriptor, ImageData=bytes([number]), **SAME)
        put(database, tables.embeddings, {"FaceId": face_id, "Model": "m", "Vector": bytes([number])})
    before = everything(database)
    create(database, tmp_path / "a")
    run(database, "DELETE FROM FaceData WHERE Id < 3")
    for added in (2, 0):
        assert restore(database, tmp_path / "a").tallies[Section.FACES].added == added
        after = everything(database)
        assert after[Section.FACES] == before[Section.FACES]
        assert [row[1:] for row in sorted(after[Section.EMBEDDINGS], key=lambda row: str(row[1]))] == [
            row[1:] for row in before[Section.EMBEDDINGS]
        ]


def test_faces_that_got_other_ids_are_found_again(database: SqlDatabase, tmp_path: Path) -> None:
    for number in range(3):
        old_face(database, descriptor=None, ImageData=bytes([number]), **SAME)
    create(database, tmp_path / "a")
    run(database, "UPDATE FaceData SET PersonCode = 'another'")
    for added in (3, 0):
        assert restore(database, tmp_path / "a").tallies[Section.FACES].added == added
    run(database, "DELETE FROM FaceData WHERE Id = 5")
    assert restore(database, tmp_path / "a").tallies[Section.FACES].added == 1


def test_an_empty_descriptor_says_nothing_of_a_face(database: SqlDatabase, tmp_path: Path) -> None:
    old_face(database, descriptor="", OriginalName="a.jpg")
    create(database, tmp_path / "a")
    run(database, "DELETE FROM FaceData")
    put(database, tables.face_data, {"Id": 9, "PersonType": "student", "PersonCode": "OLD1"})
    run(database, "UPDATE FaceData SET FaceDescriptor = '', OriginalName = 'b.jpg'")
    assert restore(database, tmp_path / "a").tallies[Section.FACES].added == 1


def test_a_log_is_the_same_on_every_database(database: SqlDatabase, tmp_path: Path) -> None:
    odd = open_database(f"sqlite:///{tmp_path}/odd.db", pool_size=1)
    migrate(odd)
    for confidence, date in (
        (0.98765, "2026-03-01 12:30:00.999999"),
        (0.123449, "2026-03-01T12:30:00"),
        (1e-9, "2026-03-01T12:30:00.5"),
        (None, "2026-03-01"),
        (0.5, None),
    ):
        put(odd, tables.face_recognition_logs, {"Confidence": confidence})
        if date:
            run(
                odd,
                f"UPDATE FaceRecognitionLogs SET RecognitionDate = '{date}' WHERE RecognitionDate IS NULL",
            )
    create(odd, tmp_path / "a")
    odd.close()
    for added in (5, 0):
        assert restore(database, tmp_path / "a").tallies[Section.LOGS].added == added
