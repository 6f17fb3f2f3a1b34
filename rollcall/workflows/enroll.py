"""Enrol a person's face."""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from rollcall.core.audit import Action
from rollcall.core.database_ports import Database, Records
from rollcall.core.errors import (
    DatabaseError,
    DuplicateEnrollment,
    InternalError,
    PersonNotFound,
    RollcallError,
)
from rollcall.core.people import Person, PersonKey
from rollcall.workflows.new_faces import NewFaces, ReadFace

T = TypeVar("T")

logger = logging.getLogger("rollcall.enroll")

# How many pictures of one batch are in the network at a time; the rest of the capacity is for other callers.
BATCH_READS = 4
# After so many items of a batch in a row that the database failed, the rest fails at once.
FAILURES_TO_GIVE_UP = 2


class EnrollMode(StrEnum):
    """What to do when the person has a face already."""

    REJECT = "reject"
    ADD = "add"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrollment:
    """One face to be enrolled. `name` is used only where the person must be created."""

    person: PersonKey
    name: str
    picture: bytes
    original_name: str | None = None
    mode: EnrollMode = EnrollMode.REJECT


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """`face_id` is the FaceData Id."""

    person: PersonKey
    face_id: int
    warnings: tuple[str, ...]


class Enroll:
    """Reads the picture's largest face and stores it, or nothing at all."""

    def __init__(self, *, new_faces: NewFaces, database: Database, create_people: bool) -> None:
        self._new_faces = new_faces
        self._database = database
        self._create_people = create_people

    async def one(self, enrollment: Enrollment) -> Enrolled:
        """Enrol one face.

        Raises:
            NoFaceDetected, MultipleFaces, LowQualityImage: the picture will not do.
            DuplicateEnrollment: the person has a face, and the mode is `reject`.
            PersonNotFound: no such person, and UNKNOWN_PERSON_POLICY is `reject`.
            DatabaseError: it cannot be told yet whether the model is the one of its name.
        """
        return await self._store(enrollment, await self._read(enrollment))

    async def many(self, enrollments: Sequence[Enrollment | RollcallError]) -> list[Enrolled | RollcallError]:
        """Enrol one after the other, in order; an item that fails takes nothing else with it.

        Items that are errors already stay what they are. Pictures are read side by side, ahead of their turn.
        """
        slots = asyncio.Semaphore(BATCH_READS)

        async def read(item: Enrollment | RollcallError) -> ReadFace | RollcallError:
            if isinstance(item, RollcallError):
                return item
            async with slots:
                return await _outcome(self._read(item))

        results: list[Enrolled | RollcallError] = []
        async with asyncio.TaskGroup() as tasks:
            reads = [tasks.create_task(read(item)) for item in enrollments]
            for item, task in zip(enrollments, reads, strict=True):
                ready = await task
                if isinstance(ready, RollcallError) or isinstance(item, RollcallError):
                    results.append(ready if isinstance(ready, RollcallError) else InternalError())
                elif _database_is_away(results):
                    results.append(results[-1])
                else:
                    results.append(await _outcome(self._store(item, ready)))
        return results

    async def _read(self, enrollment: Enrollment) -> ReadFace:
        return await self._new_faces.read(enrollment.person, enrollment.picture, enrollment.original_name)

    async def _store(self, enrollment: Enrollment, ready: ReadFace) -> Enrolled:
        def write(records: Records) -> int:
            records.changes.lock()
            created, replaced = self._require_person(records, enrollment), 0
            if enrollment.mode is EnrollMode.REPLACE:
                replaced = records.faces.remove_person(enrollment.person)
            elif enrollment.mode is EnrollMode.REJECT and records.faces.count(enrollment.person):
                raise DuplicateEnrollment
            face_id = records.faces.add(ready.face)
            records.audit.add(
                Action.ENROLLED,
                enrollment.person,
                face_id=face_id,
                model=ready.face.model,
                mode=enrollment.mode.value,
                replaced_faces=replaced,
                person_created=created,
            )
            return face_id

        face_id = await self._database.run(write)
        return Enrolled(person=enrollment.person, face_id=face_id, warnings=ready.warnings)

    def _require_person(self, records: Records, enrollment: Enrollment) -> bool:
        """Whether the person had to be created."""
        if records.people.find(enrollment.person) is not None:
            return False
        if not self._create_people:
            raise PersonNotFound
        records.people.add(Person(key=enrollment.person, name=enrollment.name))
        return True


async def _outcome(step: Awaitable[T]) -> T | RollcallError:
    """What came of one item, whatever it is: an item that fails must not take the batch with it."""
    try:
        return await step
    except RollcallError as error:
        return error
    except Exception as error:
        logger.error("An item of a batch failed: %s", type(error).__name__)
        return InternalError()


def _database_is_away(results: Sequence[Enrolled | RollcallError]) -> bool:
    """Whether the last items failed for it: each further one would wait in vain as long as they did."""
    last = results[-FAILURES_TO_GIVE_UP:]
    return len(last) == FAILURES_TO_GIVE_UP and all(isinstance(result, DatabaseError) for result in last)
