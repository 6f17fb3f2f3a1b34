"""More than can be worked on: told at once, cut off in time, and nothing left behind."""

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from tests.api.calls import base64_of, enrollment, error_of
from tests.api.conftest import HeldReader, StartHeld
from tests.api.connections import DETECT, LIMIT, connect, detect, head
from tests.packs import picture
from tests.scrape import Difference
from tests.servers import wait_for


def test_who_finds_the_queue_full_is_told_at_once_when_to_come_back(
    start_held: StartHeld, held: HeldReader
) -> None:
    api, gate = start_held(max_concurrent_requests=2, max_queued_requests=3)
    held.held = True
    with ThreadPoolExecutor(5) as pool:
        inside = [pool.submit(detect, api) for _ in range(5)]
        wait_for(lambda: (gate.turns.working, gate.turns.waiting) == (2, 3), "a full queue", LIMIT)
        refused = detect(api)
        assert error_of(refused, 503) == "OVERLOADED"
        assert 1 <= int(refused.headers["Retry-After"]) <= 30
        assert api.get("/api/health").status_code == 200
        held.held = False
        assert [future.result().status_code for future in inside] == [200] * 5
    assert detect(api).status_code == 200
    assert (gate.inside, gate.turns.working, gate.turns.waiting) == (0, 0, 0)


def test_what_is_not_done_in_time_is_given_up_and_its_turn_given_back(
    start_held: StartHeld, held: HeldReader
) -> None:
    api, gate = start_held(max_concurrent_requests=1, request_timeout_seconds=1)
    held.held = True
    answer = detect(api)
    assert error_of(answer, 503) == "OVERLOADED"
    assert "may_be_done" not in answer.json()["details"]
    assert 1 <= int(answer.headers["Retry-After"]) <= 30
    assert held.cancelled == 1
    assert (gate.inside, gate.turns.working) == (0, 0)
    held.held = False
    assert detect(api).status_code == 200


def test_a_request_that_waits_too_long_for_its_turn_is_given_up_as_well(
    start_held: StartHeld, held: HeldReader
) -> None:
    api, gate = start_held(max_concurrent_requests=1, request_timeout_seconds=2)
    held.held = True
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(detect, api) for _ in range(2)]
        assert [error_of(answer.result(), 503) for answer in answers] == ["OVERLOADED"] * 2
    assert (gate.inside, gate.turns.working, gate.turns.waiting) == (0, 0, 0)


def test_an_enrolment_given_up_says_that_it_may_be_stored(start_held: StartHeld, held: HeldReader) -> None:
    api, _ = start_held(request_timeout_seconds=1)
    held.held = True
    answer = api.post("/api/face/enroll", json=enrollment("S001", 1))
    assert error_of(answer, 503) == "OVERLOADED"
    assert answer.json()["details"]["may_be_done"] is True
    held.held = False
    # This one was still being read: nothing is stored, not even the student.
    assert api.get("/api/face/list/all").json()["total_count"] == 0
    assert api.post("/api/face/enroll", json=enrollment("S001", 1)).status_code == 200


def test_an_enrolment_given_up_while_it_waits_for_the_database_is_not_stored_later(
    start_held: StartHeld, tmp_path: Path
) -> None:
    api, gate = start_held(request_timeout_seconds=1)
    lock = sqlite3.connect(tmp_path / "rollcall.db", isolation_level=None)
    with closing(lock):
        lock.execute("BEGIN IMMEDIATE")
        answer = api.post("/api/face/enroll", json=enrollment("S001", 1))
        assert error_of(answer, 503) == "OVERLOADED"
        assert answer.json()["details"]["may_be_done"] is True
        assert gate.inside == 0
        lock.execute("ROLLBACK")
    # It had not begun to commit, so it is not stored, now or later, and may be sent again.
    assert api.post("/api/face/enroll", json=enrollment("S002", 2)).status_code == 200
    listed = api.get("/api/face/list/all").json()["faces"]
    assert [face["person_code"] for face in listed] == ["S002"]
    assert api.post("/api/face/enroll", json=enrollment("S001", 1)).status_code == 200


def test_200_callers_who_hang_up_leave_nothing_behind(start_held: StartHeld, held: HeldReader) -> None:
    api, gate = start_held(max_concurrent_requests=2, max_queued_requests=300)
    held.held = True
    body = json.dumps({"image_base64": base64_of(picture(1))}).encode()
    callers = [connect(api) for _ in range(200)]
    for caller in callers:
        caller.sendall(head(api, "/api/face/detect", f"Content-Length: {len(body)}") + body)
    wait_for(lambda: (gate.turns.working, gate.turns.waiting) == (2, 198), "all of them inside", LIMIT)
    for caller in callers:
        caller.close()
    # Those who wait leave at once; those who are worked on are done when they are done.
    wait_for(lambda: (gate.turns.working, gate.turns.waiting) == (2, 0), "an empty queue", LIMIT)
    held.held = False
    wait_for(lambda: gate.inside == 0, "an empty server", LIMIT)
    assert [detect(api).status_code for _ in range(3)] == [200] * 3


def test_who_hangs_up_in_the_queue_is_no_failure_of_the_server(
    start_held: StartHeld, held: HeldReader
) -> None:
    api, gate = start_held(max_concurrent_requests=1)
    grew = Difference(api)
    held.held = True
    body = json.dumps({"image_base64": base64_of(picture(1))}).encode()
    callers = [connect(api) for _ in range(4)]
    for caller in callers:
        caller.sendall(head(api, DETECT, f"Content-Length: {len(body)}") + body)
    wait_for(lambda: (gate.turns.working, gate.turns.waiting) == (1, 3), "a queue", LIMIT)
    for caller in callers:
        caller.close()
    wait_for(lambda: grew.value("rollcall_requests_total", route=DETECT, status="499") == 3, "counts", LIMIT)
    held.held = False
    wait_for(lambda: gate.inside == 0, "an empty server", LIMIT)
    assert grew.value("rollcall_requests_total", route=DETECT, status="503") == 0
    assert grew.value("rollcall_errors_total") == 0
