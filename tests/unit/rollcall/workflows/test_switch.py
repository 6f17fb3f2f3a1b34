"""Switches from one synthetic model to another, with the real parts of a server on real databases."""

import asyncio
from pathlib import Path

import pytest

from rollcall.compose import Parts
from rollcall.core.errors import ModelConflict, ModelNotFound, ModelUnusable
from rollcall.core.faces import FALLBACK_MODEL, Reading, ReadRequest
from rollcall.core.models import (
    NO_IMAGE,
    LeftFace,
    LoadedModel,
    Switch,
    SwitchKind,
    SwitchState,
    SwitchStep,
)
from rollcall.core.ports import FaceReader
from rollcall.core.shared_settings import SharedSettings
from tests.switching import (
    BLIND,
    BROKEN,
    FIRST,
    SECOND,
    enrol,
    enrol_without_image,
    recognised,
    server,
    student,
    switched,
)

pytestmark = pytest.mark.parametrize("database_url", ["sqlite", "mariadb"], indirect=True)
LIMIT_SECONDS = 60.0


class HeldReader:
    """core.ports.FaceReader that reads nothing with one model until it is let."""

    def __init__(self, reader: FaceReader, model: str) -> None:
        self._reader = reader
        self._model = model
        self.let = asyncio.Event()
        self.reading = asyncio.Event()

    async def read(self, request: ReadRequest) -> Reading:
        if request.model == self._model:
            self.reading.set()
            await self.let.wait()
        return await self._reader.read(request)

    async def load(self, model: str) -> LoadedModel:
        return await self._reader.load(model)

    async def unload(self, model: str) -> None:
        await self._reader.unload(model)


async def shared(parts: Parts) -> SharedSettings:
    return await parts.database.run(lambda records: records.settings.all())


async def latest(parts: Parts) -> Switch:
    switch = await parts.workflows.switch_models.latest()
    assert switch is not None
    return switch


def test_a_switch_embeds_every_face_anew_and_then_the_new_model_answers(
    database_url: str, model_dir: Path, reader: FaceReader
) -> None:
    async def scenario() -> None:
        async with server(database_url, model_dir, reader) as parts:
            await enrol(parts, 1, 2, 2, 3)
            assert await recognised(parts, 2) == ("S2", FIRST)
            switch = await switched(parts, SECOND)
            assert (switch.kind, switch.source, switch.target) == (SwitchKind.SWITCH, FIRST, SECOND)
            assert (switch.state, switch.step, switch.problem) == (SwitchState.DONE, None, None)
            assert (switch.done, switch.total) == (4, 4)
            assert switch.rehearsal is not None
            assert (switch.rehearsal.faces, switch.rehearsal.lost) == (4, [])
            assert (switch.rehearsal.probes, switch.rehearsal.rank1_agreement) == (2, 1.0)
            assert [await recognised(parts, n) for n in (1, 2, 3, 4)] == [
                ("S1", SECOND),
                ("S2", SECOND),
                ("S3", SECOND),
                None,
            ]
            assert await shared(parts) == SharedSettings(insightface_model=SECOND, previous_model=FIRST)
            assert not await parts.carry_out_switch.round()

    asyncio.run(scenario())


def test_a_server_that_starts_after_a_switch_answers_with_the_new_model(
    database_url: str, model_dir: Path, reader: FaceReader
) -> None:
    async def scenario() -> None:
        async with server(database_url, model_dir, reader) as parts:
            await enrol(parts, 1)
            await switched(parts, SECOND)
        async with server(database_url, model_dir, reader) as parts:
            assert await recognised(parts, 1) == ("S1", SECOND)

    asyncio.run(scenario())


def test_a_server_that_stood_by_follows_the_switch_within_its_next_request(
    database_url: str, model_dir: Path, reader: FaceReader
) -> None:
    async def scenario() -> None:
        async with (
            server(database_url, model_dir, reader) as parts,
            server(database_url, model_dir, reader) as other,
        ):
            await enrol(parts, 1)
            assert await recognised(other, 1) == ("S1", FIRST)
            await other.models.ensure(SECOND)
            await switched(parts, SECOND)
            assert await recognised(other, 1) == ("S1", SECOND)

    asyncio.run(scenario())


def test_a_face_without_an_image_is_left_and_recognised_by_its_old_model(
    database_url: str, model_dir: Path, reader: FaceReader
) -> None:
    async def scenario() -> None:
        async with server(database_url, model_dir, reader) as parts:
            await enrol(parts, 1)
            face_id = await enrol_without_image(parts, reader, 2)
            switch = await switched(parts, SECOND)
            assert (switch.state, switch.done, switch.total) == (SwitchState.DONE, 1, 2)
            assert await recognised(parts, 1) == ("S1", SECOND)
            assert await recognised(parts, 2) == ("S2", FIRST)
            left = LeftFace(face_id=face_id, person=student("S2"), reason=NO_IMAGE)
            assert await parts.workflows.switch_models.left(limit=9, offset=0) == ([left], 1)
            assert await parts.workflows.switch_models.prune() == 1
            assert await recognised(parts, 2) == ("S2", FIRST)

    asyncio.run(scenario())


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


def test_a_rollback_is_at_once_and_can_itself_be_rolled_back(
    database_url: str, model_dir: Path, reader: FaceReader
) -> None:
    async def scenario() -> None:
        async with server(database_url, model_dir, reader) as parts:
            await enrol(parts, 1)
            await switched(parts, SECOND)
            back = await parts.workflows.switch_models.rollback()
            assert (back.kind, back.state) == (SwitchKind.ROLLBACK, SwitchState.DONE)
            assert (back.source, back.target) == (SECOND, FIRST)
            assert await recognised(parts, 1) == ("S1", FIRST)
            assert await shared(parts) == SharedSettings(insightface_model=FIRST, previous_model=SECOND)
            assert (await parts.workflows.switch_models.rollback()).target == SECOND
            assert await recognised(parts, 1) == ("S1", SECOND)

    asyncio.run(scenario())


