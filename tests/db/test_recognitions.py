"""RollcallRecognitions: what was answered, and what feedback said of it."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from db import tables
from db.engine import SqlDatabase, open_database
from db.erasing import SqlEraser
from rollcall.core.erasure import Erasure
from rollcall.core.errors import InvalidRequest, NotFound
from rollcall.core.feedback import (
    Accuracy,
    AnsweredFace,
    AnsweredPicture,
    Feedback,
    Judgement,
)
from rollcall.core.matching import Match
from rollcall.core.observing import FeedbackOutcome
from rollcall.core.people import PersonKey
from rollcall.workflows.erase import Erase
from rollcall.workflows.retain_logs import RetainLogs
from rollcall.workflows.take_feedback import TakeFeedback
from tests.db.rows import put, read, student, teacher

COLUMNS = "Face, Model, MatchedBy, PersonType, PersonCode, Similarity, Correct, ActualCode"
NOBODY = AnsweredFace(match=None, similarity=0.25)


class FeedbackCounts:
    """Implements core.feedback.FeedbackCounter."""

    def __init__(self) -> None:
        self.counts = Counter[tuple[str, FeedbackOutcome]]()

    def feedback(self, model: str, outcome: FeedbackOutcome) -> None:
        self.counts[model, outcome] += 1


def face_of(person: PersonKey, similarity: float = 0.75, model: str = "buffalo_l") -> AnsweredFace:
    match = Match(person=person, model=model, similarity=similarity, confidence=0.9)
    return AnsweredFace(match=match, similarity=similarity)


def answered(database: SqlDatabase, *faces: AnsweredFace, model: str = "buffalo_l") -> str:
    """Store a picture's answer; returns its id."""
    picture = AnsweredPicture(model=model, faces=faces)
    with database.transaction() as records:
        records.recognitions.add([picture])
    return picture.recognition_id


def tell(
    database: SqlDatabase,
    recognition_id: str,
    correct: bool,
    code: str | None = None,
    counter: FeedbackCounts | None = None,
) -> Judgement:
    feedback = Feedback(recognition_id=recognition_id, correct=correct, person_code=code)
    workflow = TakeFeedback(database=database, counter=counter or FeedbackCounts())
    return asyncio.run(workflow.run(feedback))


def rows(database: SqlDatabase, columns: str = COLUMNS) -> list[tuple[Any, ...]]:
    return list(read(database, f"SELECT {columns} FROM RollcallRecognitions ORDER BY Id"))


def test_every_face_of_a_picture_is_a_row(database: SqlDatabase) -> None:
    recognition_id = answered(
        database, face_of(student("ÉTÉ-1")), NOBODY, face_of(teacher("T1"), 0.5, "face_recognition")
    )
    answered(database, model="other")
    nothing_to_compare = AnsweredFace(match=None, similarity=None)
    answered(database, nothing_to_compare, AnsweredFace(match=None, similarity=float("nan")))
    assert rows(database) == [
        (1, "buffalo_l", "buffalo_l", "student", "ÉTÉ-1", 0.75, None, None),
        (2, "buffalo_l", None, None, None, 0.25, None, None),
        (3, "buffalo_l", "face_recognition", "teacher", "T1", 0.5, None, None),
        (0, "other", None, None, None, None, None, None),
        (1, "buffalo_l", None, None, None, None, None, None),
        (2, "buffalo_l", None, None, None, None, None, None),
    ]
    assert [row[0] for row in rows(database, "RecognitionId")][:3] == [recognition_id] * 3


def test_several_pictures_are_added_at_once(database: SqlDatabase) -> None:
    pictures = [AnsweredPicture(model="buffalo_l", faces=[NOBODY] * 2) for _ in range(300)]
    with database.transaction() as records:
        records.recognitions.add(pictures)
        records.recognitions.add([])
        assert len(records.recognitions.take(pictures[299].recognition_id)) == 2
    assert read(database, "SELECT COUNT(*), COUNT(DISTINCT RecognitionId) FROM RollcallRecognitions") == [
        (600, 300)
    ]


