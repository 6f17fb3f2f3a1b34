"""Rollcall moves into the old server's database, and changes none of what was there."""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from db.engine import SqlDatabase, open_database
from tests.db.rows import read
from tests.mariadb import MariaDBServer
from tests.packs import picture
from tests.servers import ROOT, RollcallServer, clean_environment, wait_for

pytestmark = pytest.mark.slow

DUMP = (ROOT / "tests/db/old_server.sql").read_text(encoding="utf-8")
TABLES = (
    "Student",
    "Teacher",
    "FaceData",
    "Sessions",
    "AttendanceRecords",
    "FaceRecognitionLogs",
    "BusAppAudit",
)
CHARSETS = {"utf8mb4": "utf8mb4_unicode_ci", "latin1": "latin1_swedish_ci"}
ZOE, DMITRY, DMITRYS_TWIN, NEWCOMER, STRANGER = range(1, 6)  # people of the synthetic pack


def definitions(database: SqlDatabase) -> dict[str, Sequence[Any]]:
    """How the users' tables are made: by what creates them, by their columns and by their triggers."""
    made: dict[str, Sequence[Any]] = {
        name: [
            re.sub(r" AUTO_INCREMENT=\d+", "", row[1]) for row in read(database, f"SHOW CREATE TABLE {name}")
        ]
        for name in TABLES
    }
    names = ", ".join(f"'{name}'" for name in TABLES)
    made["columns"] = read(
        database,
        "SELECT * FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()"
        f" AND TABLE_NAME IN ({names}) ORDER BY TABLE_NAME, ORDINAL_POSITION",
    )
    made["triggers"] = read(
        database,
        "SELECT TRIGGER_NAME, EVENT_MANIPULATION, EVENT_OBJECT_TABLE, ACTION_STATEMENT FROM"
        " information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() ORDER BY TRIGGER_NAME",
    )
    return made


def rows(database: SqlDatabase, last_ids: Mapping[str, int] | None = None) -> dict[str, Sequence[Any]]:
    """Every row of the users' tables, up to these Ids where they are given."""
    return {
        name: read(
            database,
            f"SELECT * FROM {name} WHERE Id <= {last_ids[name] if last_ids else 2**31} ORDER BY Id",
        )
        for name in TABLES
    }


class Users:
    """The users' database, as it was before Rollcall came."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.database = open_database(url, pool_size=1)
        self.definitions = definitions(self.database)
        self.rows = rows(self.database)
        self.last_ids = {name: found[-1][0] for name, found in self.rows.items()}


@pytest.fixture(scope="module", params=CHARSETS)
def users(request: pytest.FixtureRequest, mariadb: MariaDBServer) -> Iterator[Users]:
    """The dump in a database of this character set, with pictures of people that the pack knows."""
    url = mariadb.new_database(charset=request.param, collation=CHARSETS[request.param])
    mariadb.run_script(url, DUMP)
    for face_id, person in ((1, ZOE), (4, DMITRY)):
        image = picture(person).hex()
        mariadb.run_script(url, f"UPDATE FaceData SET ImageData = 0x{image} WHERE Id = {face_id}")
    users = Users(url)
    yield users
    users.database.close()


@pytest.fixture(scope="module")
def server(
    users: Users, tmp_path_factory: pytest.TempPathFactory, pack_settings: dict[str, str]
) -> Iterator[RollcallServer]:
    """A server that has moved in, and has given the faces with a picture the pack's embedding."""
    folder = tmp_path_factory.mktemp("moving-in")
    with RollcallServer(folder, **pack_settings, DATABASE_URL=users.url) as server:
        wait_for(lambda: server.health().get("status") == "healthy", "good health")
        yield server


def enrol(server: RollcallServer, code: str, person: int, **fields: str) -> httpx.Response:
    data = {"person_type": "student", "person_code": code, "person_name": "Nova 新人", **fields}
    return server.client.post("/api/face/enroll", data=data, files={"image": picture(person)})


def recognised(server: RollcallServer, person: int, **fields: str) -> Any:
    answer = server.client.post("/api/face/recognize", data=fields, files={"image": picture(person)})
    assert answer.status_code == 200, answer.text
    return answer.json()["match"]


def listed(server: RollcallServer, kind: str, **query: str) -> list[tuple[int, str, str | None]]:
    faces = server.client.get(f"/api/face/list/{kind}", params=query).json()["faces"]
    return [(face["id"], face["person_code"], face["person_name"]) for face in faces]


def test_the_old_servers_faces_are_listed_with_the_users_names(server: RollcallServer) -> None:
    students = listed(server, "student")
    assert (1, "S001", "Zoë Brontëfield") in students
    assert (3, "S002", "Ελένη Παπαδούκα") in students
    assert (4, "aB-3", "Дмитрий Берёзкин") in students
    assert (5, "S004", "ليلى النجّار") in students
    assert (6, "S005", "林小溪") in students
    assert (7, "S006", "Sunny 🌞 Øverland") in students
    assert (8, "S007", "Nik") in students
    assert (12, "GONE", None) in students
    assert listed(server, "teacher") == [(9, "T1", "Céline Façade"), (10, "T2", "Jürgen Großfeld")]
    assert [face[0] for face in listed(server, "student", person_code="ab-3 ")] == [4]


