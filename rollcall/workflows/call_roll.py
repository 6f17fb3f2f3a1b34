"""Who is present, late and missing in a session?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rollcall.core.attendance import RollEntry, Selection, SessionMarks, call_roll
from rollcall.core.database_ports import Database, Records
from rollcall.core.errors import NotFound

MAX_SESSIONS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Of what there is a roll: the newest sessions first, and the forms and campuses of all students."""

    sessions: Sequence[SessionMarks]
    forms: Sequence[str]
    campuses: Sequence[str]


class CallRoll:
    """Reads attendance; never writes."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def choices(self) -> Choices:
        """The last MAX_SESSIONS sessions, and all forms and campuses."""

        def read(records: Records) -> Choices:
            sessions = records.rolls.sessions(MAX_SESSIONS)
            forms, campuses = records.rolls.groups()
            return Choices(sessions=sessions, forms=forms, campuses=campuses)

        return await self._database.run(read)

    async def of(self, session_id: int, selection: Selection) -> Sequence[RollEntry]:
        """The selected students and whoever has a mark and is selected, in order of their codes.

        Raises:
            NotFound: the school's own Sessions table has no such session.
        """

        def read(records: Records) -> Sequence[RollEntry]:
            if not records.rolls.knows_session(session_id):
                raise NotFound(
                    "There is no session of this id.", suggestion="GET /api/attendance lists the sessions."
                )
            return call_roll(records.rolls.students(), records.rolls.marks(session_id), selection)

        return await self._database.run(read)