def test_feedback_is_kept_and_counted(database: SqlDatabase) -> None:
    counts = FeedbackCounts()
    first, second = answered(database, face_of(student("S1"))), answered(database, NOBODY, model="other")
    tell(database, first, True, "s1 ", counter=counts)
    tell(database, second, False, "S2", counter=counts)
    assert rows(database, "Correct, ActualCode") == [(1, None), (0, "S2")]
    assert counts.counts == {("buffalo_l", "true_match"): 1, ("other", "false_non_match"): 1}


def test_the_same_feedback_counts_once_and_other_feedback_anew(database: SqlDatabase) -> None:
    counts = FeedbackCounts()
    recognition_id = answered(database, face_of(student("S1")))
    for correct, code in [(True, None), (True, "S1"), (False, "S2"), (False, None), (False, "S3")]:
        tell(database, recognition_id, correct, code, counter=counts)
    assert rows(database, "Correct, ActualCode") == [(0, "S3")]
    assert counts.counts == {("buffalo_l", "true_match"): 1, ("buffalo_l", "false_match"): 1}
    tell(database, recognition_id, True, counter=counts)
    assert rows(database, "Correct, ActualCode") == [(1, None)]
    assert counts.counts["buffalo_l", FeedbackOutcome.TRUE_MATCH] == 2


def test_somebody_who_was_missed_beside_others_gets_a_row_as_old_as_theirs(database: SqlDatabase) -> None:
    counts = FeedbackCounts()
    recognition_id = answered(database, face_of(student("S1")), face_of(student("S2")))
    with database.connection() as connection:
        connection.exec_driver_sql("UPDATE RollcallRecognitions SET CreatedDate = '2026-01-02 03:04:05'")
    tell(database, recognition_id, False, "S3", counter=counts)
    tell(database, recognition_id, False, "s3", counter=counts)
    assert rows(database)[2:] == [(None, "buffalo_l", None, None, None, None, 0, "S3")]
    assert len({str(row[0]) for row in rows(database, "CreatedDate")}) == 1
    assert counts.counts == {("buffalo_l", "false_non_match"): 1}
    tell(database, recognition_id, True, counter=counts)
    assert rows(database, "Face, Correct") == [(1, 1), (2, 1)]


def test_feedback_touches_no_other_picture(database: SqlDatabase) -> None:
    answered(database, face_of(student("S1")))
    tell(database, answered(database, face_of(student("S1"))), False, "S2")
    assert rows(database, "Correct, ActualCode") == [(None, None), (0, "S2")]


def test_what_is_refused_changes_nothing(database: SqlDatabase) -> None:
    recognition_id = answered(database, face_of(student("S1")))
    with pytest.raises(NotFound):
        tell(database, "f" * 32, True)
    with pytest.raises(InvalidRequest):
        tell(database, recognition_id, True, "S2")
    assert rows(database, "Correct, ActualCode") == [(None, None)]


@pytest.fixture
def servers(database: SqlDatabase, database_url: str) -> Iterator[list[SqlDatabase]]:
    others = [open_database(database_url, 1) for _ in range(5)]
    yield [database, *others]
    for other in others:
        other.close()


@pytest.mark.parametrize(("code", "outcome"), [("S1", "false_match"), ("S9", "false_non_match")])
def test_the_same_feedback_to_several_servers_at_once_counts_once(
    servers: list[SqlDatabase], code: str, outcome: str
) -> None:
    for _ in range(5):
        counts = [FeedbackCounts() for _ in servers]
        recognition_id = answered(servers[0], face_of(student("S1")), face_of(student("S2")))
        with ThreadPoolExecutor(len(servers)) as pool:
            told = [
                pool.submit(tell, server, recognition_id, False, code, each)
                for server, each in zip(servers, counts, strict=True)
            ]
            judgements = [each.result() for each in told]
        counted = [one for each in counts for one in each.counts.elements()]
        assert counted == [("buffalo_l", outcome)]
        assert all(len(judgement.judged) == 1 for judgement in judgements)
        query = f"SELECT COUNT(*) FROM RollcallRecognitions WHERE RecognitionId = '{recognition_id}'"
        assert read(servers[0], query) == [(2 if code == "S1" else 3,)]


