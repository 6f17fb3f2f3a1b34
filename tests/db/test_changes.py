"""The change table, and the lock that keeps it in order."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import event

from db import tables
from db.changes import FOLLOW_LIMIT, SqlChanges
from db.engine import SqlDatabase
from rollcall.core.people import Person
from rollcall.core.records import (
    EMPTY_LOG,
    EVERYTHING,
    SHARED,
    AttendanceStatus,
    News,
    Position,
    RecognitionAttempt,
)
from tests.db.rows import new_face, read, student


def after(database: SqlDatabase, position: Position) -> News:
    with database.transaction() as records:
        return records.changes.after(position)


def append(database: SqlDatabase, *face_ids: int) -> Position:
    """Returns where the log then stands."""
    with database.transaction() as records:
        records.changes.append(face_ids)
        return records.changes.latest()


def put_log(database: SqlDatabase, *rows: tuple[int, int | None]) -> None:
    """Numbers and stamps in place of all that was there, as a restored backup would."""
    with database.connection() as connection:
        connection.execute(tables.changes.delete())
        for number, stamp in rows:
            row = {"Id": number, "FaceId": 100 + number, "Stamp": stamp}
            connection.execute(tables.changes.insert().values(row))


def test_changes_are_told_once(database: SqlDatabase) -> None:
    start = append(database, 1)
    with database.transaction() as records:
        first = records.faces.add(new_face())
    news = after(database, start)
    assert news.changed == frozenset({first})
    with database.transaction() as records:
        assert news.position == records.changes.latest()
        records.faces.remove(first)
        later = records.changes.after(news.position)
        assert later.position != news.position
        assert later.changed == frozenset({first})
        assert records.changes.after(later.position) == News(position=later.position, changed=frozenset())


def test_many_changes_of_one_transaction_are_told_together(database: SqlDatabase) -> None:
    start = append(database, 1)
    end = append(database, 2, 3, 2, SHARED)
    assert end.number == start.number + 4
    assert after(database, start) == News(position=end, changed=frozenset({2, 3, SHARED}))


def test_numbers_follow_one_another_also_where_a_transaction_is_rolled_back(database: SqlDatabase) -> None:
    append(database, 1, 2)

    def append_and_fail() -> None:
        with database.transaction() as records:
            records.changes.append([3])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        append_and_fail()
    append(database, 4)
    assert read(database, "SELECT Id, FaceId FROM RollcallChanges ORDER BY Id") == [(1, 1), (2, 2), (3, 4)]


def test_each_change_has_a_stamp_of_its_own(database: SqlDatabase) -> None:
    append(database, *range(1, 101))
    stamps = [stamp for (stamp,) in read(database, "SELECT Stamp FROM RollcallChanges")]
    assert len(set(stamps)) == 100
    assert all(0 <= stamp < 2**63 for stamp in stamps)
    assert max(stamps) > 2**55


def test_looking_for_news_is_one_statement(database: SqlDatabase) -> None:
    append(database, 1)
    statements: list[str] = []
    with database.connection() as connection:
        position = SqlChanges(connection).latest()

        @event.listens_for(connection, "before_cursor_execute")
        def _note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            statements.append(statement)

        assert SqlChanges(connection).after(position).changed == frozenset()
    assert len(statements) == 1


def test_nothing_new_in_an_empty_log(database: SqlDatabase) -> None:
    with database.transaction() as records:
        assert records.changes.latest() == EMPTY_LOG
    assert after(database, EMPTY_LOG) == News(position=EMPTY_LOG, changed=frozenset())


def test_the_first_change_of_all_means_that_all_is_read_anew(database: SqlDatabase) -> None:
    # An empty log has no stamp: this may be the log of another database that was restored meanwhile.
    end = append(database, 1)
    assert after(database, EMPTY_LOG) == News(position=end, changed=None)


def test_a_gap_means_that_all_is_read_anew(database: SqlDatabase) -> None:
    start = append(database, 1)
    end = append(database, 2, 3, 4)
    with database.connection() as connection:
        connection.execute(tables.changes.delete().where(tables.changes.c.Id == end.number - 1))
    assert after(database, start) == News(position=end, changed=None)
    assert after(database, end).changed == frozenset()


def test_a_lost_end_means_that_all_is_read_anew(database: SqlDatabase) -> None:
    start = append(database, 1)
    end = append(database, 2, 3)
    put_log(database, (start.number, start.stamp))
    assert after(database, end) == News(position=start, changed=None)


@pytest.mark.parametrize("last", [2, 3, 9])
def test_a_restored_backup_is_known_by_its_stamps_however_far_it_has_grown(
    database: SqlDatabase, last: int
) -> None:
    append(database, 1)
    position = append(database, 2, 3)
    assert position.number == 3
    put_log(database, *((number, 1000 + number) for number in range(1, last + 1)))
    restored = Position(number=last, stamp=1000 + last)
    assert after(database, position) == News(position=restored, changed=None)


def test_an_emptied_log_means_that_all_is_read_anew_once(database: SqlDatabase) -> None:
    position = append(database, 1, 2)
    put_log(database)
    assert after(database, position) == News(position=EMPTY_LOG, changed=None)
    assert after(database, EMPTY_LOG).changed == frozenset()
    end = append(database, 1, 2, 3)
    assert after(database, position) == News(position=end, changed=None)


def test_everything_means_that_all_is_read_anew(database: SqlDatabase) -> None:
    start = append(database, 1)
    append(database, EVERYTHING)
    end = append(database, 2)
    assert after(database, start) == News(position=end, changed=None)
    assert after(database, end).changed == frozenset()


def test_changes_of_an_older_version_which_have_no_stamps_are_followed(database: SqlDatabase) -> None:
    put_log(database, (4, None), (5, None), (6, None))
    with database.transaction() as records:
        assert records.changes.latest() == Position(number=6, stamp=None)
    end = append(database, 7)
    news = after(database, Position(number=4, stamp=None))
    assert news == News(position=end, changed=frozenset({105, 106, 7}))


def test_who_is_too_far_behind_reads_all_anew(database: SqlDatabase) -> None:
    start = append(database, 1)
    just = append(database, *range(1, FOLLOW_LIMIT + 1))
    assert after(database, start) == News(position=just, changed=frozenset(range(1, FOLLOW_LIMIT + 1)))
    end = append(database, 1)
    assert after(database, start) == News(position=end, changed=None)


def test_of_two_simultaneous_enrolments_of_a_new_code_one_sees_the_other(database: SqlDatabase) -> None:
    start = threading.Barrier(2)

    def enrol() -> bool:
        start.wait(timeout=20)
        with database.transaction() as records:
            # A workflow may have read before it locks; it must still see what was committed meanwhile.
            records.changes.latest()
            records.changes.lock()
            is_new = records.faces.count(student("S1")) == 0 and records.people.find(student("s1")) is None
            time.sleep(0.2)
            if is_new:
                records.people.add(Person(key=student("S1"), name="Ann"))
                records.faces.add(new_face(student("S1")))
        return is_new

    with ThreadPoolExecutor(2) as pool:
        assert sorted(one.result() for one in [pool.submit(enrol), pool.submit(enrol)]) == [False, True]
    assert read(database, "SELECT COUNT(*) FROM Student") == [(1,)]


def test_a_follower_misses_no_change_while_sixteen_threads_write(database: SqlDatabase) -> None:
    done, start = threading.Event(), append(database, 0)

    def write(number: int) -> list[int]:
        ids = []
        for turn in range(5):
            with database.transaction() as records:
                records.faces.count()
                ids.append(records.faces.add(new_face(student(f"{number}-{turn}"))))
                records.log.add([RecognitionAttempt(person=None, confidence=0, processing_time_ms=1)])
        return ids

    def follow() -> set[int]:
        position, seen, last_round = start, set[int](), False
        while not last_round:
            last_round = done.is_set()
            news = after(database, position)
            assert news.changed is not None
            position = news.position
            seen |= news.changed
        return seen

    with ThreadPoolExecutor(17) as pool:
        follower = pool.submit(follow)
        try:
            written = {face_id for ids in pool.map(write, range(16)) for face_id in ids}
        finally:
            done.set()
        assert len(written) == 80
        assert follower.result() == written


def test_reading_and_logging_do_not_wait_for_one_who_writes_faces(mysql_database: SqlDatabase) -> None:
    with mysql_database.transaction() as writer:
        writer.faces.add(new_face())
        with mysql_database.transaction() as other:
            assert other.faces.count() == 0
            other.log.add([RecognitionAttempt(person=None, confidence=0, processing_time_ms=1)])
    assert read(mysql_database, "SELECT COUNT(*) FROM FaceRecognitionLogs") == [(1,)]


def test_reading_does_not_wait_for_one_who_writes(database: SqlDatabase) -> None:
    with database.transaction() as writer:
        writer.faces.add(new_face())
        with database.transaction() as reader:
            assert reader.faces.count() == 0
            assert reader.changes.latest() == EMPTY_LOG


def test_what_was_written_before_the_lock_is_kept(database: SqlDatabase) -> None:
    with database.transaction() as records:
        records.log.add([RecognitionAttempt(person=None, confidence=0, processing_time_ms=1)])
        records.changes.lock()
        records.attendance.ensure_session(1)
        records.changes.lock()
        records.attendance.add(1, "S1", AttendanceStatus.LATE)
    assert read(database, "SELECT COUNT(*) FROM FaceRecognitionLogs") == [(1,)]
    assert read(database, "SELECT COUNT(*) FROM AttendanceRecords") == [(1,)]


def test_simultaneous_scans_mark_a_student_once(database: SqlDatabase) -> None:
    start = threading.Barrier(4)

    def scan(_number: int) -> bool:
        start.wait(timeout=20)
        with database.transaction() as records:
            records.changes.lock()
            assert records.attendance.ensure_session(9)
            is_new = records.attendance.status_of(9, "S1") is None
            if is_new:
                records.attendance.add(9, "S1", AttendanceStatus.PRESENT)
        return is_new

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(scan, range(4))) == 1
