"""/api/models: the list, switches, the way back."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from db.engine import SqlDatabase, open_database
from rollcall import compose
from rollcall.core.ports import FaceReader
from rollcall.core.settings import Settings
from tests.api.calls import enroll, error_of, recognize
from tests.api.conftest import StartApp, settings_for
from tests.db.rows import old_face
from tests.keys import make_key
from tests.live_app import LiveApp
from tests.servers import wait_for
from tests.switching import BLIND, BROKEN, FIRST, SECOND, write_models


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
    """Start apps that answer with the first of several models; all stop after the test."""
    with ExitStack() as apps:
        yield lambda **settings: apps.enter_context(
            LiveApp(
                settings_for(several_models, tmp_path, insightface_model=FIRST, **settings), several_reader
            )
        )


@pytest.fixture
def models_api(start: StartApp) -> httpx.Client:
    return start()


@pytest.fixture
def database(models_api: httpx.Client, tmp_path: Path) -> Iterator[SqlDatabase]:
    """The app's own, from outside."""
    del models_api  # which has migrated it
    database = open_database(f"sqlite:///{tmp_path}/rollcall.db", pool_size=1)
    yield database
    database.close()


@pytest.fixture
def waiting_server(database: SqlDatabase) -> None:
    """Another server that never loads what is switched to, so that a switch takes its time."""
    with database.transaction() as records:
        records.servers.seen("another", FIRST, [])
    with database.connection() as connection:
        connection.exec_driver_sql("UPDATE RollcallServers SET Seen = Seen + 3600 WHERE Name = 'another'")


def listed(api: httpx.Client) -> dict[str, Any]:
    answer = api.get("/api/models")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def switch(api: httpx.Client, model: str, **fields: Any) -> httpx.Response:
    return api.post("/api/models/switch", json={"model": model, **fields})


def switch_and_wait(api: httpx.Client, model: str) -> dict[str, Any]:
    """The switch at its end, whether it was over within the request or not."""
    answer = switch(api, model)
    assert answer.status_code in (200, 202), answer.text
    assert answer.json()["success"] is True
    wait_for(lambda: listed(api)["switch"]["state"] != "running", "the end of the switch")
    ended: dict[str, Any] = listed(api)["switch"]
    assert ended["id"] == answer.json()["switch"]["id"]
    return ended


def test_the_list_tells_all_there_is_to_know_of_each_model(models_api: httpx.Client) -> None:
    enroll(models_api, "S001", 1)
    wait_for(
        lambda: FIRST in [name for server in listed(models_api)["servers"] for name in server["loaded"]],
        "the server's announcement",
    )
    found = listed(models_api)
    by_name = {model.pop("name"): model for model in found.pop("models")}
    backend = by_name[FIRST].pop("backend")
    assert backend
    assert by_name[FIRST] == {
        "known": False,
        "present": True,
        "verified": "unknown",
        "loaded": True,
        "active": True,
        "licence": "unknown; ask whoever made it",
        "dimension": 512,
        "operating_point": 0.4,
        "faces": 1,
        "downloaded": None,
        "problem": None,
    }
    assert by_name["buffalo_l"] == {
        "known": True,
        "present": False,
        "verified": None,
        "loaded": False,
        "active": False,
        "licence": "non-commercial research only",
        "dimension": None,
        "backend": None,
        "operating_point": 0.4,
        "faces": 0,
        "downloaded": None,
        "problem": None,
    }
    assert by_name["face_recognition"]["operating_point"] == 0.6
    assert set(by_name) >= {FIRST, SECOND, BLIND, BROKEN, "antelopev2"}
    [server] = found.pop("servers")
    assert server.pop("name")
    assert server == {"loaded": [FIRST]}
    assert found == {
        "success": True,
        "active": FIRST,
        "wanted": FIRST,
        "previous": None,
        "next": None,
        "switch": None,
        "left_faces": 0,
    }


