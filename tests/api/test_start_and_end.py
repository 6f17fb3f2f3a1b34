"""What goes wrong while a server starts, works in the background and ends."""

import asyncio
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from rollcall.compose import build
from rollcall.core.ports import FaceReader
from rollcall.serving import leave, watched
from tests.api.conftest import settings_for
from tests.live_app import LiveApp

LIMIT_SECONDS = 60.0


async def answers(app: FastAPI, *paths: str) -> list[httpx.Response]:
    """While its lifespan runs; nobody waits for good health."""
    caller = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test")
    async with app.router.lifespan_context(app), caller:
        return [await caller.get(path) for path in paths]


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_certificate_that_cannot_be_read_is_a_database_that_does_not_answer(
    model_dir: Path, reader: FaceReader, tmp_path: Path, caplog: pytest.LogCaptureFixture, content: str | None
) -> None:
    authority = tmp_path / "authority.pem"
    if content is not None:
        authority.write_text(content)
    url = f"mysql+pymysql://me:hush-word@127.0.0.1:1/school?ssl_ca={authority}"
    app = LiveApp(settings_for(model_dir, tmp_path, database_url=url), reader).app
    health, people = asyncio.run(answers(app, "/api/health", "/api/face/list/student"))
    assert (health.status_code, health.json()["status"]) == (503, "unhealthy")
    assert (people.status_code, people.json()["error_code"]) == (503, "DATABASE_ERROR")
    assert "A file that DATABASE_URL names" in people.json()["message"]
    assert "hush-word" not in health.text + people.text + caplog.text
    assert "authority.pem" not in people.text


def test_background_work_that_fails_is_told_by_its_place_and_not_by_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fall() -> None:
        raise ValueError("hush-word")

    async def scenario() -> None:
        work = asyncio.create_task(watched(fall))
        async with asyncio.timeout(LIMIT_SECONDS):
            while not caplog.records:
                await asyncio.sleep(0.02)
        work.cancel()

    asyncio.run(scenario())
    [record] = caplog.records
    # The places are left to the log's shape, for the message is cut from its end.
    assert record.getMessage() == "Background work failed: ValueError"
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ValueError)


def test_whatever_fails_at_the_end_the_parts_are_released(
    model_dir: Path, reader: FaceReader, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        parts = build(settings_for(model_dir, tmp_path), reader)
        parts.database.close()  # so that nothing can be told by it, by an error that is none of ours
        await leave(parts)
        with pytest.raises(RuntimeError, match="shutdown"):
            await parts.recognition.run(lambda _: None)

    asyncio.run(scenario())
    [record] = [record for record in caplog.records if record.name == "rollcall.service"]
    assert record.getMessage() == "Leaving failed: RuntimeError"
    assert record.exc_info is not None
