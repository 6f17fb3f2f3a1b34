"""Everybody of the school."""

import time
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import insert

from db import tables
from db.engine import SqlDatabase
from rollcall.core.directory import Entry, Search
from rollcall.core.people import PersonType
from tests.db.rows import old_face, put

PATIENCE_SECONDS = 4.0  # for what takes some tenths on a quiet machine


def page(database: SqlDatabase, **wanted: Any) -> tuple[list[Entry], int]:
    with database.transaction() as records:
        found, total = records.directory.page(Search(**{"limit": 50, **wanted}))
    return list(found), total


def codes(database: SqlDatabase, **wanted: Any) -> list[str]:
    found, total = page(database, **wanted)
    assert total == len(found)
    return [entry.code for entry in found]


@pytest.fixture
def school(database: SqlDatabase) -> SqlDatabase:
    """Ann, Bo and Cy are students, Dee is a teacher, X9 and t9 are faces alone."""
    put(
        database,
        tables.student,
        {"StudentCode": "b2", "StudentName": "Ann Émile", "Form": "7A", "Campus": "North"},
        {"StudentCode": "A1", "StudentNickname": "Bo"},
        {"StudentCode": "C3", "StudentName": "Cy 50%_off\\"},
        {"StudentCode": None, "StudentName": "No code"},
    )
    put(database, tables.teacher, {"TeacherCode": "T1", "TeacherName": "Dee", "Department": "Maths"})
    old_face(database, "B2 ", CreatedDate=datetime(2026, 9, 1, 8, 30))
    old_face(database, "b2", CreatedDate=datetime(2026, 9, 2, 8, 30))
    old_face(database, "X9", CreatedDate=None)
    old_face(database, "t9", PersonType="Teacher")
    old_face(database, "b2", PersonType="pupil")
    old_face(database, " ")
    return database


def test_everybody_is_listed_by_type_and_code(school: SqlDatabase) -> None:
    found, total = page(school)
    assert [(entry.type.value, entry.code, entry.face_count) for entry in found] == [
        ("student", "A1", 0),
        ("student", "b2", 2),
        ("student", "C3", 0),
        ("student", "X9", 1),
        ("teacher", "T1", 0),
        ("teacher", "t9", 1),
    ]
    assert total == 6
    assert found[1] == Entry(
        type=PersonType.STUDENT,
        code="b2",
        name="Ann Émile",
        group="7A",
        campus="North",
        face_count=2,
        last_enrolled=datetime(2026, 9, 2, 8, 30),
    )
    assert (found[0].name, found[4].group) == ("Bo", "Maths")
    assert found[3] == Entry(type=PersonType.STUDENT, code="X9", face_count=1)


def test_people_come_in_pages(school: SqlDatabase) -> None:
    found, total = page(school, limit=2, offset=3)
    assert ([entry.code for entry in found], total) == (["X9", "T1"], 6)
    assert page(school, limit=2, offset=9) == ([], 6)


def test_people_are_listed_by_type_and_by_whether_they_have_faces(school: SqlDatabase) -> None:
    assert codes(school, type=PersonType.TEACHER) == ["T1", "t9"]
    assert codes(school, enrolled=True) == ["b2", "X9", "t9"]
    assert codes(school, enrolled=False) == ["A1", "C3", "T1"]
    assert codes(school, enrolled=False, type=PersonType.STUDENT, text="b") == ["A1"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("B2", ["b2"]),
        ("9", ["X9", "t9"]),
        ("x9", ["X9"]),
        ("ann é", ["b2"]),
        ("émILE", ["b2"]),
        ("emile", []),
        ("bo", ["A1"]),
        ("dee", ["T1"]),
        ("nobody", []),
    ],
)
def test_people_are_found_by_a_part_of_code_or_name(
    school: SqlDatabase, text: str, expected: list[str]
) -> None:
    assert codes(school, text=text) == expected


@pytest.mark.parametrize("text", ["%", "_", "\\", "50%_o", "%_off\\"])
def test_no_letter_of_a_search_is_a_wild_card(school: SqlDatabase, text: str) -> None:
    assert codes(school, text=text) == ["C3"]


@pytest.mark.parametrize("text", ["|", "'", '"', "5_%", "%%", "\\\\", "; DROP TABLE Student"])
def test_a_search_for_what_nobody_has_finds_nobody(school: SqlDatabase, text: str) -> None:
    assert codes(school, text=text) == []


def test_codes_that_differ_by_an_accent_are_different_people(database: SqlDatabase) -> None:
    put(database, tables.student, {"StudentCode": "resume"}, {"StudentCode": "résumé"})
    old_face(database, "resume")
    old_face(database, "RÉSUMÉ")
    old_face(database, "RÉSUMÉ")
    found, _ = page(database)
    assert [(entry.code, entry.face_count) for entry in found] == [("resume", 1), ("résumé", 2)]


def test_of_rows_with_one_code_the_first_counts(database: SqlDatabase) -> None:
    rows = [{"StudentCode": "s1", "StudentName": "Ann"}, {"StudentCode": "S1", "StudentName": "Bo"}]
    put(database, tables.student, *rows)
    found, total = page(database)
    assert ([entry.name for entry in found], total) == (["Ann"], 1)


def test_tables_without_groups_will_do(school: SqlDatabase) -> None:
    with school.connection() as connection:
        for table, column in (("Student", "Form"), ("Student", "Campus"), ("Teacher", "Department")):
            connection.exec_driver_sql(f"ALTER TABLE {table} DROP COLUMN {column}")
    found, total = page(school)
    assert total == 6
    assert {entry.group for entry in found} == {None}


@pytest.mark.slow
def test_a_large_school_is_listed_at_once(database: SqlDatabase) -> None:
    """20,000 students, each with a face."""
    with database.connection() as connection:
        rows = [{"StudentCode": f"S{n:05}", "StudentName": f"Name {n}"} for n in range(20_000)]
        connection.execute(insert(tables.student), rows)
        faces = [
            {"PersonType": "student", "PersonCode": f"S{n:05}", "ImageData": b"x" * 5000}
            for n in range(20_000)
        ]
        connection.execute(insert(tables.face_data), faces)
    for wanted in ({}, {"text": "name 1999"}, {"enrolled": True, "offset": 19_990}):
        began = time.monotonic()
        found, total = page(database, **wanted)
        spent = time.monotonic() - began
        assert found
        assert total in (11, 20_000)
        assert spent < PATIENCE_SECONDS
