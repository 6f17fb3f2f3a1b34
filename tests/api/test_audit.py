"""Every request that changes something leaves an entry in the audit, and a refused one leaves none."""

from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from db.engine import SqlDatabase, open_database
from rollcall import compose
from rollcall.api.app import create_app
from rollcall.core.audit import Action, AuditEntry
from rollcall.core.ports import FaceReader
from rollcall.core.settings import Settings
from tests.api.calls import enroll, enrollment
from tests.api.conftest import StartApp, settings_for
from tests.audit import actions, details, entries, verify
from tests.imports import begin, begun, list_of, photos_of
from tests.live_app import LiveApp
from tests.mariadb import MariaDBServer
from tests.servers import wait_for
from tests.switching import FIRST, SECOND, write_models

REQUEST_ID = "the-very-request"


@pytest.fixture(scope="module")
def several_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("several")
    write_models(folder)
    return folder


@pytest.fixture(scope="module")
def several_reader(several_models: Path) -> FaceReader:
    return compose.local_reader(Settings(_env_file=None, model_dir=several_models))


@pytest.fixture
def start(several_models: Path, several_reader: FaceReader, tmp_path: Path) -> Iterator[StartApp]:
    with ExitStack() as apps:
        yield lambda **settings: apps.enter_context(
            LiveApp(
                settings_for(several_models, tmp_path, insightface_model=FIRST, **settings), several_reader
            )
        )


@pytest.fixture
def audited(start: StartApp, tmp_path: Path) -> Iterator[tuple[httpx.Client, SqlDatabase]]:
    """An app, and its database from outside."""
    api = start()
    api.headers["X-Request-ID"] = REQUEST_ID
    database = open_database(f"sqlite:///{tmp_path}/rollcall.db", pool_size=1)
    yield api, database
    database.close()


def delete(api: httpx.Client, code: str) -> httpx.Response:
    return api.request("DELETE", "/api/face/delete", json={"person_type": "student", "person_code": code})


def delete_face(api: httpx.Client) -> httpx.Response:
    return api.delete(f"/api/admin/face/{enroll(api, 'S4', 4)['embedding_id']}")


def switch(api: httpx.Client, model: str = SECOND) -> httpx.Response:
    return api.post("/api/models/switch", json={"model": model})


def is_over(api: httpx.Client) -> bool:
    return bool(api.get("/api/models").json()["switch"]["state"] != "running")


def roll_back(api: httpx.Client) -> httpx.Response:
    switch(api)
    wait_for(lambda: is_over(api), "the end of the switch")
    return api.post("/api/models/rollback")


def cancel_import(api: httpx.Client) -> httpx.Response:
    people = range(20, 60)
    return api.delete(f"/api/jobs/{begun(api, photos_of(*people), list_of(*people))}")


# What a request leaves, but for the last that needs another server: see the test of cancelling.
AUDITED: dict[tuple[str, str], tuple[Callable[[httpx.Client], httpx.Response], Action]] = {
    ("POST", "/api/face/enroll"): (
        lambda api: api.post("/api/face/enroll", json=enrollment("S1", 1)),
        Action.ENROLLED,
    ),
    ("POST", "/api/face/register"): (
        lambda api: api.post("/api/face/register", json=enrollment("S2", 2)),
        Action.ENROLLED,
    ),
    ("POST", "/api/face/batch-enroll"): (
        lambda api: api.post("/api/face/batch-enroll", json={"enrollments": [enrollment("S3", 3)]}),
        Action.ENROLLED,
    ),
    ("DELETE", "/api/admin/face/{id}"): (delete_face, Action.FACE_DELETED),
    ("DELETE", "/api/face/delete"): (lambda api: delete(api, "S1"), Action.PERSON_DELETED),
    ("POST", "/api/jobs/import"): (lambda api: begin(api, photos_of(5), list_of(5)), Action.IMPORT_BEGUN),
    ("DELETE", "/api/jobs/{id}"): (cancel_import, Action.IMPORT_CANCELLED),
    ("POST", "/api/models/switch"): (switch, Action.SWITCH_BEGUN),
    ("POST", "/api/models/rollback"): (roll_back, Action.ROLLED_BACK),
}
CANCELLING = ("DELETE", "/api/models/switch")
# They write nothing, or what has a table of its own.
CHANGING_NOTHING = {
    ("POST", "/api/face/recognize"),
    ("POST", "/api/face/recognize-all"),
    ("POST", "/api/face/verify"),
    ("POST", "/api/face/detect"),
    ("POST", "/api/face/quality-check"),
    ("POST", "/api/face/feedback"),
    ("POST", "/api/attendance/scan"),
}


def test_every_route_that_changes_something_is_audited(model_dir: Path, tmp_path: Path) -> None:
    """A new one must be put into one of the lists above."""

    @asynccontextmanager
    async def nothing(_app: FastAPI) -> AsyncIterator[None]:
        yield

    document = create_app(settings_for(model_dir, tmp_path), nothing).openapi()
    routes = {
        (method.upper(), path)
        for path, methods in document["paths"].items()
        for method in methods
        if method != "get"
    }
    assert len(routes) > 12
    assert routes - CHANGING_NOTHING == {*AUDITED, CANCELLING}


