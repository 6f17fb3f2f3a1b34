"""Switches that are refused, fail or are cancelled leave the running model as it is."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rollcall.compose import Parts
from rollcall.core.errors import (
    ModelConflict,
    ModelNotFound,
    ModelUnusable,
    Overloaded,
    RollcallError,
    RunnerAway,
)
from rollcall.core.faces import FALLBACK_MODEL, Reading
from rollcall.core.models import LoadedModel, SwitchState
from rollcall.core.ports import FaceReader, ModelFiles
from rollcall.core.records import StoredEmbeddings
from rollcall.core.shared_settings import SharedSettings
from rollcall.gallery.gallery import FaceGallery
from rollcall.workflows.embed_missing import FACES_A_WRITE
from tests.db.rows import embedding
from tests.switching import (
    BLIND,
    BROKEN,
    FIRST,
    SECOND,
    enrol,
    enrol_numbers,
    latest,
    patient,
    recognised,
    server,
    shared,
    switched,
)
from tests.unit.rollcall.workflows.readers import HeldReader, ScriptedReader, face_of, reading_of, until

pytestmark = pytest.mark.parametrize("database_url", ["sqlite", "mariadb"], indirect=True)
LIMIT_SECONDS = 60.0


def test_a_cancelled_switch_leaves_the_old_model_answering(
    database_url: str, model_dir: Path, reader: FaceReader
) -> None:
    async def scenario() -> None:
        held = HeldReader(reader, SECOND)
        async with server(database_url, model_dir, held) as parts:
            await enrol(parts, 1, 2, 3)
            switches = parts.workflows.switch_models
            await switches.begin(SECOND)
            round = asyncio.create_task(parts.carry_out_switch.round())
            await asyncio.wait_for(held.reading.wait(), LIMIT_SECONDS)
            assert (await shared(parts)).next_model == SECOND
            cancelled = await switches.cancel()
            assert cancelled.state is SwitchState.CANCELLED
            assert await asyncio.wait_for(round, LIMIT_SECONDS)
            assert (await latest(parts)).state is SwitchState.CANCELLED
            assert await shared(parts) == SharedSettings()
            assert await recognised(parts, 1) == ("S1", FIRST)
            with pytest.raises(ModelConflict, match="No switch is under way"):
                await switches.cancel()

    asyncio.run(scenario())


def test_a_model_that_cannot_tell_people_apart_is_not_switched_to_unless_forced(
    database_url: str, model_dir: Path, reader: FaceReader
) -> None:
    async def scenario() -> None:
        async with server(database_url, model_dir, reader) as parts:
            await enrol(parts, 1, 2, 3, 4)
            switch = await switched(parts, BLIND)
            assert switch.state is SwitchState.FAILED
            assert switch.problem == "4 faces do not find themselves by the new model. Nothing was switched."
            assert switch.rehearsal is not None
            assert len(switch.rehearsal.lost) == 4
            assert await shared(parts) == SharedSettings()
            assert await recognised(parts, 3) == ("S3", FIRST)
            forced = await switched(parts, BLIND, force=True)
            assert (forced.state, forced.forced, forced.problem) == (SwitchState.DONE, True, None)
            assert forced.rehearsal == switch.rehearsal
            found = await recognised(parts, 5)
            assert found is not None
            assert found[1] == BLIND

    asyncio.run(scenario())


def test_a_model_that_does_not_see_people_is_not_switched_to(
    database_url: str, model_dir: Path, reader: FaceReader
) -> None:
    def shows(picture: bytes) -> Reading:
        number = int(picture)
        return reading_of() if number in unseen else reading_of(face_of(embedding(1000 + number, length=256)))

    async def scenario() -> None:
        async with server(database_url, model_dir, reader) as parts:
            await enrol_numbers(parts, 12)
            await parts.workflows.switch_models.begin(SECOND)
            assert await patient(parts, ScriptedReader(shows), 0.0).round()
            switch = await latest(parts)
            assert switch.problem == (
                "The new model finds no face in 8 pictures of people whom the old one knows. "
                "Nothing was switched."
            )
            assert switch.rehearsal is not None
            assert (switch.rehearsal.faces, switch.rehearsal.missed) == (4, 8)
            assert await shared(parts) == SharedSettings()

    unseen = set(range(8))
    asyncio.run(scenario())


def test_what_cannot_be_switched_to_is_refused_and_nothing_changes(
    database_url: str, model_dir: Path, reader: FaceReader
) -> None:
    async def scenario() -> None:
        async with server(database_url, model_dir, reader, model_fallback="none") as parts:
            switches = parts.workflows.switch_models
            for unknown in ("nowhere", "buffalo_l", FALLBACK_MODEL, ".."):
                with pytest.raises(ModelNotFound, match="There is no model"):
                    await switches.begin(unknown)
            with pytest.raises(ModelUnusable, match=BROKEN):
                await switches.begin(BROKEN)
            with pytest.raises(ModelConflict, match="answers already"):
                await switches.begin(FIRST)
            assert await switches.latest() is None
            assert await shared(parts) == SharedSettings()
            assert parts.models.active().name == FIRST

    asyncio.run(scenario())


def test_a_model_that_breaks_after_the_switch_began_fails_it(
    database_url: str, model_dir: Path, reader: FaceReader
) -> None:
    async def scenario() -> None:
        async with server(database_url, model_dir, reader) as parts:
            begun = await parts.workflows.switch_models.begin(BROKEN, check=False)
            assert await parts.carry_out_switch.round()
            switch = await parts.workflows.switch_models.of(begun.id)
            assert switch.state is SwitchState.FAILED
            assert switch.problem is not None
            assert BROKEN in switch.problem
            assert await shared(parts) == SharedSettings()

    asyncio.run(scenario())


def test_a_fault_of_ours_fails_the_switch_and_is_told_by_its_place_and_not_by_its_text(
    database_url: str, model_dir: Path, reader: FaceReader, caplog: pytest.LogCaptureFixture
) -> None:
    def falls(picture: bytes) -> Reading:
        raise ValueError(f"hush-word {picture!r}")

    async def scenario() -> None:
        async with server(database_url, model_dir, reader) as parts:
            await enrol_numbers(parts, 1)
            await parts.workflows.switch_models.begin(SECOND)
            assert await patient(parts, ScriptedReader(falls), 0.0).round()
            switch = await latest(parts)
            assert switch.state is SwitchState.FAILED
            assert switch.problem == "The server made a mistake; its log says more."

    asyncio.run(scenario())
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.getMessage() == "A switch failed: ValueError"
    # The places are left to the log's shape, for the message is cut from its end.
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ValueError)


def test_a_switch_bears_with_a_runner_that_is_away_as_long_as_there_is_headway(
    database_url: str, model_dir: Path, reader: FaceReader
) -> None:
    patience = 1.0
    faults = [Overloaded()]

    def shows(picture: bytes) -> Reading | RollcallError:
        if int(picture) == FACES_A_WRITE and faults:
            return faults.pop()
        return reading_of(face_of(embedding(1000 + int(picture), length=256)))

    async def scenario() -> None:
        scripted = ScriptedReader(shows)
        scripted.held = {b"0"}
        async with server(database_url, model_dir, reader) as parts:
            await enrol_numbers(parts, FACES_A_WRITE + 3)
            await parts.workflows.switch_models.begin(SECOND)
            round = asyncio.create_task(patient(parts, scripted, patience).round())
            await until(lambda: scripted.inside > 0)
            await asyncio.sleep(patience)
            scripted.held = set()
            assert await asyncio.wait_for(round, LIMIT_SECONDS)
            switch = await latest(parts)
            assert (switch.state, switch.problem) == (SwitchState.DONE, None)
            assert switch.done == FACES_A_WRITE + 3
            assert not faults

    asyncio.run(scenario())


def test_a_switch_fails_when_there_is_no_headway_any_more(
    database_url: str, model_dir: Path, reader: FaceReader
) -> None:
    async def scenario() -> None:
        scripted = ScriptedReader(lambda _picture: Overloaded())
        async with server(database_url, model_dir, reader) as parts:
            await enrol_numbers(parts, 1)
            await parts.workflows.switch_models.begin(SECOND)
            assert await patient(parts, scripted, 0.0).round()
            switch = await latest(parts)
            assert (switch.state, switch.problem) == (SwitchState.FAILED, Overloaded.summary)
            assert await shared(parts) == SharedSettings()
            assert parts.models.active().name == FIRST

    asyncio.run(scenario())


class FilesBehindARunner:
    """core.ports.ModelFiles whose runner is away so many times."""

    def __init__(self, files: ModelFiles, away: int) -> None:
        self._files = files
        self._away = away

    async def ensure(self, name: str) -> LoadedModel:
        if self._away:
            self._away -= 1
            raise RunnerAway
        return await self._files.ensure(name)


@pytest.mark.parametrize(("patience", "problem"), [(LIMIT_SECONDS, None), (0.0, RunnerAway.summary)])
def test_a_switch_bears_with_a_runner_that_is_away_when_it_begins(
    database_url: str, model_dir: Path, reader: FaceReader, patience: float, problem: str | None
) -> None:
    async def scenario() -> None:
        async with server(database_url, model_dir, reader) as parts:
            await parts.workflows.switch_models.begin(SECOND)
            files = FilesBehindARunner(parts.models, away=1)
            assert await patient(parts, reader, patience, files=files).round()
            switch = await latest(parts)
            assert switch.state is (SwitchState.DONE if problem is None else SwitchState.FAILED)
            assert switch.problem == problem

    asyncio.run(scenario())


class HeldGallery(FaceGallery):
    """Does not give its faces away until it is let."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts.database, limit=LIMIT_SECONDS)
        self.asked, self.let = threading.Event(), threading.Event()

    def faces_of(self, model: str) -> StoredEmbeddings | None:
        self.asked.set()
        assert self.let.wait(LIMIT_SECONDS)
        return super().faces_of(model)


def test_people_are_recognised_while_a_cancelled_switch_still_rehearses(
    database_url: str, model_dir: Path, reader: FaceReader
) -> None:
    def shows(picture: bytes) -> Reading:
        return reading_of(face_of(embedding(len(picture), length=256)))

    async def scenario() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        async with server(database_url, model_dir, reader) as parts:
            await enrol(parts, 1)
            held = HeldGallery(parts)
            await held.refresh()
            await parts.workflows.switch_models.begin(SECOND)
            await held.refresh()
            round = asyncio.create_task(patient(parts, ScriptedReader(shows), 0.0, gallery=held).round())
            try:
                await until(held.asked.is_set)
                await parts.workflows.switch_models.cancel()
                assert await asyncio.wait_for(round, LIMIT_SECONDS)
                assert await asyncio.wait_for(recognised(parts, 1), LIMIT_SECONDS / 2) == ("S1", FIRST)
            finally:
                held.let.set()

    asyncio.run(scenario())
