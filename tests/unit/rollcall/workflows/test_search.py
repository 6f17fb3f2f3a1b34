"""A face that the model that answers does not know is looked for by the gallery's other models."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from rollcall.compose import Parts
from rollcall.core.errors import InvalidImage, ModelNotLoaded, NoFaceDetected, PersonNotFound
from rollcall.core.faces import Reading, ReadRequest, Subjects
from rollcall.core.models import LoadedModel
from rollcall.core.people import PersonType
from rollcall.core.ports import FaceReader
from rollcall.workflows.probes import ProbeReader
from rollcall.workflows.recognize import Sighting
from tests.observed import Observed
from tests.packs import empty_picture, picture
from tests.switching import FIRST, SECOND, enrol, enrol_without_image, recognised, server, student

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class NotingReader:
    """core.ports.FaceReader that notes which models were asked."""

    def __init__(self, reader: FaceReader) -> None:
        self._reader = reader
        self.asked: list[str] = []
        self.away: set[str] = set()

    async def read(self, request: ReadRequest) -> Reading:
        self.asked.append(request.model)
        if request.model in self.away:
            raise ModelNotLoaded
        return await self._reader.read(request)

    async def load(self, model: str) -> LoadedModel:
        return await self._reader.load(model)

    async def unload(self, model: str) -> None:
        await self._reader.unload(model)


Run = Callable[[Callable[[Parts, NotingReader], Awaitable[None]]], None]


@pytest.fixture
def observed() -> Observed:
    return Observed()


@pytest.fixture
def run(database_url: str, model_dir: Path, reader: FaceReader, observed: Observed) -> Run:
    """Do something with a server where the first model answers and knows S1, and the second one knows S2."""

    def run(scenario: Callable[[Parts, NotingReader], Awaitable[None]]) -> None:
        async def whole() -> None:
            noting = NotingReader(reader)
            async with server(database_url, model_dir, noting, observed) as parts:
                await enrol(parts, 1)
                await enrol_without_image(parts, reader, 2, SECOND)
                await parts.models.ensure(SECOND)
                noting.asked = []
                await scenario(parts, noting)

        asyncio.run(whole())

    return run


def test_who_is_known_by_the_model_that_answers_is_read_once(run: Run) -> None:
    async def scenario(parts: Parts, reader: NotingReader) -> None:
        assert await recognised(parts, 1) == ("S1", FIRST)
        assert reader.asked == [FIRST]

    run(scenario)


@pytest.mark.parametrize(("away", "answering"), [(set[str](), SECOND), ({SECOND}, FIRST)])
def test_where_models_are_picked_the_log_says_which_one_read_the_picture(
    run: Run, caplog: pytest.LogCaptureFixture, away: set[str], answering: str
) -> None:
    async def scenario(parts: Parts, reader: NotingReader) -> None:
        second = parts.models.named(SECOND)
        assert second is not None
        probes = ProbeReader(models=parts.models, faces=reader, gallery=parts.gallery, pick=lambda: second)
        reader.away = away
        with pytest.raises(InvalidImage):
            await probes.read(b"no picture", subjects=Subjects.LARGEST)
        assert answered(caplog) == []
        found = await probes.read(picture(2), subjects=Subjects.LARGEST)
        assert found.model.name == answering
        assert answered(caplog) == [f"Answered by {answering}"]

    with caplog.at_level("INFO", "rollcall.recognition"):
        run(scenario)


def answered(caplog: pytest.LogCaptureFixture) -> list[str]:
    said = [record.getMessage() for record in caplog.records]
    return [text for text in said if text.startswith("Answered by")]


def test_who_is_not_is_also_looked_for_by_the_others(run: Run, observed: Observed) -> None:
    async def scenario(parts: Parts, reader: NotingReader) -> None:
        assert await recognised(parts, 2) == ("S2", SECOND)
        assert reader.asked == [FIRST, SECOND]
        assert await recognised(parts, 3) is None
        assert reader.asked == [FIRST, SECOND] * 2
        assert observed.recognitions == {(FIRST, SECOND): 1, (FIRST, None): 1}

    run(scenario)


def test_who_asks_for_several_candidates_asks_all_models(run: Run) -> None:
    async def scenario(parts: Parts, reader: NotingReader) -> None:
        found = await parts.workflows.recognize.largest(Sighting(picture=picture(1), top_k=2))
        assert found.match is not None
        assert [(one.match.person, one.match.model) for one in found.candidates] == [
            (student("S1"), FIRST),
            (student("S2"), SECOND),
        ]
        assert reader.asked == [FIRST, SECOND]

    run(scenario)


def test_in_a_group_one_stranger_is_enough_to_ask_the_others(run: Run) -> None:
    async def scenario(parts: Parts, reader: NotingReader) -> None:
        found = await parts.workflows.recognize.every_face(Sighting(picture=picture(1, 2)))
        matches = [face.match.match for face in found.faces if face.match is not None]
        assert {(match.person.code, match.model) for match in matches} == {("S1", FIRST), ("S2", SECOND)}
        assert reader.asked == [FIRST, SECOND]
        reader.asked = []
        found = await parts.workflows.recognize.every_face(Sighting(picture=picture(1)))
        assert [face.match is not None for face in found.faces] == [True]
        assert reader.asked == [FIRST]

    run(scenario)


def test_models_whose_faces_may_not_be_found_are_not_asked(run: Run) -> None:
    async def scenario(parts: Parts, reader: NotingReader) -> None:
        sighting = Sighting(picture=picture(2), only=PersonType.TEACHER)
        assert (await parts.workflows.recognize.largest(sighting)).match is None
        assert reader.asked == [FIRST]

    run(scenario)


def test_a_picture_without_a_face_is_not_read_again(run: Run) -> None:
    async def scenario(parts: Parts, reader: NotingReader) -> None:
        with pytest.raises(NoFaceDetected):
            await parts.workflows.recognize.largest(Sighting(picture=empty_picture()))
        thorough = Sighting(picture=empty_picture(), top_k=2)
        assert (await parts.workflows.recognize.every_face(thorough)).faces == []
        assert reader.asked == [FIRST, FIRST]

    run(scenario)


def test_a_model_that_is_away_takes_only_its_own_faces_along(run: Run) -> None:
    async def scenario(parts: Parts, reader: NotingReader) -> None:
        reader.away = {SECOND}
        assert await recognised(parts, 2) is None
        assert await recognised(parts, 1) == ("S1", FIRST)

    run(scenario)


def test_a_person_is_verified_by_another_model_only_where_the_first_says_no(run: Run) -> None:
    async def scenario(parts: Parts, reader: NotingReader) -> None:
        verify = parts.workflows.verify
        yes = await verify.person(picture(1), student("S1"), None)
        assert (yes.verified, yes.model, reader.asked) == (True, FIRST, [FIRST])
        also = await verify.person(picture(2), student("S2"), None)
        assert (also.verified, also.model, reader.asked[1:]) == (True, SECOND, [FIRST, SECOND])
        no = await verify.person(picture(3), student("S2"), None)
        assert (no.verified, no.model) == (False, SECOND)
        with pytest.raises(PersonNotFound):
            await verify.person(picture(1), student("S3"), None)
        # The first model has a face of S1 too, but not this one.
        await enrol_without_image(parts, reader, 4, SECOND, code="S1")
        reader.asked = []
        other = await verify.person(picture(4), student("S1"), None)
        assert (other.verified, other.model, reader.asked) == (True, SECOND, [FIRST, SECOND])

    run(scenario)


def test_a_second_model_answers_its_share_once_it_knows_every_face(
    database_url: str, model_dir: Path, reader: FaceReader, observed: Observed
) -> None:
    async def scenario() -> None:
        async with server(database_url, model_dir, reader, observed, ab_model=SECOND, ab_share=1.0) as parts:
            await enrol(parts, 1)
            keep = parts.keep_embedded
            assert await keep.round() == 0  # the second one is not loaded yet
            assert await recognised(parts, 1) == ("S1", FIRST)
            await parts.models.ensure(SECOND)
            assert await keep.round() == 1
            assert not keep.is_complete(SECOND)
            assert await recognised(parts, 1) == ("S1", FIRST)
            assert await keep.round() == 0
            assert keep.is_complete(SECOND)
            assert await recognised(parts, 1) == ("S1", SECOND)
            assert observed.recognitions == {(FIRST, FIRST): 2, (SECOND, SECOND): 1}
            await enrol(parts, 2)
            assert await recognised(parts, 2) == ("S2", FIRST)
            assert await keep.round() == 1
            assert not keep.is_complete(SECOND)
            assert await keep.round() == 0
            assert await recognised(parts, 2) == ("S2", SECOND)

    asyncio.run(scenario())