def of_the_request(database: SqlDatabase) -> list[AuditEntry]:
    return [entry for entry in entries(database) if entry.request_id == REQUEST_ID]


def test_each_of_them_leaves_an_entry(audited: tuple[httpx.Client, SqlDatabase]) -> None:
    api, database = audited
    for (method, path), (call, action) in AUDITED.items():
        before = len(entries(database))
        answer = call(api)
        assert answer.status_code in (200, 202), (method, path, answer.text)
        entry = [entry for entry in entries(database)[before:] if entry.action == action.value][-1]
        assert (entry.actor, entry.address, entry.request_id) == ("anonymous", "127.0.0.1", REQUEST_ID)
        if action is Action.SWITCH_BEGUN:
            wait_for(lambda: is_over(api), "the end of the switch")
            assert api.post("/api/models/rollback").status_code == 200
    assert verify(database).fault is None


def test_an_enrolment_says_what_it_did_and_whose_face_it_was(
    audited: tuple[httpx.Client, SqlDatabase],
) -> None:
    api, database = audited
    first = enroll(api, "S1", 1)["embedding_id"]
    second = enroll(api, "S1", 2, mode="replace")["embedding_id"]
    told = {"model": FIRST, "mode": "reject", "replaced_faces": 0, "person_created": True}
    assert [details(entry) for entry in entries(database)] == [
        {"face_id": first, **told},
        {"face_id": second, **told, "mode": "replace", "replaced_faces": 1, "person_created": False},
    ]
    assert api.delete(f"/api/admin/face/{second}").status_code == 200
    last = entries(database)[-1]
    assert (last.person_code, details(last)) == ("S1", {"face_id": second})


def test_what_is_refused_leaves_no_entry(audited: tuple[httpx.Client, SqlDatabase]) -> None:
    api, database = audited
    enroll(api, "S1", 1)
    assert api.post("/api/face/enroll", json=enrollment("S1", 1)).status_code == 409
    assert delete(api, "S9").status_code == 404
    assert api.delete("/api/admin/face/999").status_code == 404
    assert api.post("/api/models/rollback").status_code == 409
    assert switch(api, FIRST).status_code == 409
    assert actions(database) == ["enrolled"]


def test_a_batch_has_an_entry_for_each_item_that_was_enrolled(
    audited: tuple[httpx.Client, SqlDatabase],
) -> None:
    api, database = audited
    items = [enrollment("S1", 1), enrollment("S1", 1), enrollment("S2", 2)]
    assert api.post("/api/face/batch-enroll", json={"enrollments": items}).json()["summary"]["failed"] == 1
    assert [entry.person_code for entry in of_the_request(database)] == ["S1", "S2"]


def test_the_server_itself_ends_a_switch(audited: tuple[httpx.Client, SqlDatabase]) -> None:
    api, database = audited
    enroll(api, "S1", 1)
    switch(api)
    wait_for(lambda: is_over(api), "the end of the switch")
    last = entries(database)[-1]
    assert (last.action, last.actor, last.address) == ("switch_ended", "server", "")
    assert details(last) == {"switch": 1, "target": SECOND, "state": "done"}


def test_a_cancelled_switch_says_who_cancelled_it(audited: tuple[httpx.Client, SqlDatabase]) -> None:
    api, database = audited
    # Another server that never loads the model, so that the switch takes its time.
    with database.transaction() as records:
        records.servers.seen("another", FIRST, [])
    with database.connection() as connection:
        connection.exec_driver_sql("UPDATE RollcallServers SET Seen = Seen + 3600 WHERE Name = 'another'")
    assert switch(api).status_code == 202
    assert api.request(*CANCELLING).status_code == 200
    assert [entry.action for entry in of_the_request(database)] == ["switch_begun", "switch_cancelled"]
    assert details(entries(database)[-1]) == {"switch": 1, "target": SECOND}


def test_two_servers_where_ten_enrol_at_once_make_one_chain(start: StartApp, mariadb: MariaDBServer) -> None:
    address = mariadb.new_database()
    servers = [start(database_url=address), start(database_url=address)]

    def enrol(number: int) -> int:
        body = enrollment(f"S{number}", number)
        with httpx.Client(base_url=servers[number % 2].base_url, timeout=120) as client:
            return client.post("/api/face/enroll", json=body).status_code

    with ThreadPoolExecutor(10) as callers:
        assert list(callers.map(enrol, range(30))) == [200] * 30
    database = open_database(address, pool_size=1)
    assert verify(database).fault is None
    assert {entry.person_code for entry in entries(database)} == {f"S{number}" for number in range(30)}
    assert len(entries(database)) == 30
    database.close()


def test_recognitions_and_scans_wait_for_nobody_who_writes_an_entry(
    start: StartApp, mariadb: MariaDBServer
) -> None:
    """Neither takes the audit's lock: a recognition is answered while somebody holds it."""
    address = mariadb.new_database()
    api = start(database_url=address)
    enroll(api, "S1", 1)
    database = open_database(address, pool_size=1)
    with database.transaction() as records:
        records.audit.add(Action.PRUNED, faces=1)
        picture = enrollment("S1", 1)["image_base64"]
        answer = api.post("/api/face/recognize", json={"image_base64": picture})
        assert answer.json()["match"]["person_code"] == "S1"
    database.close()
