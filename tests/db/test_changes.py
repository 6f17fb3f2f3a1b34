"""The change table, and the lock that keeps it in order."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from db.engine import SqlDatabase
from rollcall.core.people import Person
from rollcall.core.records import AttendanceStatus, RecognitionAttempt
from tests.db.rows import new_face, read, student


def test_changes_are_numbered_and_told_once(database: SqlDatabase) -> None:
    with database.transaction() as records:
        assert records.changes.latest() == 0
        assert records.changes.since(0) == (0, frozenset())
        first = records.faces.add(new_face())
    with database.transaction() as records:
        number, faces = records.changes.since(0)
        assert number == records.changes.latest()
        assert faces == {first}
    with database.transaction() as records:
        records.faces.remove(first)
        last, faces = records.changes.since(number)
        assert last > number
        assert faces == {first}
        assert records.changes.since(last) == (last, frozenset())


def test_a_number_from_before_a_restored_backup_is_answered_with_the_smaller_last_number(
    database: SqlDatabase,
) -> None:
    with database.transaction() as records:
        records.faces.add(new_face())
        assert records.changes.since(1000) == (records.changes.latest(), frozenset())


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
    done = threading.Event()

    def write(number: int) -> list[int]:
        ids = []
        for turn in range(5):
            with database.transaction() as records:
                records.faces.count()
                ids.append(records.faces.add(new_face(student(f"{number}-{turn}"))))
                records.log.add([RecognitionAttempt(person=None, confidence=0, processing_time_ms=1)])
        return ids

    def follow() -> set[int]:
        number, seen, last_round = 0, set[int](), False
        while not last_round:
            last_round = done.is_set()
            with database.transaction() as records:
                number, faces = records.changes.since(number)
            seen |= faces
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
            assert reader.changes.latest() == 0


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
