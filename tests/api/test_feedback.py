"""Feedback on what was answered."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.calls import base64_of, enroll, error_of, recognize
from tests.api.conftest import StartApp
from tests.packs import empty_picture, picture

FEEDBACK = "/api/face/feedback"
UNKNOWN = "0123456789abcdef" * 2


@pytest.fixture
def school(api: httpx.Client) -> httpx.Client:
    """Students S001 and S002 are the synthetic people 1 and 2."""
    enroll(api, "S001", 1)
    enroll(api, "S002", 2)
    return api


def tell(api: httpx.Client, recognition_id: str, correct: bool, code: str | None = None) -> dict[str, Any]:
    body = {"recognition_id": recognition_id, "correct": correct, "person_code": code}
    answer = api.post(FEEDBACK, json=body)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    assert said.pop("message")
    return said


def told(*outcomes: str, counted: int | None = None) -> dict[str, Any]:
    count = len(outcomes) if counted is None else counted
    return {"success": True, "outcomes": list(outcomes), "counted": count}


def stored(folder: Path) -> list[tuple[Any, ...]]:
    query = (
        "SELECT RecognitionId, Face, Model, MatchedBy, PersonType, PersonCode FROM RollcallRecognitions"
        " ORDER BY Id"
    )
    with closing(sqlite3.connect(folder / "rollcall.db", timeout=30)) as connection:
        return connection.execute(query).fetchall()


def test_a_match_can_be_right_or_wrong(school: httpx.Client) -> None:
    right, wrong = (recognize(school, 1)["recognition_id"] for _ in range(2))
    assert tell(school, right, True) == told("true_match")
    assert tell(school, wrong, False, "S002") == told("false_match")


def test_nobody_can_be_right_or_wrong(school: httpx.Client) -> None:
    found = [recognize(school, 9) for _ in range(2)]
    assert [each["match"] for each in found] == [None, None]
    right, wrong = (each["recognition_id"] for each in found)
    assert tell(school, right, True) == told("true_non_match")
    assert tell(school, wrong, False, "s001 ") == told("false_non_match")


def test_what_is_said_twice_is_counted_once_and_the_last_word_anew(school: httpx.Client) -> None:
    recognition_id = recognize(school, 1)["recognition_id"]
    assert tell(school, recognition_id, True)["counted"] == 1
    assert tell(school, recognition_id, True) == told("true_match", counted=0)
    assert tell(school, recognition_id, False) == told("false_match")


def test_feedback_on_a_group_is_about_the_person_who_is_named(school: httpx.Client) -> None:
    answer = school.post("/api/face/recognize-all", files={"image": picture(1, 2, 9)}).json()
    recognition_id = answer["recognition_id"]
    assert tell(school, recognition_id, True, "S002") == told("true_match")
    assert tell(school, recognition_id, False, "S001") == told("false_match")
    assert tell(school, recognition_id, False, "S003") == told("false_non_match")
    assert tell(school, recognition_id, False, "S004") == told("false_non_match")
    everything = tell(school, recognition_id, True)
    assert sorted(everything["outcomes"]) == ["true_match", "true_match", "true_non_match"]
    assert everything["counted"] == 2  # S002 was right before


def test_feedback_on_a_scan(school: httpx.Client) -> None:
    scan = school.post("/api/attendance/scan", data={"session_id": "1"}, files={"image": picture(1, 2)})
    recognition_id = scan.json()["recognition_id"]
    assert tell(school, recognition_id, True) == told("true_match", "true_match")
    assert tell(school, recognition_id, False, "S003") == told("false_non_match")


@pytest.mark.parametrize("path", ["/api/face/recognize-all", "/api/attendance/scan"])
def test_an_empty_room_can_have_been_seen_rightly_or_not(school: httpx.Client, path: str) -> None:
    answer = school.post(path, data={"session_id": "1"}, files={"image": empty_picture()}).json()
    assert tell(school, answer["recognition_id"], True) == told("true_non_match")
    assert tell(school, answer["recognition_id"], False, "S001") == told("false_non_match")
    assert tell(school, answer["recognition_id"], False, "S002") == told("false_non_match")


def test_what_was_answered_is_stored_by_face(school: httpx.Client, tmp_path: Path) -> None:
    one = recognize(school, 1, 9)["recognition_id"]
    group = school.post("/api/face/recognize-all", files={"image": picture(2, 9)}).json()["recognition_id"]
    ann, *others = stored(tmp_path)
    assert ann == (one, 1, "synthetic", "synthetic", "student", "S001")
    assert {row[:3] for row in others} == {(group, 1, "synthetic"), (group, 2, "synthetic")}
    assert {row[3:] for row in others} == {("synthetic", "student", "S002"), (None, None, None)}


def test_an_error_has_no_feedback(school: httpx.Client, tmp_path: Path) -> None:
    answers = [
        school.post("/api/face/recognize", files={"image": empty_picture()}),
        school.post("/api/face/recognize", json={"image_base64": base64_of(b"no picture")}),
    ]
    assert ["recognition_id" in answer.text for answer in answers] == [False, False]
    assert stored(tmp_path) == []


def test_a_scan_that_is_refused_leaves_nothing(school: httpx.Client, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "rollcall.db", timeout=30)) as connection:
        connection.execute("ALTER TABLE Sessions ADD COLUMN Name TEXT")
    answer = school.post("/api/attendance/scan", data={"session_id": "9"}, files={"image": picture(1)})
    assert error_of(answer, 422) == "VALIDATION_ERROR"
    assert stored(tmp_path) == []


@pytest.mark.parametrize("path", ["/api/face/enroll", "/api/face/verify", "/api/face/detect"])
def test_what_recognises_nobody_has_no_recognition_id(school: httpx.Client, path: str) -> None:
    fields = {"person_type": "student", "person_code": "S001", "person_name": "x", "mode": "add"}
    answer = school.post(path, data=fields, files={"image": picture(1)})
    assert answer.status_code == 200
    assert "recognition_id" not in answer.json()


def test_an_unknown_recognition_is_not_found(school: httpx.Client) -> None:
    answer = school.post(FEEDBACK, json={"recognition_id": UNKNOWN, "correct": True})
    assert error_of(answer, 404) == "NOT_FOUND"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"correct": True},
        {"recognition_id": UNKNOWN},
        {"recognition_id": UNKNOWN, "correct": "perhaps"},
        {"recognition_id": UNKNOWN, "correct": None},
        {"recognition_id": UNKNOWN[1:], "correct": True},
        {"recognition_id": UNKNOWN + "\n", "correct": True},
        {"recognition_id": UNKNOWN.upper(), "correct": True},
        {"recognition_id": 7, "correct": True},
        {"recognition_id": UNKNOWN, "correct": True, "person_code": ""},
        {"recognition_id": UNKNOWN, "correct": True, "person_code": "12345678901"},
        {"recognition_id": UNKNOWN, "correct": True, "person_code": "a\u0000b"},
    ],
)
def test_what_is_malformed_is_refused(school: httpx.Client, body: dict[str, Any]) -> None:
    assert error_of(school.post(FEEDBACK, json=body), 422) == "VALIDATION_ERROR"


def test_who_was_not_named_cannot_be_correct(school: httpx.Client) -> None:
    body = {"recognition_id": recognize(school, 1)["recognition_id"], "correct": True, "person_code": "S002"}
    answer = school.post(FEEDBACK, json=body)
    assert error_of(answer, 422) == "VALIDATION_ERROR"
    assert answer.json()["details"]["field"] == "person_code"
    assert tell(school, body["recognition_id"], True)["counted"] == 1


def test_two_same_feedbacks_at_once_count_once(school: httpx.Client) -> None:
    recognition_id = recognize(school, 1)["recognition_id"]
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: tell(school, recognition_id, False, "S002"), range(16)))
    assert sum(each["counted"] for each in said) == 1
    assert {tuple(each["outcomes"]) for each in said} == {("false_match",)}


def test_feedback_may_go_to_another_server_of_the_database(start_app: StartApp) -> None:
    first, second = start_app(), start_app()
    enroll(first, "S001", 1)
    recognition_id = recognize(first, 1)["recognition_id"]
    assert tell(second, recognition_id, True)["counted"] == 1
    assert tell(first, recognition_id, True)["counted"] == 0


def test_feedback_stands_behind_the_guards(start_app: StartApp) -> None:
    api = start_app(rate_limit_per_minute=1)
    answers = [api.post(FEEDBACK, json={"recognition_id": UNKNOWN, "correct": True}) for _ in range(2)]
    assert [error_of(answers[0], 404), error_of(answers[1], 429)] == ["NOT_FOUND", "RATE_LIMITED"]
