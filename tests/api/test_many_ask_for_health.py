"""/api/health needs no key, so however many ask must cost no more than one who does."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rollcall.core.models import LoadedModel
from rollcall.core.ports import FaceReader
from tests.api.conftest import settings_for
from tests.api.test_metrics import HeldReader
from tests.live_app import LiveApp

ASKERS = 20
# One a round of all askers, of whom some may come a little later than others, and one of the model's keeper.
MOST_LOADS = 6


class CountingReader(HeldReader):
    """Counts how often the runner was asked for a model."""

    loads = 0

    async def load(self, model: str) -> LoadedModel:
        self.loads += 1
        return await super().load(model)


@pytest.fixture
def counting(reader: FaceReader) -> Iterator[CountingReader]:
    """Let go at the end, whatever the test does."""
    found = CountingReader(reader)
    yield found
    found.held = False


def test_many_who_ask_while_the_runner_hangs_ask_it_once(
    model_dir: Path, counting: CountingReader, tmp_path: Path
) -> None:
    with LiveApp(settings_for(model_dir, tmp_path), counting) as api, ThreadPoolExecutor(ASKERS) as askers:
        counting.held = True
        before, began = counting.loads, time.monotonic()
        asked = [askers.submit(api.get, "/api/health") for _ in range(ASKERS)]
        answers = [one.result() for one in asked]
        # A second, and some for a busy machine. What hangs here hangs until the test ends.
        assert time.monotonic() - began < 5
        assert {answer.json()["message"] for answer in answers} == {"The model does not answer."}
        assert counting.loads - before <= MOST_LOADS
        counting.held = False
        assert api.get("/api/health").status_code == 200
