"""Notice what other programs write to FaceData, or delete there, without telling us."""

import logging
from functools import partial
from typing import Final

from rollcall.core.audit import Action
from rollcall.core.callers import ANOTHER_PROGRAM
from rollcall.core.database_ports import Database, Records

logger = logging.getLogger("rollcall.notice_foreign_writes")

# Known faces that one statement compares. With descriptors it reads some kilobytes of each.
FACES_A_STEP: Final = 5_000
DESCRIPTORS_A_STEP: Final = 500
# With a round every 20 seconds all descriptors of 30,000 faces are compared within a minute.
DESCRIPTORS_A_ROUND: Final = 15_000


class NoticeForeignWrites:
    """Compares FaceData with what is known of it; galleries learn of the differences by the change table.

    Of every face each round compares whether it is there, and its person; of some their descriptors as well,
    going on where the last round ended. Several replicas may do so at once.
    """

    def __init__(self, *, database: Database, descriptors_a_round: int = DESCRIPTORS_A_ROUND) -> None:
        self._database = database
        self._descriptor_steps = descriptors_a_round // DESCRIPTORS_A_STEP
        self._compared_to = 0  # the last face whose descriptor was compared

    async def round(self) -> int:
        """Returns how many faces were written or deleted by others. The first round ever only looks.

        Raises:
            DatabaseError: try again later.
        """
        await self._fill()
        noticed = await self._compare_faces() + await self._compare_descriptors()
        if noticed:
            logger.info("%d faces were written or deleted by other programs", noticed)
        return noticed

    async def _fill(self) -> None:
        after: int | None = 0
        while after is not None:
            after = await self._database.run(partial(_fill_after, after))

    async def _compare_faces(self) -> int:
        noticed, after = 0, 0
        while True:
            last, count = await self._step(after, size=FACES_A_STEP, descriptors=False)
            noticed += count
            if last is None:
                return noticed
            after = last

    async def _compare_descriptors(self) -> int:
        noticed = 0
        for _ in range(self._descriptor_steps):
            last, count = await self._step(self._compared_to, size=DESCRIPTORS_A_STEP, descriptors=True)
            noticed += count
            self._compared_to = last or 0
            if last is None:
                break
        return noticed

    async def _step(self, after: int, *, size: int, descriptors: bool) -> tuple[int | None, int]:
        """The Id to go on after, None at the end, and how many faces differed."""

        def compare(records: Records) -> tuple[int | None, int]:
            last, differing = records.known_faces.compare(after, size=size, descriptors=descriptors)
            # Only now under the lock, which no round takes that finds nothing.
            count = records.known_faces.take_over(differing) if differing else 0
            if count:
                records.audit.add(Action.FOREIGN_WRITES, by=ANOTHER_PROGRAM, faces=count)
            return last, count

        return await self._database.run(compare)


def _fill_after(after: int, records: Records) -> int | None:
    return records.known_faces.fill(after)