def test_a_switch_can_be_followed_in_the_list_and_another_model_answers_after_it(
    models_api: httpx.Client,
) -> None:
    enroll(models_api, "S001", 1)
    enroll(models_api, "S001", 1, mode="add")
    ended = switch_and_wait(models_api, SECOND)
    times = [datetime.fromisoformat(ended.pop(name)) for name in ("begun", "ended")]
    assert datetime.now(UTC) - timedelta(minutes=10) < times[0] <= times[1]
    ended.pop("id")
    assert ended == {
        "kind": "switch",
        "source": FIRST,
        "target": SECOND,
        "state": "done",
        "step": None,
        "done": 2,
        "total": 2,
        "problem": None,
        "rehearsal": {
            "faces": 2,
            "not_found": [],
            "not_found_count": 0,
            "missed": 0,
            "probes": 2,
            "old_rank1": 2,
            "new_rank1": 2,
            "rank1_agreement": 1.0,
        },
    }
    found = listed(models_api)
    assert (found["active"], found["wanted"], found["previous"]) == (SECOND, SECOND, FIRST)
    assert (found["next"], found["left_faces"]) == (None, 0)
    [second] = [model for model in found["models"] if model["name"] == SECOND]
    assert (second["active"], second["loaded"], second["dimension"]) == (True, True, 256)
    assert second["faces"] == 2
    answer = recognize(models_api, 1)
    assert answer["match"]["person_code"] == "S001"
    assert answer["model"] == SECOND


def test_the_second_switch_to_a_model_that_is_ready_is_answered_as_done(models_api: httpx.Client) -> None:
    enroll(models_api, "S001", 1)
    switch_and_wait(models_api, SECOND)
    switch_and_wait(models_api, FIRST)
    answer = switch(models_api, SECOND)
    # A busy machine may not manage it within the request.
    assert answer.status_code in (200, 202)
    states = {200: "done", 202: "running"}
    assert answer.json()["switch"]["state"] == states[answer.status_code]
    if answer.status_code == 200:
        assert answer.json()["message"] == f"{SECOND} answers."


@pytest.mark.usefixtures("waiting_server")
def test_a_switch_under_way_is_accepted_refuses_others_and_can_be_cancelled(models_api: httpx.Client) -> None:
    answer = switch(models_api, SECOND)
    assert answer.status_code == 202, answer.text
    assert answer.json()["switch"]["state"] == "running"
    assert answer.json()["message"] == f"{SECOND} is being prepared; the running model answers until then."
    assert error_of(switch(models_api, BLIND), 409) == "MODEL_CONFLICT"
    assert listed(models_api)["next"] == SECOND
    cancelled = models_api.delete("/api/models/switch")
    assert cancelled.status_code == 200
    assert cancelled.json()["message"] == "The switch is cancelled."
    assert cancelled.json()["switch"]["state"] == "cancelled"
    found = listed(models_api)
    assert (found["active"], found["next"]) == (FIRST, None)
    assert error_of(models_api.delete("/api/models/switch"), 409) == "MODEL_CONFLICT"


def test_what_cannot_be_switched_to_is_refused_with_the_reason(models_api: httpx.Client) -> None:
    assert error_of(switch(models_api, "nowhere"), 404) == "MODEL_NOT_FOUND"
    assert error_of(switch(models_api, "buffalo_l"), 404) == "MODEL_NOT_FOUND"  # downloads are off
    assert error_of(switch(models_api, FIRST), 409) == "MODEL_CONFLICT"
    broken = switch(models_api, BROKEN)
    assert error_of(broken, 422) == "MODEL_UNUSABLE"
    assert BROKEN in broken.json()["message"]
    found = listed(models_api)
    assert (found["active"], found["switch"], found["next"]) == (FIRST, None, None)


@pytest.mark.parametrize("body", [{}, {"model": 5}, {"model": "m", "force": "perhaps"}, {"model": "m" * 65}])
def test_a_switch_asked_for_wrongly_is_refused(models_api: httpx.Client, body: dict[str, Any]) -> None:
    assert error_of(models_api.post("/api/models/switch", json=body), 422) == "VALIDATION_ERROR"


