"""A start after a switch."""

from pathlib import Path

import pytest

from db.engine import open_database
from db.migrate import migrate
from rollcall.compose import local_reader
from rollcall.core.faces import Reading, ReadRequest
from rollcall.core.models import LoadedModel
from rollcall.core.settings import Settings
from tests.live_app import LiveApp
from tests.switching import FIRST, SECOND, write_models

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class RecordingReader:
    """core.ports.FaceReader that notes what it was asked to load."""

    def __init__(self, settings: Settings) -> None:
        self._reader = local_reader(settings)
        self.loads: list[str] = []

    async def read(self, request: ReadRequest) -> Reading:
        return await self._reader.read(request)

    async def load(self, model: str) -> LoadedModel:
        self.loads.append(model)
        return await self._reader.load(model)

    async def unload(self, model: str) -> None:
        await self._reader.unload(model)


def test_the_environments_model_is_not_loaded_where_another_is_to_answer(
    database_url: str, tmp_path: Path
) -> None:
    write_models(tmp_path)
    database = open_database(database_url, pool_size=1)
    migrate(database)
    database.run_sync(lambda records: records.settings.put("insightface_model", SECOND))
    database.close()
    settings = Settings(
        _env_file=None,
        database_url=database_url,
        model_dir=tmp_path,
        insightface_model=FIRST,
        auto_download_models=False,
        rate_limit_per_minute=0,
    )
    reader = RecordingReader(settings)
    with LiveApp(settings, reader) as app:
        assert app.get("/api/health").json()["model"] == SECOND
    assert set(reader.loads) == {SECOND}
