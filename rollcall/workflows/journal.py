"""Write recognition attempts down before they are answered."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rollcall.core.database_ports import Database, Records
from rollcall.core.errors import DatabaseError
from rollcall.core.feedback import AnsweredPicture
from rollcall.core.people import PersonKey
from rollcall.core.records import RecognitionAttempt
from rollcall.core.rounds import Rounds


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    attempts: Sequence[RecognitionAttempt]
    people: frozenset[PersonKey]
    answered: AnsweredPicture | None


class Journal:
    """Group commit: the attempts of all requests of a moment go into one transaction."""

    def __init__(self, *, database: Database, limit: float) -> None:
        """`limit`: how many seconds `write` may take."""
        self._database = database
        self._rounds = Rounds(self._write, limit)

    async def write(
        self,
        attempts: Sequence[RecognitionAttempt],
        people: Iterable[PersonKey],
        answered: AnsweredPicture | None = None,
    ) -> Mapping[PersonKey, str]:
        """Returns when the attempts are committed, with the names of these people (and of others').

        `answered`: what the picture is answered with, for feedback; None where it is an error.

        Raises:
            DatabaseError: they are not written, or it is not known whether they are.
        """
        try:
            return await self._rounds.join(
                _Entry(attempts=attempts, people=frozenset(people), answered=answered)
            )
        except TimeoutError:
            raise DatabaseError("The database did not answer in time.") from None

    async def _write(self, entries: Sequence[_Entry]) -> Mapping[PersonKey, str]:
        people = frozenset[PersonKey]().union(*(entry.people for entry in entries))
        attempts = [attempt for entry in entries for attempt in entry.attempts]
        answered = [entry.answered for entry in entries if entry.answered]

        def write(records: Records) -> Mapping[PersonKey, str]:
            names = records.people.names(people)
            records.log.add(attempts)
            records.recognitions.add(answered)
            return names

        return await self._database.run(write)
