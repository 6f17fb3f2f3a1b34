"""The guards of runners/bento_guards.py, on a real server: each test fails when its guard is taken away."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.packs import picture
from tests.servers import RollcallServer, wait_for

pytestmark = pytest.mark.slow

CALLERS = 32
CALLS_EACH = 15
# BentoML looks at its statistics every 5 seconds, so a remembered wait shows within this.
WATCH_SECONDS = 7.0


@pytest.fixture(scope="module")
def statuses(server: RollcallServer) -> list[int]:
    """The statuses that so many callers get who ask at once, and again without a pause."""
    photo = picture(1)

    def call(_: int) -> list[int]:
        with httpx.Client(base_url=server.url, timeout=120) as client:
            return [
                client.post("/api/face/detect", files={"image": photo}).status_code for _ in range(CALLS_EACH)
            ]

    with ThreadPoolExecutor(CALLERS) as callers:
        return [status for answers in callers.map(call, range(CALLERS)) for status in answers]


def remembered_wait(server: RollcallServer) -> float:
    """Seconds for which the dispatcher would hold a lone request back, asked of the runner itself."""
    transport = httpx.HTTPTransport(uds=str(server.runner_socket()))
    with httpx.Client(transport=transport, base_url="http://runner", timeout=60) as client:
        return float(client.post("/dispatcher_wait", json={}).json())


def test_many_concurrent_callers_get_no_error(statuses: list[int]) -> None:
    assert statuses == [200] * (CALLERS * CALLS_EACH)


@pytest.mark.usefixtures("statuses")
def test_no_call_is_dropped_to_renew_the_connection(server: RollcallServer) -> None:
    # The client asks once more when a connection breaks, and would hide most of the drops.
    server.client.get("/api/face/list/all", headers={"X-Request-ID": "after-them-all"})
    # A line is in the log a moment after its answer, those of the API in their order.
    wait_for(lambda: "after-them-all" in server.log(), "the last access line", limit=60)
    assert "The connection to the runner broke" not in server.log()


@pytest.mark.usefixtures("statuses")
def test_after_a_burst_the_dispatcher_remembers_no_wait(server: RollcallServer) -> None:
    photo = picture(1)
    waits = []
    end = time.monotonic() + WATCH_SECONDS
    while time.monotonic() < end:
        server.client.post("/api/face/detect", files={"image": photo})
        waits.append(remembered_wait(server))
    assert set(waits) == {0.0}