def scan(server: RollcallServer, *people: int) -> dict[str, bool]:
    """Who of them is marked in session 1, and whether he was already."""
    answer = server.client.post(
        "/api/attendance/scan", data={"session_id": "1"}, files={"image": picture(*people)}
    )
    assert answer.status_code == 200, answer.text
    return {each["student_code"].upper(): each["already_marked"] for each in answer.json()["marked"]}


def unmarked(found: dict[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """The same rows without those that a scan of ZOE and DMITRY may change: absent until then."""
    marked = {(1, "S001"), (1, "AB-3")}
    attendance = [row for row in found["AttendanceRecords"] if (row[1], row[2].upper()) not in marked]
    return {**found, "AttendanceRecords": attendance}


def test_all_that_can_be_done_leaves_what_was_there_as_it_was(server: RollcallServer, users: Users) -> None:
    assert recognised(server, ZOE)["person_name"] == "Zoë Brontëfield"
    assert recognised(server, STRANGER) is None
    assert enrol(server, "NEW-1", NEWCOMER).status_code == 200
    assert recognised(server, NEWCOMER, source_image_name="gate 1.jpg")["person_name"] == "Nova 新人"
    added = enrol(server, "AB-3 ", DMITRYS_TWIN, mode="add")
    assert added.status_code == 200, added.text
    assert recognised(server, DMITRYS_TWIN)["person_name"] == "Дмитрий Берёзкин"
    assert scan(server, ZOE, DMITRY, NEWCOMER) == {"S001": False, "AB-3": False, "NEW-1": False}
    body = {"person_type": "student", "person_code": "new-1"}
    assert server.client.request("DELETE", "/api/face/delete", json=body).status_code == 200
    assert server.client.delete(f"/api/admin/face/{added.json()['embedding_id']}").status_code == 200

    assert definitions(users.database) == users.definitions
    assert unmarked(rows(users.database, users.last_ids)) == unmarked(users.rows)
    statuses = read(users.database, "SELECT StudentCode, Status FROM AttendanceRecords WHERE SessionId = 1")
    assert sorted(statuses) == [
        ("AB-3", "Present"),
        ("NEW-1", "Present"),
        ("S002", "Excused"),
        ("s001", "Present"),
    ]
    audited = read(users.database, "SELECT StudentCode FROM BusAppAudit WHERE Id > 1")
    assert [code.upper() for (code,) in sorted(audited)] == ["AB-3", "NEW-1", "S001"]


def test_a_name_that_the_users_column_cannot_store_is_the_callers_error(
    server: RollcallServer, users: Users
) -> None:
    answer = enrol(server, "T9", STRANGER, person_type="teacher", person_name="王老师")
    assert (answer.status_code, answer.json()["error_code"]) == (422, "VALIDATION_ERROR"), answer.text
    assert "letters" in answer.json()["message"]
    assert read(users.database, "SELECT 1 FROM Teacher WHERE TeacherCode = 'T9'") == []


def test_a_file_name_that_the_users_log_cannot_store_fails_no_recognition(
    server: RollcallServer, users: Users
) -> None:
    assert recognised(server, ZOE, source_image_name="写真-é.jpg")["person_code"] == "S001"
    (logged,) = read(
        users.database, "SELECT PersonCode, Success FROM FaceRecognitionLogs ORDER BY Id DESC LIMIT 1"
    )
    assert logged == ("S001", 1)


def test_an_account_that_may_not_create_tables_is_served_after_the_administrators_script(
    mariadb: MariaDBServer, tmp_path: Path, pack_settings: dict[str, str]
) -> None:
    url = mariadb.new_database()
    mariadb.run_script(url, DUMP)
    account = mariadb.new_account(url, "SELECT, INSERT, UPDATE, DELETE")
    with RollcallServer(tmp_path, **pack_settings, DATABASE_URL=account) as server:
        wait_for(lambda: "rollcall migrate --print" in server.health()["message"], "the reason being told")
        assert server.client.get("/api/health").status_code == 503
        assert enrol(server, "NEW-1", NEWCOMER).json()["error_code"] == "DATABASE_ERROR"
        printed = subprocess.run(
            [sys.executable, "-m", "rollcall.cli", "migrate", "--print"],
            cwd=ROOT,
            env=clean_environment({"DATABASE_URL": account}),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for there_already in TABLES:
            assert f"CREATE TABLE IF NOT EXISTS {there_already} " not in printed
        mariadb.run_script(url, printed)
        wait_for(lambda: server.health()["status"] != "unhealthy", "the tables being found")
        assert enrol(server, "NEW-1", NEWCOMER).status_code == 200
        assert recognised(server, NEWCOMER)["person_code"] == "NEW-1"