@pytest.mark.parametrize("name", ["../{0}/first", "", ".", "{0}/first", "first\x00", "Ünknown"])
def test_a_name_that_is_no_folders_is_of_no_model(
    models_api: httpx.Client, several_models: Path, name: str
) -> None:
    answer = switch(models_api, name.format(several_models.name))
    assert error_of(answer, 404) == "MODEL_NOT_FOUND"


def test_a_failed_switch_says_why_and_one_that_is_forced_goes_through(models_api: httpx.Client) -> None:
    enroll(models_api, "S001", 1)
    enroll(models_api, "S002", 2)
    answer = switch(models_api, BLIND)
    if answer.status_code != 202:
        assert error_of(answer, 409) == "MODEL_CONFLICT"
    wait_for(lambda: listed(models_api)["switch"]["state"] == "failed", "the end of the switch")
    failed = listed(models_api)
    assert failed["switch"]["problem"].startswith("2 faces do not find themselves")
    assert len(failed["switch"]["rehearsal"]["not_found"]) == 2
    assert failed["switch"]["rehearsal"]["not_found_count"] == 2
    assert failed["active"] == FIRST
    assert switch(models_api, BLIND, force=True).status_code in (200, 202)
    wait_for(lambda: listed(models_api)["active"] == BLIND, "the forced switch")


def test_the_way_back_is_there_after_a_switch_only(models_api: httpx.Client) -> None:
    enroll(models_api, "S001", 1)
    assert error_of(models_api.post("/api/models/rollback"), 409) == "MODEL_CONFLICT"
    switch_and_wait(models_api, SECOND)
    answer = models_api.post("/api/models/rollback")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["message"], body["switch"]["kind"]) == (f"{FIRST} answers.", "rollback")
    assert (body["switch"]["state"], body["switch"]["source"]) == ("done", SECOND)
    assert recognize(models_api, 1)["model"] == FIRST
    found = listed(models_api)
    assert (found["active"], found["previous"]) == (FIRST, SECOND)


def test_faces_that_cannot_move_are_listed_with_the_reason(
    models_api: httpx.Client, database: SqlDatabase
) -> None:
    old = [old_face(database, code=f"OLD{n}", ImageData=None) for n in range(3)]
    wait_for(lambda: listed(models_api)["left_faces"] == 3, "the old faces")
    everyone = models_api.get("/api/models/left").json()
    assert everyone["success"] is True
    assert everyone["total_count"] == 3
    assert everyone["faces"] == [
        {"id": face_id, "person_type": "student", "person_code": f"OLD{n}", "reason": "NO_IMAGE"}
        for n, face_id in enumerate(old)
    ]
    page = models_api.get("/api/models/left", params={"limit": 1, "offset": 1}).json()
    assert ([face["id"] for face in page["faces"]], page["total_count"]) == ([old[1]], 3)


@pytest.mark.parametrize("query", ["limit=0", "limit=10001", "offset=-1", "limit=x"])
def test_a_page_asked_for_wrongly_is_refused(models_api: httpx.Client, query: str) -> None:
    assert error_of(models_api.get(f"/api/models/left?{query}"), 422) == "VALIDATION_ERROR"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/models"),
        ("GET", "/api/models/left"),
        ("POST", "/api/models/switch"),
        ("DELETE", "/api/models/switch"),
        ("POST", "/api/models/rollback"),
    ],
)
def test_models_are_only_shown_and_switched_with_a_key(start: StartApp, method: str, path: str) -> None:
    api = start(api_keys=make_key().entry)
    assert error_of(api.request(method, path), 401) == "UNAUTHORIZED"
    wrong = {"X-API-Key": "another"}
    assert error_of(api.request(method, path, headers=wrong), 403) == "FORBIDDEN"
    assert path in api.get("/openapi.json").json()["paths"]
