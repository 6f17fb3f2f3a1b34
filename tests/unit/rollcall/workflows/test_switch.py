"""Switches from one synthetic model to another and back, with a server's real parts on real databases."""

import asyncio
from pathlib import Path

import pytest

from rollcall.core.errors import ModelConflict
from rollcall.core.models import (
    NO_IMAGE,
    LeftFace,
    SwitchKind,
    SwitchState,
)
from rollcall.core.ports import FaceReader
from rollcall.core.shared_settings import SharedSettings
from tests.switching import (
    BLIND,
    FIRST,
    SECOND,
    enrol,
    enrol_without_image,
    recognised,
    server,
    shared,
    student,
    switched,
)

pytestmark = pytest.mark.parametrize("database_url", ["sqlite", "mariadb"], indirect=True)


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
            assert (switch.rehearsal.faces, switch.rehearsal.lost_count) == (4, 0)
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


def test_a_model_beside_is_embedded_by_a_switch_to_it_alone(
    database_url: str, model_dir: Path, reader: FaceReader
) -> None:
    async def scenario() -> None:
        async with server(database_url, model_dir, reader, ab_model=SECOND) as parts:
            await parts.models.ensure(SECOND)
            await enrol(parts, 1)
            await parts.workflows.switch_models.begin(SECOND)
            assert await parts.keep_embedded.round() == 0
            await parts.workflows.switch_models.cancel()
            await parts.gallery.refresh()
            assert await parts.keep_embedded.round() == 1
            await parts.gallery.refresh()
            assert dict(parts.gallery.counts()) == {FIRST: 1, SECOND: 1}

    asyncio.run(scenario())