def test_a_rollback_ends_the_switch_under_way(database_url: str, model_dir: Path, reader: FaceReader) -> None:
    async def scenario() -> None:
        async with server(database_url, model_dir, reader) as parts:
            await switched(parts, SECOND)
            switches = parts.workflows.switch_models
            begun = await switches.begin(BLIND)
            assert (await switches.rollback()).target == FIRST
            assert (await switches.of(begun.id)).state is SwitchState.CANCELLED
            assert await shared(parts) == SharedSettings(insightface_model=FIRST, previous_model=SECOND)

    asyncio.run(scenario())


def test_who_was_enrolled_after_the_switch_is_recognised_after_a_rollback(
    database_url: str, model_dir: Path, reader: FaceReader
) -> None:
    async def scenario() -> None:
        async with server(database_url, model_dir, reader) as parts:
            await switched(parts, SECOND)
            await enrol(parts, 7)
            await parts.workflows.switch_models.rollback()
            assert await recognised(parts, 7) == ("S7", SECOND)
            assert await parts.keep_embedded.round() == 1
            assert await recognised(parts, 7) == ("S7", FIRST)

    asyncio.run(scenario())


def test_pruning_takes_the_way_back_and_the_old_embeddings(
    database_url: str, model_dir: Path, reader: FaceReader
) -> None:
    async def scenario() -> None:
        async with server(database_url, model_dir, reader) as parts:
            switches = parts.workflows.switch_models
            with pytest.raises(ModelConflict, match="no model to go back to"):
                await switches.rollback()
            await enrol(parts, 1, 2)
            await switched(parts, SECOND)
            await switches.begin(FIRST)
            with pytest.raises(ModelConflict, match="under way"):
                await switches.prune()
            await switches.cancel()
            assert await switches.prune() == 2
            assert dict(parts.gallery.counts()) == {SECOND: 2}
            assert await recognised(parts, 1) == ("S1", SECOND)
            with pytest.raises(ModelConflict, match="no model to go back to"):
                await switches.rollback()

    asyncio.run(scenario())


def test_the_embeddings_of_a_model_beside_are_not_pruned(
    database_url: str, model_dir: Path, reader: FaceReader
) -> None:
    async def scenario() -> None:
        async with server(database_url, model_dir, reader, ab_model=FIRST) as parts:
            await enrol(parts, 1)
            await switched(parts, SECOND)
            assert await parts.workflows.switch_models.prune() == 0
            assert dict(parts.gallery.counts()) == {FIRST: 1, SECOND: 1}

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


def test_of_two_switches_begun_at_once_one_is_refused(
    database_url: str, model_dir: Path, reader: FaceReader
) -> None:
    async def scenario() -> None:
        async with (
            server(database_url, model_dir, reader) as parts,
            server(database_url, model_dir, reader) as other,
        ):
            outcomes = await asyncio.gather(
                parts.workflows.switch_models.begin(SECOND),
                other.workflows.switch_models.begin(BLIND),
                return_exceptions=True,
            )
            [begun] = [one for one in outcomes if isinstance(one, Switch)]
            [refused] = [one for one in outcomes if isinstance(one, ModelConflict)]
            assert refused.message == f"A switch to {begun.target} is under way."
            assert (await shared(parts)).next_model == begun.target

    asyncio.run(scenario())


def test_another_server_takes_over_where_the_first_one_vanished(
    database_url: str, model_dir: Path, reader: FaceReader
) -> None:
    async def scenario() -> None:
        held = HeldReader(reader, SECOND)
        async with (
            server(database_url, model_dir, held) as first,
            server(database_url, model_dir, reader) as second,
        ):
            await enrol(first, 1, 2)
            await first.workflows.switch_models.begin(SECOND)
            vanishing = asyncio.create_task(first.carry_out_switch.round())
            await asyncio.wait_for(held.reading.wait(), LIMIT_SECONDS)
            await second.gallery.refresh()
            assert not await second.carry_out_switch.round()  # the first one is at work
            vanishing.cancel()
            await asyncio.gather(vanishing, return_exceptions=True)
            assert (await latest(first)).running
            with second.database.connection() as connection:
                connection.exec_driver_sql("UPDATE RollcallSwitches SET Seen = Seen - 60")
            assert await second.carry_out_switch.round()
            assert (await latest(second)).state is SwitchState.DONE
            await first.models.ensure(SECOND)
            held.let.set()
            assert await recognised(first, 2) == ("S2", SECOND)

    asyncio.run(scenario())


def test_the_flip_waits_until_every_server_has_loaded_the_model(
    database_url: str, model_dir: Path, reader: FaceReader
) -> None:
    async def scenario() -> None:
        async with (
            server(database_url, model_dir, reader) as parts,
            server(database_url, model_dir, reader) as slow,
        ):
            await enrol(parts, 1)
            await parts.workflows.switch_models.begin(SECOND)
            await slow.announce.round()
            round = asyncio.create_task(parts.carry_out_switch.round())
            async with asyncio.timeout(LIMIT_SECONDS):
                while (await latest(parts)).step is not SwitchStep.GATHERING:
                    await asyncio.sleep(0.02)
            assert (await shared(parts)).insightface_model is None
            await slow.models.ensure(SECOND)
            await slow.announce.round()
            await asyncio.wait_for(round, LIMIT_SECONDS)
            assert (await latest(parts)).state is SwitchState.DONE

    asyncio.run(scenario())
