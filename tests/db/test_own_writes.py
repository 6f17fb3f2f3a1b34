"""What we write ourselves is not noticed as another program's, whoever writes at the same time."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from db.engine import SqlDatabase
from rollcall.core.records import EVERYTHING
from tests.db.foreign import a_round, changes, enrol, write
from tests.db.rows import add_embedding, embedding, new_face, note_unreadable, old_face, read, student


def test_what_we_write_ourselves_is_never_noticed(followed: SqlDatabase) -> None:
    first, second = enrol(followed), enrol(followed, "S2")
    old = old_face(followed)
    assert a_round(followed) == 1
    with followed.transaction() as records:
        records.faces.remove_person(student("S1"))
        third = records.faces.add(new_face(student("S1")))
        add_embedding(records, old, "buffalo_l", embedding(1))
        note_unreadable(records, second, "m", "NO_FACE_DETECTED")
        assert records.faces.remove(second)
    before = changes(followed)
    assert before == [first, second, old, first, third, old, second]
    assert a_round(followed) == 0
    assert changes(followed) == before
    assert read(followed, "SELECT COUNT(*) FROM RollcallKnownFaces") == [(2,)]


def test_a_failed_enrolment_is_never_noticed(followed: SqlDatabase) -> None:
    def enrol_and_fail() -> None:
        with followed.transaction() as records:
            records.faces.add(new_face())
            raise KeyError("fault")

    with pytest.raises(KeyError):
        enrol_and_fail()
    assert a_round(followed) == 0


def test_an_enrolment_in_flight_is_not_taken_for_a_foreign_write(followed: SqlDatabase) -> None:
    removed = enrol(followed)
    with followed.transaction() as records:
        added = records.faces.add(new_face(student("S2")))
        records.faces.remove(removed)
        assert a_round(followed) == 0
    assert a_round(followed) == 0
    assert changes(followed) == [removed, added, removed]


def test_nothing_of_ours_is_noticed_while_many_enrol_replace_and_delete(followed: SqlDatabase) -> None:
    done = threading.Event()

    def replace(number: int) -> None:
        for _ in range(8):
            with followed.transaction() as records:
                records.changes.lock()
                records.faces.remove_person(student(f"S{number}"))
                face_id = records.faces.add(new_face(student(f"S{number}")))
            with followed.transaction() as records:
                add_embedding(records, face_id, "other", embedding(1))

    def notice() -> int:
        noticed = 0
        while not done.is_set():
            noticed += a_round(followed)
        return noticed

    with ThreadPoolExecutor(6) as pool:
        noticing = [pool.submit(notice) for _ in range(2)]
        try:
            list(pool.map(replace, range(4)))
        finally:
            done.set()
        assert [one.result() for one in noticing] == [0, 0]


def test_two_who_notice_at_once_tell_it_once(followed: SqlDatabase) -> None:
    ours = [enrol(followed, f"S{n}") for n in range(20)]
    for turn in range(5):
        before = len(changes(followed))
        new = [old_face(followed, code=f"{turn}-{n}") for n in range(20)]
        write(followed, "DELETE FROM FaceData WHERE Id = :id", id=ours[turn])
        start = threading.Barrier(3)

        def notice(_number: int, start: threading.Barrier = start) -> int:
            start.wait(timeout=20)
            return a_round(followed)

        with ThreadPoolExecutor(3) as pool:
            assert sum(pool.map(notice, range(3))) == 21
        assert sorted(changes(followed)[before:]) == sorted([*new, ours[turn]])


def test_two_first_looks_at_once_agree(database: SqlDatabase) -> None:
    for number in range(20):
        old_face(database, code=f"c{number}")
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(a_round, [database] * 4)) == [0] * 4
    assert changes(database) == [EVERYTHING]


def test_an_id_that_is_given_again_has_nothing_of_the_former_face(followed: SqlDatabase) -> None:
    former = enrol(followed)
    with followed.transaction() as records:
        add_embedding(records, former, "other", embedding(1))
    write(followed, "DELETE FROM FaceData")
    counter = "ALTER TABLE FaceData AUTO_INCREMENT = 1"
    write(followed, "DELETE FROM sqlite_sequence" if followed.kind == "sqlite" else counter)
    assert enrol(followed, "S2") == former
    assert read(followed, "SELECT Model FROM RollcallEmbeddings") == [("buffalo_l",)]
    assert a_round(followed) == 0


def test_a_row_that_others_write_and_delete_again_is_missed_once_galleries_have_it(
    followed: SqlDatabase,
) -> None:
    face_id = old_face(followed)
    with followed.transaction() as records:
        assert add_embedding(records, face_id, "buffalo_l", embedding(1))
    write(followed, "DELETE FROM FaceData")
    assert a_round(followed) == 1
    assert changes(followed) == [face_id, face_id]
    assert read(followed, "SELECT COUNT(*) FROM RollcallEmbeddings") == [(0,)]


def test_removing_an_old_row_that_others_deleted_tells_the_galleries(followed: SqlDatabase) -> None:
    face_id = old_face(followed)
    a_round(followed)
    write(followed, "DELETE FROM FaceData")
    with followed.transaction() as records:
        assert not records.faces.remove(face_id)
    assert changes(followed) == [face_id, face_id]
    assert a_round(followed) == 0


def test_an_enrolment_in_flight_in_a_table_without_transactions_is_not_taken_for_a_foreign_write(
    mysql_database: SqlDatabase,
) -> None:
    write(mysql_database, "ALTER TABLE FaceData ENGINE=MyISAM")
    a_round(mysql_database)
    with ThreadPoolExecutor(1) as pool:
        with mysql_database.transaction() as records:
            face_id = records.faces.add(new_face())
            # It sees the row, and waits for the lock.
            noticing = pool.submit(a_round, mysql_database)
            with pytest.raises(TimeoutError):
                noticing.result(timeout=1)
        assert noticing.result() == 0
    assert changes(mysql_database) == [face_id]
