"""Bodies that are slow, large, many or wrong: they cost others nothing, and leave nothing behind."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import httpx
import pytest

from rollcall.api.bodies import MAX_BODY_BYTES
from rollcall.api.body_budget import BodyBudget
from rollcall.api.unread import LINGER_BYTES
from tests.api.calls import base64_of, error_of
from tests.api.conftest import HeldReader, StartHeld
from tests.api.connections import (
    DETECT,
    LIMIT,
    MEGABYTE,
    answer_of,
    connect,
    detect,
    error_on,
    head,
    sent_until_closed,
    slow,
)
from tests.keys import make_key
from tests.packs import picture
from tests.scrape import Difference
from tests.servers import wait_for


def test_callers_who_send_slowly_or_hang_up_while_sending_keep_nobody_from_a_place(
    start_held: StartHeld,
) -> None:
    bodies = BodyBudget()
    api, gate = start_held(bodies, max_concurrent_requests=1, max_queued_requests=1)
    grew = Difference(api)
    callers = [slow(api) for _ in range(50)]
    wait_for(lambda: bodies.held_bytes == 50, "a byte of each", LIMIT)
    assert (bodies.sending, gate.inside) == (50, 0)
    assert detect(api).status_code == 200
    for caller in callers:
        caller.close()
    wait_for(lambda: bodies.sending == 0, "an empty server", LIMIT)
    wait_for(lambda: grew.value("rollcall_requests_total", route=DETECT, status="499") == 50, "counts", LIMIT)
    assert grew.value("rollcall_errors_total") == 0
    assert (bodies.held_bytes, bodies.callers) == (0, 0)


def test_a_body_that_comes_when_the_queue_is_full_is_told_at_once(
    start_held: StartHeld, held: HeldReader
) -> None:
    bodies = BodyBudget()
    api, gate = start_held(bodies, max_concurrent_requests=1, max_queued_requests=1)
    body = json.dumps({"image_base64": base64_of(picture(1))}).encode()
    with connect(api) as late, ThreadPoolExecutor(2) as pool:
        late.sendall(head(api, DETECT, f"Content-Length: {len(body)}", "Connection: close") + body[:1])
        wait_for(lambda: bodies.sending == 1, "a body under way", LIMIT)
        held.held = True
        inside = [pool.submit(detect, api) for _ in range(2)]
        wait_for(lambda: (gate.turns.working, gate.turns.waiting) == (1, 1), "a full queue", LIMIT)
        late.sendall(body[1:])
        assert b"OVERLOADED" in answer_of(late)
        held.held = False
        assert [future.result().status_code for future in inside] == [200, 200]
    assert (gate.inside, bodies.held_bytes) == (0, 0)


def test_bodies_beyond_the_budget_are_refused_and_others_go_on(
    start_held: StartHeld, held: HeldReader
) -> None:
    body = json.dumps({"image_base64": base64_of(picture(1)), "more": " " * MEGABYTE}).encode()
    bodies = BodyBudget(max_bytes=3 * len(body) + 1000)
    api, gate = start_held(bodies)
    json_body = {"content": body, "headers": {"Content-Type": "application/json"}}
    held.held = True
    with ThreadPoolExecutor(3) as pool:
        inside = [pool.submit(api.post, DETECT, **json_body) for _ in range(3)]  # type: ignore[arg-type]
        wait_for(lambda: gate.turns.working == 3, "three pictures", LIMIT)
        assert bodies.held_bytes == 3 * len(body)
        # One that says how long it is gets its answer without having sent anything.
        with connect(api) as declared:
            declared.sendall(head(api, DETECT, f"Content-Length: {len(body)}"))
            refused = error_on(declared)
        assert refused.startswith(b"HTTP/1.1 503")
        assert b"retry-after: " in refused.lower()
        assert b"OVERLOADED" in refused
        # One that does not say it, as soon as it is too much.
        with connect(api) as chunked:
            chunked.sendall(head(api, DETECT, "Transfer-Encoding: chunked"))
            chunked.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
            assert error_on(chunked).startswith(b"HTTP/1.1 503")
        assert api.get("/api/face/list/all").status_code == 200
        held.held = False
        assert [future.result().status_code for future in inside] == [200] * 3
    assert (bodies.held_bytes, bodies.callers) == (0, 0)
    assert detect(api).status_code == 200


def test_every_end_of_a_request_gives_its_bytes_back(start_held: StartHeld, held: HeldReader) -> None:
    bodies = BodyBudget()
    api, _ = start_held(bodies)
    hasty, _ = start_held(bodies, request_timeout_seconds=1)
    as_json = {"Content-Type": "application/json"}
    assert detect(api).status_code == 200
    assert api.post(DETECT, files={"image": b"no picture"}).status_code == 400
    assert api.post(DETECT, json={}).status_code == 422
    assert api.post(DETECT, content=b"{" * 1000, headers=as_json).status_code == 422
    assert api.post(DETECT, content=b"x" * 1000, headers={"Content-Type": "text/plain"}).status_code == 422
    too_large = (b" " * MEGABYTE for _ in range(MAX_BODY_BYTES // MEGABYTE + 2))
    with suppress(httpx.TransportError):
        assert api.post(DETECT, content=too_large, headers=as_json).status_code == 413
    held.held = True
    assert detect(hasty).status_code == 503
    with slow(hasty) as late:
        assert answer_of(late).startswith(b"HTTP/1.1 422")
    wait_for(lambda: bodies.held_bytes == 0, "an empty server", LIMIT)
    assert (bodies.sending, bodies.callers) == (0, 0)


def test_one_caller_may_not_send_all_bodies_at_once_unless_he_is_exempt(start_held: StartHeld) -> None:
    bodies = BodyBudget(max_sending_of_one=3)
    api, _ = start_held(bodies, rate_limit_exempt="127.0.0.9")
    with ExitStack() as callers:
        for _ in range(3):
            callers.enter_context(slow(api))
        for _ in range(5):
            callers.enter_context(slow(api, "127.0.0.9"))
        wait_for(lambda: bodies.sending == 8, "all of them", LIMIT)
        refused = detect(api)
        assert error_of(refused, 503) == "OVERLOADED"
        assert 1 <= int(refused.headers["Retry-After"]) <= 30
        other = httpx.HTTPTransport(local_address="127.0.0.8")
        with httpx.Client(base_url=api.base_url, transport=other, timeout=LIMIT) as elsewhere:
            assert detect(elsewhere).status_code == 200
    wait_for(lambda: bodies.sending == 0, "an empty server", LIMIT)
    assert detect(api).status_code == 200


@pytest.mark.parametrize(("key", "status"), [("X-API-Key: wrong", b"403"), ("X-Nothing: 1", b"401")])
def test_a_caller_without_a_right_key_is_answered_before_a_large_body_is_sent(
    start_held: StartHeld, key: str, status: bytes
) -> None:
    api, gate = start_held(api_keys=make_key().entry)
    with connect(api) as caller:
        caller.sendall(head(api, "/api/face/enroll", f"Content-Length: {10 * MEGABYTE}", key) + b"{" * 1000)
        first = caller.recv(65536)
        assert first.startswith(b"HTTP/1.1 " + status)
        assert b"connection: close" in first.lower()
        # It sends no more, and is not waited for.
        began = time.monotonic()
        answer_of(caller)
        assert time.monotonic() - began < LIMIT
        assert gate.inside == 0


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_refused_and_not_read_to_its_end(
    start_held: StartHeld, chunked: bool
) -> None:
    api, _ = start_held()
    size = 100 * MEGABYTE
    kind = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
    block = b"10000\r\n" + b" " * 65536 + b"\r\n" if chunked else b" " * 65536
    with connect(api) as caller:
        caller.sendall(head(api, "/api/face/detect", kind))
        sent = sent_until_closed(caller, (block for _ in range(size // 65536)))
        answer = answer_of(caller)
    # What the kernels of both ends hold comes on top.
    assert sent < MAX_BODY_BYTES + LINGER_BYTES + 16 * MEGABYTE < size
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"IMAGE_TOO_LARGE" in answer


def test_a_small_refused_body_does_not_cost_the_connection(start_held: StartHeld) -> None:
    api, _ = start_held(api_keys=make_key().entry)
    with connect(api) as caller:
        for _ in range(2):
            caller.sendall(head(api, "/api/face/detect", "Content-Length: 2") + b"{}")
            answer = error_on(caller)
            assert answer.startswith(b"HTTP/1.1 401")
            assert b"connection: close" not in answer.lower()


def test_a_body_that_does_not_arrive_in_time_is_refused(start_held: StartHeld) -> None:
    api, gate = start_held(request_timeout_seconds=1)
    with connect(api) as caller:
        caller.sendall(head(api, "/api/face/detect", "Content-Length: 100000") + b"{")
        answer = answer_of(caller)
    assert answer.startswith(b"HTTP/1.1 422")
    assert b"body did not arrive" in answer
    assert gate.inside == 0
