"""A server's parts on a database, without HTTP or background work; and models to switch between."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from rollcall.compose import Parts, build
from rollcall.core.database_ports import Records
from rollcall.core.faces import ReadRequest, Subjects
from rollcall.core.models import Switch
from rollcall.core.observing import UNOBSERVED, Observer
from rollcall.core.people import PersonKey, PersonType
from rollcall.core.ports import FaceReader, Gallery, ModelFiles
from rollcall.core.records import NewFace
from rollcall.core.settings import Settings
from rollcall.core.shared_settings import SharedSettings
from rollcall.workflows.carry_out_switch import CarryOutSwitch
from rollcall.workflows.embed_missing import EmbedMissing
from rollcall.workflows.enroll import Enrolled, Enrollment, EnrollMode
from rollcall.workflows.pacing import AttendedReader, Pace
from rollcall.workflows.recognize import Named, Sighting
from tests.db.rows import embedding, new_face
from tests.packs import picture, write_pack

FIRST, SECOND, BLIND, BROKEN = "first", "second", "blind", "broken"


def write_models(folder: Path) -> None:
    """Two good ones; one that takes everybody for one person; and one whose recogniser is no network."""
    write_pack(folder / FIRST)
    write_pack(folder / SECOND, seed=21, dimensions=256)
    write_pack(folder / BLIND, tells_people_apart=False)
    write_pack(folder / BROKEN)
    (folder / BROKEN / "rec_synthetic.onnx").write_bytes(b"no network")


@asynccontextmanager
async def server(
    database_url: str, model_dir: Path, reader: FaceReader, observer: Observer = UNOBSERVED, **settings: Any
) -> AsyncIterator[Parts]:
    """The parts of one process, after its start: the model that is wanted is loaded."""
    chosen = {
        "model_dir": model_dir,
        "insightface_model": FIRST,
        "database_url": database_url,
        "auto_download_models": False,
        "enable_face_quality_check": False,
        **settings,
    }
    parts = build(Settings(_env_file=None, **chosen), reader, observer)
    try:
        await parts.prepare_database.run()
        await parts.models.step()
        yield parts
    finally:
        parts.close()


def student(code: str) -> PersonKey:
    return PersonKey(type=PersonType.STUDENT, code=code)


async def enrol(parts: Parts, *people: int) -> list[int]:
    """Enrol synthetic persons: the n-th as student Sn, of one picture more if there are some."""
    found = []
    for n in people:
        enrollment = Enrollment(
            person=student(f"S{n}"), name=f"Name of S{n}", picture=picture(n), mode=EnrollMode.ADD
        )
        [enrolled] = await parts.workflows.enroll.many([enrollment])
        assert isinstance(enrolled, Enrolled)
        found.append(enrolled.face_id)
    return found


async def enrol_without_image(
    parts: Parts, reader: FaceReader, n: int, model: str = FIRST, *, code: str | None = None
) -> int:
    """A face as older servers left it: its embedding, and no picture to make another of.

    `code`: the student's, where it is not Sn.
    """
    request = ReadRequest(picture=picture(n), model=model, embed=Subjects.LARGEST)
    embedding = (await reader.read(request)).faces[0].embedding
    assert embedding is not None
    person = student(code or f"S{n}")
    face = NewFace(person=person, model=model, embedding=embedding, image=b"", content_type="image/jpeg")
    return await parts.database.run(lambda records: records.faces.add(face))


async def recognised(parts: Parts, n: int) -> tuple[str, str] | None:
    """Who the n-th synthetic person is, and the model by which that was found."""
    found: Named | None = (await parts.workflows.recognize.largest(Sighting(picture=picture(n)))).match
    return (found.match.person.code, found.match.model) if found else None


async def switched(parts: Parts, target: str, *, force: bool = False) -> Switch:
    """A switch, begun and carried out by this server."""
    begun = await parts.workflows.switch_models.begin(target, force=force)
    assert await parts.carry_out_switch.round()
    return await parts.workflows.switch_models.of(begun.id)


async def shared(parts: Parts) -> SharedSettings:
    """The settings that all servers share, as they are stored."""
    return await parts.database.run(lambda records: records.settings.all())


async def latest(parts: Parts) -> Switch:
    """The switch that was begun last."""
    switch = await parts.workflows.switch_models.latest()
    assert switch is not None
    return switch


def patient(
    parts: Parts,
    reader: FaceReader,
    seconds: float,
    *,
    gallery: Gallery | None = None,
    files: ModelFiles | None = None,
) -> CarryOutSwitch:
    """The server's own, but with another reader and so much patience."""
    pace = Pace(AttendedReader(reader))
    return CarryOutSwitch(
        database=parts.database,
        gallery=gallery or parts.gallery,
        files=files or parts.models,
        embed=EmbedMissing(faces=reader, database=parts.database, pace=pace),
        pace=pace,
        owner="a patient one",
        patience_seconds=seconds,
    )


async def enrol_numbers(parts: Parts, count: int) -> None:
    """Faces whose images are their numbers."""

    def add(records: Records) -> None:
        for n in range(count):
            records.faces.add(
                new_face(student(f"S{n}"), model=FIRST, embedding=embedding(n), image=str(n).encode())
            )

    await parts.database.run(add)
