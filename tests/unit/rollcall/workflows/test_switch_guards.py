"""What could lose people if it were done at the wrong moment is refused, and odd states are mended."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from db.engine import SqlDatabase
from rollcall.compose import Parts
from rollcall.core.database_ports import Records
from rollcall.core.errors import ModelConflict, ModelNotLoaded, ModelUnusable
from rollcall.core.faces import Reading, ReadRequest
from rollcall.core.models import LoadedModel, SwitchKind, SwitchState
from rollcall.core.ports import FaceReader
from rollcall.core.records import AttendanceStatus
from rollcall.workflows import switch_models
from rollcall.workflows.switch_models import SwitchModels
from tests.observed import Observed
from tests.packs import picture
from tests.switching import FIRST, SECOND, enrol, latest, recognised, server, shared, switched

T = TypeVar("T")

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Interrupted:
    """core.database_ports.Database.run with somebody else's transaction before one that prunes."""

    def __init__(self, database: SqlDatabase, between: Callable[[Records], object]) -> None:
        self._database = database
        self._between = between

    async def run(self, work: Callable[[Records], T]) -> T:
        if work.__name__ == "prune_some":
            await self._database.run(self._between)
        return await self._database.run(work)


async def prune_interrupted(parts: Parts, between: Callable[[Records], object]) -> int:
    """Prune, with another transaction before the first batch."""
    switches = SwitchModels(
        database=Interrupted(parts.database, between),  # type: ignore[arg-type]
        gallery=parts.gallery,
        files=parts.models,
        configured=FIRST,
        kept=(),
        is_known=_yes,
        is_present=_yes,
    )
    return await switches.prune()


async def _yes(_model: str) -> bool:
    return True


def test_nothing_is_pruned_while_a_server_answers_with_the_former_model(
    database_url: str, model_dir: Path, reader: FaceReader
) -> None:
    async def scenario() -> None:
        async with server(database_url, model_dir, reader) as parts:
            await enrol(parts, 1, 2)
            await switched(parts, SECOND)
            await parts.database.run(lambda records: records.servers.seen("other", SECOND, [FIRST]))
            with pytest.raises(ModelConflict, match="1 server has not loaded second"):
                await parts.workflows.switch_models.prune()
            assert parts.gallery.counts() == {FIRST: 2, SECOND: 2}
            assert (await shared(parts)).previous_model == FIRST

    asyncio.run(scenario())


def test_pruning_ends_where_the_models_are_changed_meanwhile(
    database_url: str, model_dir: Path, reader: FaceReader
) -> None:
    def flip_back(records: Records) -> None:
        switch_models.flip(records, SECOND, FIRST)

    async def scenario() -> None:
        async with server(database_url, model_dir, reader) as parts:
            await enrol(parts, 1, 2)
            await switched(parts, SECOND)
            with pytest.raises(ModelConflict, match="changed meanwhile"):
                await prune_interrupted(parts, flip_back)
            await parts.gallery.refresh()
            assert parts.gallery.counts() == {FIRST: 2, SECOND: 2}
            assert await recognised(parts, 1) == ("S1", FIRST)

    asyncio.run(scenario())


def test_a_model_whose_folder_is_gone_is_not_rolled_back_to(
    database_url: str, model_dir: Path, reader: FaceReader, tmp_path: Path
) -> None:
    async def scenario() -> None:
        folder = tmp_path / "models"
        shutil.copytree(model_dir, folder)
        async with server(database_url, folder, reader) as parts:
            await enrol(parts, 1)
            await switched(parts, SECOND)
            shutil.rmtree(folder / FIRST)
            with pytest.raises(ModelUnusable, match="not in the model folder"):
                await parts.workflows.switch_models.rollback()
            assert await recognised(parts, 1) == ("S1", SECOND)

    asyncio.run(scenario())


def test_a_switch_that_a_restored_backup_brought_half_of_does_not_block_others(
    database_url: str, model_dir: Path, reader: FaceReader
) -> None:
    async def scenario() -> None:
        async with server(database_url, model_dir, reader) as parts:
            await enrol(parts, 1)
            # The row alone: the settings are those of another time.
            await parts.database.run(
                lambda records: records.switches.add(SwitchKind.SWITCH, FIRST, "elsewhere")
            )
            assert (await switched(parts, SECOND)).state is SwitchState.DONE
            # The setting alone.
            await parts.database.run(lambda records: records.settings.put("next_model", "elsewhere"))
            with pytest.raises(ModelConflict, match="No switch is under way"):
                await parts.workflows.switch_models.cancel()
            assert (await latest(parts)).state is SwitchState.DONE
            assert (await shared(parts)).next_model is None

    asyncio.run(scenario())


def test_before_the_first_switch_the_servers_say_which_model_answers(
    database_url: str, model_dir: Path, reader: FaceReader
) -> None:
    async def scenario() -> None:
        async with server(database_url, model_dir, reader) as parts:
            await enrol(parts, 1)
            await parts.announce.round()
        # A command from a shell without the server's settings.
        async with server(database_url, model_dir, reader, insightface_model="buffalo_l") as command:
            begun = await command.workflows.switch_models.begin(SECOND)
            assert begun.source == FIRST

    asyncio.run(scenario())


class Unable:
    """core.ports.FaceReader by which one model cannot read."""

    def __init__(self, reader: FaceReader, model: str) -> None:
        self._reader = reader
        self._model = model

    async def read(self, request: ReadRequest) -> Reading:
        if request.model == self._model:
            raise ModelNotLoaded
        return await self._reader.read(request)

    async def load(self, model: str) -> LoadedModel:
        return await self._reader.load(model)

    async def unload(self, model: str) -> None:
        await self._reader.unload(model)


def test_where_the_second_model_cannot_answer_the_active_one_does(
    database_url: str, model_dir: Path, reader: FaceReader
) -> None:
    async def scenario() -> None:
        unable = Unable(reader, SECOND)
        async with server(database_url, model_dir, unable, ab_model=SECOND, ab_share=1.0) as parts:
            await parts.models.ensure(SECOND)
            await parts.keep_embedded.round()
            assert parts.keep_embedded.is_complete(SECOND)
            await enrol(parts, 1)
            assert await recognised(parts, 1) == ("S1", FIRST)

    asyncio.run(scenario())


def test_scans_are_counted_by_model_too(database_url: str, model_dir: Path, reader: FaceReader) -> None:
    async def scenario() -> None:
        observed = Observed()
        async with server(database_url, model_dir, reader, observed) as parts:
            await enrol(parts, 1)
            scan = await parts.workflows.scan_attendance.run(picture(1, 2), 1, AttendanceStatus.PRESENT)
            assert scan.model == FIRST
            assert observed.recognitions == {(FIRST, FIRST): 1, (FIRST, None): 1}

    asyncio.run(scenario())
