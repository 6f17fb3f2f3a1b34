"""Two servers on one MariaDB, and other programs beside them. `pytest -s` shows how long things took."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from sqlalchemy import text

from db import tables
from db.engine import SqlDatabase, open_database
from tests.db.rows import old_face, put, read
from tests.e2e.test_old_server import old_row, pack, recognized
from tests.e2e.traffic import FIGURES
from tests.mariadb import MariaDBServer
from tests.packs import needs_shared, picture
from tests.servers import ANSWER_LIMIT_SECONDS, RollcallServer, wait_for

pytestmark = pytest.mark.slow

ROUNDS = 10
SESSIONS = range(1, ROUNDS + 1)


class Replicas(NamedTuple):
    one: RollcallServer
    two: RollcallServer
    database: SqlDatabase  # as another program sees it


@pytest.fixture(scope="module")
def replicas(
    tmp_path_factory: pytest.TempPathFactory, pack_settings: dict[str, str], mariadb: MariaDBServer
) -> Iterator[Replicas]:
    """Both on a database in which the school keeps its own table of sessions."""
    url = mariadb.new_database()
    database = open_database(url, pool_size=2)
    write(database, "CREATE TABLE Sessions (Id INT AUTO_INCREMENT PRIMARY KEY, Subject VARCHAR(50))")
    put(database, tables.sessions, *({"Id": number} for number in SESSIONS))
    with ExitStack() as stack:
        one, two = (
            stack.enter_context(
                RollcallServer(tmp_path_factory.mktemp(name), **pack_settings, DATABASE_URL=url)
            )
            for name in ("one", "two")
        )
        for server in (one, two):
            wait_for(partial(is_healthy, server), "good health")
        yield Replicas(one, two, database)
    database.close()


def is_healthy(server: RollcallServer) -> bool:
    return server.health().get("status") == "healthy"


def write(database: SqlDatabase, *statements: str, **values: Any) -> None:
    """As another program does, in one transaction."""
    with database.connection() as connection:
        for statement in statements:
            connection.execute(text(statement), values)


def enrollment(code: str, **fields: str) -> dict[str, str]:
    return {"person_type": "student", "person_code": code, "person_name": f"Name of {code}", **fields}


def enroll(server: RollcallServer, code: str, person: int, **fields: str) -> None:
    files = {"image": picture(person)}
    answer = server.client.post("/api/face/enroll", data=enrollment(code, **fields), files=files)
    assert answer.status_code == 200, answer.text


def delete(server: RollcallServer, code: str) -> None:
    body = {"person_type": "student", "person_code": code}
    answer = server.client.request("DELETE", "/api/face/delete", json=body)
    assert answer.status_code == 200, answer.text


def name(server: RollcallServer, person: int) -> str | None:
    """Whose code a picture of the person gets."""
    answer = server.client.post("/api/face/recognize", files={"image": picture(person)})
    assert answer.status_code == 200, answer.text
    match = answer.json()["match"]
    return match and str(match["person_code"])


def at_once(*calls: Callable[[httpx.Client], httpx.Response], servers: Sequence[str]) -> list[httpx.Response]:
    """Make each call to its server, given by its address, all at the same moment."""
    start = threading.Barrier(len(calls))

    def make(call: Callable[[httpx.Client], httpx.Response], url: str) -> httpx.Response:
        with httpx.Client(base_url=url, timeout=ANSWER_LIMIT_SECONDS) as client:
            client.get("/api/health")  # connects
            start.wait(timeout=ANSWER_LIMIT_SECONDS)
            return call(client)

    with ThreadPoolExecutor(len(calls)) as callers:
        return list(callers.map(make, calls, servers))


def seconds_until(condition: Callable[[], bool], what: str) -> float:
    """Wait for it; notes and returns how long it took."""
    began = time.monotonic()
    wait_for(condition, what)
    took = time.monotonic() - began
    FIGURES.append(f"{what}: noticed after {took:.1f} s")
    return took


def both(replicas: Replicas, number: int) -> tuple[RollcallServer, RollcallServer]:
    """The two servers, the other first at each second round."""
    return (replicas.one, replicas.two) if number % 2 else (replicas.two, replicas.one)


def test_what_one_enrols_or_deletes_the_other_knows_on_the_next_request(replicas: Replicas) -> None:
    for number in range(ROUNDS):
        here, there = both(replicas, number)
        enroll(here, "A", 0)
        assert name(there, 0) == "A"
        delete(there, "A")
        assert (name(here, 0), name(there, 0)) == (None, None)


def test_a_replaced_face_is_recognised_by_neither_and_an_added_one_by_both(replicas: Replicas) -> None:
    for number in range(ROUNDS):
        here, there = both(replicas, number)
        enroll(here, "B", 1)
        enroll(there, "B", 2, mode="replace")
        assert (name(here, 1), name(here, 2)) == (None, "B")
        enroll(here, "B", 3, mode="add")
        assert (name(there, 1), name(there, 2), name(there, 3)) == (None, "B", "B")
        delete(here, "B")
        assert (name(there, 2), name(there, 3)) == (None, None)


def assert_one_of_two_enrols(code: str, servers: Sequence[str]) -> None:
    def enrol(client: httpx.Client) -> httpx.Response:
        return client.post("/api/face/enroll", data=enrollment(code), files={"image": picture(4)})

    answers = at_once(enrol, enrol, servers=servers)
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert {answer.json().get("error_code") for answer in answers} == {None, "DUPLICATE_ENROLLMENT"}


def test_of_two_who_enrol_a_person_at_once_through_two_servers_one_succeeds(replicas: Replicas) -> None:
    for number in range(ROUNDS):
        assert_one_of_two_enrols(f"C{number}", [replicas.one.url, replicas.two.url])
    query = "SELECT COUNT(*), COUNT(DISTINCT {0}) FROM {1} WHERE {0} LIKE 'C%'"
    for column, table in (("PersonCode", "FaceData"), ("StudentCode", "Student")):
        assert read(replicas.database, query.format(column, table)) == [(ROUNDS, ROUNDS)]


def test_of_two_who_enrol_a_person_at_once_on_sqlite_one_succeeds(server: RollcallServer) -> None:
    for number in range(ROUNDS):
        assert_one_of_two_enrols(f"C{number}", [server.url] * 2)


def test_two_cameras_that_see_a_student_at_once_mark_him_once(replicas: Replicas) -> None:
    enroll(replicas.one, "D", 5)
    for session in SESSIONS:

        def scan(client: httpx.Client, session: int = session) -> httpx.Response:
            fields = {"session_id": str(session)}
            return client.post("/api/attendance/scan", data=fields, files={"image": picture(5)})

        answers = at_once(scan, scan, servers=[replicas.one.url, replicas.two.url])
        assert [answer.status_code for answer in answers] == [200, 200]
        marked = [answer.json()["marked"] for answer in answers]
        assert sorted(student["already_marked"] for [student] in marked) == [False, True]
    rows = read(replicas.database, "SELECT SessionId, StudentCode FROM AttendanceRecords ORDER BY SessionId")
    assert rows == [(session, "D") for session in SESSIONS]


def test_a_session_that_the_school_does_not_have_is_refused(replicas: Replicas) -> None:
    enroll(replicas.one, "E", 6)
    for server in replicas[:2]:
        answer = server.client.post(
            "/api/attendance/scan", data={"session_id": "999"}, files={"image": picture(6)}
        )
        body = answer.json()
        assert (answer.status_code, body["error_code"]) == (422, "VALIDATION_ERROR")
        assert body["details"]["field"] == "session_id"
    assert read(replicas.database, "SELECT COUNT(*) FROM AttendanceRecords WHERE SessionId = 999") == [(0,)]
    assert read(replicas.database, "SELECT COUNT(*) FROM Sessions WHERE Id = 999") == [(0,)]


def test_what_others_write_and_delete_in_the_table_is_noticed_by_both(replicas: Replicas) -> None:
    one, two, database = replicas
    enroll(one, "F", 7)
    old_face(database, code="G", descriptor=None, ImageData=picture(8))
    seconds_until(lambda: name(one, 8) == name(two, 8) == "G", "a row inserted by another program")
    write(database, "UPDATE FaceData SET PersonCode = 'H' WHERE PersonCode = 'G'")
    seconds_until(lambda: name(one, 8) == name(two, 8) == "H", "a row given to another person")
    statement = "UPDATE FaceData SET ImageData = :image, FaceDescriptor = '[]' WHERE PersonCode = 'H'"
    write(database, statement, image=picture(9))
    seconds_until(lambda: name(one, 9) == name(two, 9) == "H", "a row with another picture and descriptor")
    assert name(one, 8) is None
    write(database, "DELETE FROM FaceData WHERE PersonCode IN ('F', 'H')")
    seconds_until(
        lambda: {name(server, person) for server in (one, two) for person in (7, 9)} == {None},
        "rows deleted by another program",
    )


@needs_shared
def test_a_descriptor_of_the_old_server_is_noticed_while_we_serve(tmp_path: Path) -> None:
    with RollcallServer(tmp_path, **pack()) as server:
        wait_for(partial(is_healthy, server), "good health")
        assert recognized(server, "S001") is None
        old_row(tmp_path, "S001", keep_image=False)
        seconds_until(lambda: recognized(server, "S001") == "S001", "a descriptor of the old server")
        database = open_database(f"sqlite:///{tmp_path}/rollcall.db", pool_size=1)
        write(database, "DELETE FROM FaceData")
        database.close()
        seconds_until(lambda: recognized(server, "S001") is None, "its deletion")


_NEWER = (
    "DELETE FROM FaceData WHERE Id > :face",
    "DELETE FROM RollcallEmbeddings WHERE FaceId > :face",
    "DELETE FROM RollcallKnownFaces WHERE FaceId > :face",
    "DELETE FROM RollcallChanges WHERE Id > :change",
)


def test_when_an_earlier_state_is_restored_both_forget_what_came_after_it(replicas: Replicas) -> None:
    one, two, database = replicas
    enroll(one, "J", 10)
    [(face,)] = read(database, "SELECT MAX(Id) FROM FaceData")
    [(change,)] = read(database, "SELECT MAX(Id) FROM RollcallChanges")
    for number in range(ROUNDS):
        here, there = both(replicas, number)
        enroll(here, "K", 11)
        assert name(one, 11) == name(two, 11) == "K"
        write(database, *_NEWER, face=face, change=change)
        if number >= ROUNDS // 2:
            # As many changes as there were before: only their stamps tell that this is another history.
            enroll(there, "L", 12)
        assert [name(server, 11) for server in (here, there)] == [None, None]
        assert [name(server, 10) for server in (here, there)] == ["J", "J"]
        write(database, *_NEWER, face=face, change=change)
