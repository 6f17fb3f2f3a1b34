"""Give the old server's rows an embedding of the active model, from their pictures."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from rollcall.core.audit import Action
from rollcall.core.database_ports import Database, Records
from rollcall.core.errors import LowQualityImage, ModelNotLoaded, Overloaded, RollcallError
from rollcall.core.faces import FALLBACK_MODEL, Face, Reading, ReadRequest, Subjects, metric_of
from rollcall.core.legacy import OLD_TOLERANCE, Move, MovedRow, OldRow, Outcome, RowReport
from rollcall.core.matching import similarities
from rollcall.core.ports import FaceReader
from rollcall.workflows.legacy_rows import LegacyRows, report_moved, report_old
from rollcall.workflows.new_faces import require_quality
from rollcall.workflows.probes import SAME_FACE_OVERLAP, overlap

_AHEAD: Final = 2  # pictures a dlib engine that are read before it is their turn


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyRules:
    """The model whose embeddings the rows get, whether the quality counts, and which doubts are overruled."""

    model: str
    check_quality: bool
    accepted: Collection[Outcome] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """A row's report, and what is to be written first where it can be moved."""

    report: RowReport
    move: Move | None = None


class MigrateLegacy:
    """`rollcall migrate-legacy run`.

    `faces` reads with the active model; each of `engines` with dlib, which reads one picture at a time.
    """

    def __init__(
        self,
        *,
        rows: LegacyRows,
        database: Database,
        faces: FaceReader,
        engines: Sequence[FaceReader],
        rules: LegacyRules,
    ) -> None:
        self._rows = rows
        self._database = database
        self._faces = faces
        self._engine_count = len(engines)
        self._idle = asyncio.Queue[FaceReader]()
        for engine in engines:
            self._idle.put_nowait(engine)
        self._rules = rules

    async def run(self) -> AsyncIterator[RowReport]:
        """Move what can be moved; one report a row, in order of Id, when its turn has come and gone.

        Each row is written by itself. Broken off, or done again, it goes on with what is left.

        Raises:
            ModelNotLoaded: a model is gone.
            InvalidRequest: FaceData knows no transactions.
            DatabaseError: as it says.
        """
        await self._database.run(lambda records: records.old_descriptors.require_transactions())
        ahead = deque[asyncio.Task[_Judged]]()
        try:
            async for row in self._rows.all("Moving"):
                ahead.append(asyncio.create_task(self._judge(row)))
                if len(ahead) >= _AHEAD * self._engine_count:
                    yield await self._finish(await ahead.popleft())
            while ahead:
                yield await self._finish(await ahead.popleft())
        finally:
            for task in ahead:
                task.cancel()
            await asyncio.gather(*ahead, return_exceptions=True)

    async def _finish(self, judged: _Judged) -> RowReport:
        move = judged.move
        if move is None:
            return judged.report

        def write(records: Records) -> bool:
            moved = records.old_descriptors.move(move)
            if moved:
                owner = records.faces.owner(move.row.id)
                records.audit.add(Action.LEGACY_MIGRATED, owner, face_id=move.row.id, model=move.model)
            return moved

        if not await self._database.run(write):
            return report_old(move.row, Outcome.CHANGED, "while it was read; run this again")
        return replace(judged.report, model=move.model)

    async def _judge(self, row: OldRow | MovedRow) -> _Judged:
        """Whether a row can be moved. Writes nothing."""
        if isinstance(row, MovedRow):
            return _Judged(report=report_moved(row))
        picture = await self._database.run(lambda records: records.old_descriptors.picture(row))
        if picture is None:
            return _Judged(report=report_old(row, Outcome.NO_IMAGE))
        try:
            reading = await self._faces.read(self._request(picture))
            if not reading.faces:
                return _Judged(report=report_old(row, Outcome.NO_FACE))
            similarity = await self._similarity(row, picture, reading.faces[0])
        except (ModelNotLoaded, Overloaded):
            raise
        except RollcallError as error:
            return _Judged(report=report_old(row, Outcome.UNREADABLE_IMAGE, error.code))
        return self._decide(row, picture, reading, similarity)

    def _request(self, picture: bytes) -> ReadRequest:
        assess = Subjects.LARGEST if self._rules.check_quality else Subjects.NONE
        return ReadRequest(picture=picture, model=self._rules.model, embed=Subjects.LARGEST, assess=assess)

    async def _similarity(self, row: OldRow, picture: bytes, face: Face) -> float | None:
        """Of a face with the row's old descriptor; None where dlib does not find that face."""
        request = ReadRequest(picture=picture, model=FALLBACK_MODEL, embed=Subjects.ALL)
        engine = await self._idle.get()
        try:
            reading = await engine.read(request)
        finally:
            self._idle.put_nowait(engine)
        best = max(reading.faces, key=lambda other: overlap(face.box, other.box), default=None)
        if best is None or best.embedding is None or overlap(face.box, best.box) <= SAME_FACE_OVERLAP:
            return None
        return float(similarities(row.descriptor[np.newaxis], best.embedding, metric_of(FALLBACK_MODEL))[0])

    def _decide(self, row: OldRow, picture: bytes, reading: Reading, similarity: float | None) -> _Judged:
        embedding = reading.faces[0].embedding
        if embedding is None:
            report = report_old(row, Outcome.NO_FACE, "cut off at the border", similarity)
            return _Judged(report=report)
        doubts = dict(_doubts(reading, similarity))
        refused = [doubt for doubt in doubts if doubt not in self._rules.accepted]
        detail = "; ".join(f"{doubt}{why}" for doubt, why in doubts.items())
        if refused:
            return _Judged(report=report_old(row, refused[0], detail, similarity))
        report = report_old(row, Outcome.MOVED, f"accepted: {detail}" if doubts else "", similarity)
        move = Move(row=row, model=self._rules.model, embedding=embedding, picture=picture)
        return _Judged(report=report, move=move)


def _doubts(reading: Reading, similarity: float | None) -> Iterator[tuple[Outcome, str]]:
    """What speaks against moving a row, in the order of core.legacy.DOUBTS, and more about it."""
    if len(reading.faces) > 1:
        yield Outcome.SEVERAL_FACES, f" ({len(reading.faces)})"
    quality = reading.faces[0].quality
    if quality is not None:
        try:
            require_quality(quality)
        except LowQualityImage as error:
            yield Outcome.POOR_QUALITY, f" ({error.message})"
    if similarity is None:
        yield Outcome.NOT_COMPARED, ""
    elif similarity < OLD_TOLERANCE:
        yield Outcome.NO_MATCH, ""
