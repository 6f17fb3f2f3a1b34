"""List people, list and forget enrolled faces."""

from collections.abc import Sequence
from dataclasses import dataclass

from rollcall.core.audit import Action
from rollcall.core.database_ports import Database, Records
from rollcall.core.directory import Entry, Search
from rollcall.core.errors import NotFound, PersonNotFound
from rollcall.core.people import PersonKey, PersonType
from rollcall.core.records import EnrolledFace


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which faces to list; None stands for no restriction."""

    type: PersonType | None = None
    code: str | None = None
    limit: int | None = None
    offset: int = 0


class Registry:
    """What is enrolled."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def list(self, page: Page) -> tuple[Sequence[EnrolledFace], int]:
        """The page, and how many faces there are on all pages."""

        return await self._database.run(
            lambda records: records.faces.list(
                type=page.type, code=page.code, limit=page.limit, offset=page.offset
            )
        )

    async def people(self, search: Search) -> tuple[Sequence[Entry], int]:
        """The page, and how many people there are on all pages."""
        return await self._database.run(lambda records: records.directory.page(search))

    async def forget_person(self, person: PersonKey) -> int:
        """Delete every face of a person; returns how many. Raises PersonNotFound if there was none."""

        def remove(records: Records) -> int:
            if removed := records.faces.remove_person(person):
                records.audit.add(Action.PERSON_DELETED, person, faces=removed)
            return removed

        removed = await self._database.run(remove)
        if not removed:
            raise PersonNotFound("This person has no enrolled face.")
        return removed

    async def forget_face(self, face_id: int) -> None:
        """Delete one FaceData row. Raises NotFound if there is none of that Id."""

        def remove(records: Records) -> bool:
            records.changes.lock()
            owner = records.faces.owner(face_id)
            removed = records.faces.remove(face_id)
            if removed:
                records.audit.add(Action.FACE_DELETED, owner, face_id=face_id)
            return removed

        # Raised only after the commit: what our tables have of a face that another program deleted goes too.
        if not await self._database.run(remove):
            raise NotFound("There is no face of this id.")
