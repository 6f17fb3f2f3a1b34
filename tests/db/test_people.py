"""Student and Teacher rows."""

import pytest

from db import tables
from db.engine import SqlDatabase
from rollcall.core.people import Person
from tests.db.rows import put, student, teacher


def test_an_added_person_is_found_with_code_and_name(database: SqlDatabase) -> None:
    with database.transaction() as records:
        records.people.add(Person(key=student("s-01"), name="Zoë Ünal 李"))
    with database.transaction() as records:
        found = records.people.find(student("s-01"))
    assert found == Person(key=student("s-01"), name="Zoë Ünal 李")


def test_a_student_is_no_teacher(database: SqlDatabase) -> None:
    with database.transaction() as records:
        records.people.add(Person(key=student("1"), name="Ann"))
        assert records.people.find(teacher("1")) is None


@pytest.mark.parametrize(
    ("stored", "asked"),
    [("AbC-1", "aBc-1  "), ("ÄÖÜ", "äöü"), ("Жук", "жУК"), ("Ñandú", "ñANDÚ"), ("ΑΣ", "ΑΣ"), ("İ1", "İ1")],
)
def test_codes_are_equal_but_for_case_and_trailing_blanks(
    database: SqlDatabase, stored: str, asked: str
) -> None:
    put(database, tables.student, {"StudentCode": stored, "StudentName": "Ann"})
    with database.transaction() as records:
        found = records.people.find(student(asked))
        assert records.people.names([student(asked)]) == {student(asked): "Ann"}
    assert found is not None
    assert found.key.code == stored


@pytest.mark.parametrize(
    ("stored", "asked"), [("resume", "résumé"), ("a1", "a 1"), ("ss", "ß"), ("a_b", "axb")]
)
def test_accents_and_inner_blanks_make_other_codes(database: SqlDatabase, stored: str, asked: str) -> None:
    put(database, tables.student, {"StudentCode": stored, "StudentName": "Ann"})
    with database.transaction() as records:
        assert records.people.find(student(asked)) is None


def test_of_rows_with_one_code_the_first_counts(database: SqlDatabase) -> None:
    put(
        database,
        tables.teacher,
        {"TeacherCode": "t1", "TeacherName": "First"},
        {"TeacherCode": "T1 ", "TeacherName": "Second"},
    )
    with database.transaction() as records:
        found = records.people.find(teacher("T1"))
        assert records.people.names([teacher("T1")]) == {teacher("t1"): "First"}
    assert found is not None
    assert (found.key.code, found.name) == ("t1", "First")


def test_a_nickname_or_nothing_stands_in_for_a_missing_name(database: SqlDatabase) -> None:
    put(
        database,
        tables.student,
        {"StudentCode": "1", "StudentNickname": "Nick"},
        {"StudentCode": "2"},
        {"StudentCode": None, "StudentName": "No code"},
    )
    with database.transaction() as records:
        assert records.people.names([student("1"), student("2"), student("3")]) == {
            student("1"): "Nick",
            student("2"): "",
        }


def test_names_of_thousands_of_persons_are_found(database: SqlDatabase) -> None:
    with database.connection() as connection:
        rows = [{"StudentCode": f"c{n}", "StudentName": f"N{n}"} for n in range(1500)]
        connection.execute(tables.student.insert(), rows)
    with database.transaction() as records:
        names = records.people.names([student(f"C{n}") for n in range(3000)] + [teacher("c1")])
    assert len(names) == 1500
    assert names[student("c1499")] == "N1499"


def test_a_capital_i_with_a_dot_is_no_i(database: SqlDatabase) -> None:
    put(database, tables.student, {"StudentCode": "İ1"})
    with database.transaction() as records:
        assert records.people.find(student("i1")) is None
        assert records.people.find(student("İ1")) is not None


def test_what_others_change_is_seen_at_the_next_look(database: SqlDatabase) -> None:
    first, second = put(
        database,
        tables.student,
        {"StudentCode": "S1", "StudentName": "Ann"},
        {"StudentCode": "S2", "StudentName": "Bo"},
    )

    def names() -> list[str | None]:
        found = database.run_sync(lambda records: records.people.names([student("s1"), student("S2")]))
        return [found.get(student(code)) for code in ("S1", "S2")]

    def change(statement: str) -> None:
        with database.connection() as connection:
            connection.exec_driver_sql(statement)

    assert names() == names() == ["Ann", "Bo"]
    change(f"UPDATE Student SET StudentName = 'Anna' WHERE Id = {first}")
    assert names() == ["Anna", "Bo"]
    change(f"UPDATE Student SET StudentCode = 'S3' WHERE Id = {first}")
    change(f"UPDATE Student SET StudentCode = 'S1' WHERE Id = {second}")
    assert names() == ["Bo", None]
    change(f"DELETE FROM Student WHERE Id = {second}")
    assert names() == [None, None]
