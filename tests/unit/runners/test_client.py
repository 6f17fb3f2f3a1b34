"""What callers are told of a runner that does not answer."""

import asyncio
from typing import Any

import pytest

from rollcall.core.errors import RunnerAway
from rollcall.core.faces import ReadRequest


class BrokenRunner:
    """runners.client.Runner whose connection breaks at each call."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    async def read(self, requests: list[Any]) -> list[Any]:
        return await self._break(requests)

    async def load(self, model: str) -> Any:
        return await self._break(model)

    async def unload(self, model: str) -> None:
        await self._break(model)

    async def _break(self, asked: Any) -> list[Any]:
        self.asked.append(asked)
        raise ConnectionResetError


# What BentoML's own import says; in the other tests that happens in a server's process.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_runner_that_cannot_be_reached_is_away_after_one_retry() -> None:
    from runners.client import RunnerClient

    runner = BrokenRunner()
    client = RunnerClient(lambda: runner)
    for call in (client.load("m"), client.read(ReadRequest(picture=b"", model="m")), client.unload("m")):
        with pytest.raises(RunnerAway, match="is being started again"):
            asyncio.run(call)
    assert [asked for asked in runner.asked if asked == "m"] == ["m"] * 4
    assert len(runner.asked) == 6
