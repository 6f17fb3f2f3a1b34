import asyncio

import pytest
from fastapi import Request

from rollcall.api.deadlines import Deadline
from rollcall.core.errors import InvalidRequest, Overloaded


def request(method: str = "POST") -> Request:
    return Request({"type": "http", "method": method, "headers": [], "path": "/", "query_string": b""})


async def outlast(route: str, asked: Request, *, seconds: float = 0.05) -> None:
    async with asyncio.timeout(60), Deadline(seconds).of(asked, route):
        await asyncio.Event().wait()


def test_what_takes_too_long_is_cancelled_and_told_so() -> None:
    with pytest.raises(Overloaded) as raised:
        asyncio.run(outlast("/api/face/recognize", request()))
    assert "may_be_done" not in raised.value.details


@pytest.mark.parametrize("route", ["/api/face/enroll", "/api/face/delete", "/api/attendance/scan"])
def test_the_caller_is_told_where_it_may_be_done_all_the_same(route: str) -> None:
    with pytest.raises(Overloaded, match="may have been changed") as raised:
        asyncio.run(outlast(route, request()))
    assert raised.value.details["may_be_done"] is True


def test_a_body_that_does_not_come_is_the_callers_fault() -> None:
    asked = request()
    asked.state.body_is_awaited = True
    with pytest.raises(InvalidRequest, match="body did not arrive"):
        asyncio.run(outlast("/api/face/enroll", asked))


def test_a_batch_has_ten_times_as_long() -> None:
    async def scene() -> None:
        async with Deadline(0.2).of(request(), "/api/face/batch-enroll"):
            await asyncio.sleep(0.5)

    asyncio.run(scene())


def test_a_timeout_within_the_work_is_not_taken_for_the_deadline() -> None:
    async def scene() -> None:
        async with Deadline(60).of(request(), "/api/face/recognize"):
            raise TimeoutError("of something else")

    with pytest.raises(TimeoutError, match="of something else"):
        asyncio.run(scene())


@pytest.mark.parametrize(("length", "still_there"), [("200000", True), ("10", False), (None, True)])
def test_an_upload_has_the_time_that_its_size_needs_on_a_slow_line(
    length: str | None, still_there: bool
) -> None:
    headers = [] if length is None else [(b"content-length", length.encode())]
    asked = Request({"type": "http", "method": "POST", "headers": headers, "path": "/", "query_string": b""})
    asked.state.body_is_awaited = True

    async def scene() -> None:
        async with Deadline(0.05, max_upload_bytes=1_000_000).of(asked, "/api/jobs/import"):
            await asyncio.sleep(0.4)

    if still_there:
        asyncio.run(scene())
    else:
        with pytest.raises(InvalidRequest, match="did not arrive in time"):
            asyncio.run(scene())