def test_accuracy_is_summed_up_by_model(database: SqlDatabase) -> None:
    tell(database, answered(database, face_of(student("S1"), 0.5), NOBODY), True)
    tell(database, answered(database, face_of(student("S1"), 0.75)), False)
    tell(database, answered(database, NOBODY), False, "S2")
    tell(database, answered(database), False, "S2")
    answered(database, face_of(student("S1"), 0.25))
    answered(database, NOBODY, model="other")
    with database.transaction() as records:
        assert records.recognitions.accuracy(None) == [
            Accuracy(
                model="buffalo_l",
                faces=5,
                matches=3,
                mean_similarity=0.5,
                true_matches=1,
                false_matches=1,
                true_non_matches=1,
                false_non_matches=2,
            ),
            Accuracy(
                model="other",
                faces=1,
                matches=0,
                mean_similarity=None,
                true_matches=0,
                false_matches=0,
                true_non_matches=0,
                false_non_matches=0,
            ),
        ]


def test_accuracy_since_a_moment_leaves_out_what_was_before(database: SqlDatabase) -> None:
    for day in (1, 2, 3):
        put(
            database,
            tables.recognitions,
            {
                "RecognitionId": str(day) * 32,
                "Face": 1,
                "Model": "buffalo_l",
                "CreatedDate": datetime(2026, 3, day, 8),
            },
        )
    counts = {datetime(2026, 3, 2, 8): 2, datetime(2026, 3, 2, 8, 1): 1, datetime(2026, 3, 1): 3}
    with database.transaction() as records:
        for since, faces in counts.items():
            assert [each.faces for each in records.recognitions.accuracy(since)] == [faces]
        assert records.recognitions.accuracy(datetime(2027, 1, 1)) == []


def test_rows_that_name_an_erased_person_go(database: SqlDatabase) -> None:
    kept = [answered(database, face_of(teacher("S1"))), answered(database, NOBODY)]
    gone = answered(database, face_of(student("s1 ")))
    tell(database, answered(database, face_of(student("S2"))), False, "S1")
    group = answered(database, face_of(student("S1")), face_of(student("S2")))
    receipt = Erase(eraser=SqlEraser(database)).run(Erasure(person=student("S1")))
    assert '"RollcallRecognitions": 3' in receipt.to_json()
    assert rows(database, "RecognitionId, PersonCode") == [(kept[0], "S1"), (kept[1], None), (group, "S2")]
    assert read(database, "SELECT COUNT(*) FROM RollcallRecognitions WHERE ActualCode IS NOT NULL") == [(0,)]
    with pytest.raises(NotFound):
        tell(database, gone, True)
    assert len(tell(database, group, True).judged) == 1


def test_who_it_was_goes_with_a_student_or_a_teacher_of_that_code(database: SqlDatabase) -> None:
    tell(database, answered(database, NOBODY), False, "ÉTÉ-1")
    Erase(eraser=SqlEraser(database)).run(Erasure(person=teacher("été-1")))
    assert rows(database) == []


def aged(database: SqlDatabase, days: float) -> str:
    """Store an answer of so many days ago; returns its id."""
    with database.connection() as connection:
        [now] = connection.exec_driver_sql("SELECT CURRENT_TIMESTAMP").one()
    now = now if isinstance(now, datetime) else datetime.fromisoformat(now)
    recognition_id = f"{int(days):032d}"
    row = {"RecognitionId": recognition_id, "Face": 1, "Model": "buffalo_l"}
    put(database, tables.recognitions, {**row, "CreatedDate": now - timedelta(days=days)})
    return recognition_id


def test_answers_older_than_the_retention_of_the_log_are_deleted(database: SqlDatabase) -> None:
    old, kept = aged(database, 31), aged(database, 29)
    new = answered(database, NOBODY)
    assert asyncio.run(RetainLogs(database=database, days=None).round()) == 0
    assert asyncio.run(RetainLogs(database=database, days=30).round()) == 1
    assert rows(database, "RecognitionId") == [(kept,), (new,)]
    with pytest.raises(NotFound):
        tell(database, old, True)
    assert asyncio.run(RetainLogs(database=database, days=1).round()) == 1
    assert rows(database, "RecognitionId") == [(new,)]
