"""RollcallRecognitions: what was answered, and what feedback said of it."""

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    String,
    and_,
    case,
    delete,
    func,
    insert,
    literal,
    select,
    true,
    type_coerce,
    update,
)

from db import tables
from db.expressions import chunks
from db.locking import start_writing
from db.quick_inserts import Row, insert_now
from rollcall.core.feedback import Accuracy, AnsweredPicture, Judged, Judgement, StoredFace

_INTO: Final = (
    "RollcallRecognitions"
    " (RecognitionId, Face, Model, MatchedBy, PersonType, PersonCode, Similarity, CreatedDate)"
)
_TABLE: Final = tables.recognitions


class SqlRecognitions:
    """All SQL about what was answered. The caller owns the transaction. Dates are the database's clock."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, pictures: Iterable[AnsweredPicture]) -> None:
        """Insert a row for each face, dated now; one for a picture without any. Waits for no other writer on
        MySQL."""
        for rows in chunks([row for picture in pictures for row in _rows(picture)]):
            start_writing(self._connection)
            insert_now(self._connection, _INTO, rows)

    def take(self, recognition_id: str) -> Sequence[StoredFace]:
        """A picture's faces, which nobody else judges until the transaction ends; none if it is unknown."""
        start_writing(self._connection)
        of_picture = _TABLE.c.RecognitionId == recognition_id
        self._connection.execute(select(_TABLE.c.Id).where(of_picture).with_for_update()).all()
        # Read once they are ours: somebody may have been added while we waited for the first of them.
        found = self._connection.execute(select(_TABLE).where(of_picture).order_by(_TABLE.c.Id))
        return [
            StoredFace(
                id=row.Id,
                number=row.Face,
                model=row.Model,
                person_code=row.PersonCode,
                correct=None if row.Correct is None else bool(row.Correct),
                actual_code=row.ActualCode,
            )
            for row in found
        ]

    def store(self, recognition_id: str, judgement: Judgement) -> None:
        """Keep what feedback said of faces that `take` gave."""
        for judged in judgement.judged:
            if judged.face is None:
                self._add_missed(recognition_id, judged)
            elif judged.is_news or judged.actual_code != judged.face.actual_code:
                values = {"Correct": int(judged.correct), "ActualCode": judged.actual_code}
                self._connection.execute(update(_TABLE).where(_TABLE.c.Id == judged.face.id).values(**values))
        for ids in chunks([face.id for face in judgement.withdrawn]):
            self._connection.execute(delete(_TABLE).where(_TABLE.c.Id.in_(ids)))

    def _add_missed(self, recognition_id: str, judged: Judged) -> None:
        """A row as old as the picture's others, with which it is to be deleted."""
        columns = [
            _TABLE.c[name] for name in ("RecognitionId", "Model", "Correct", "ActualCode", "CreatedDate")
        ]
        row = select(
            _TABLE.c.RecognitionId,
            _TABLE.c.Model,
            literal(int(judged.correct)),
            literal(judged.actual_code),
            _TABLE.c.CreatedDate,
        )
        row = row.where(_TABLE.c.RecognitionId == recognition_id).limit(1)
        self._connection.execute(insert(_TABLE).from_select(columns, row))

    def accuracy(self, since: datetime | None) -> Sequence[Accuracy]:
        """By model, of the recognitions since a moment, or of all."""
        named, right, wrong = _TABLE.c.PersonCode.is_not(None), _TABLE.c.Correct == 1, _TABLE.c.Correct == 0
        query = (
            select(
                _TABLE.c.Model,
                _count(_TABLE.c.Face > 0).label("faces"),
                _count(named).label("matches"),
                func.avg(case((named, _TABLE.c.Similarity))).label("mean"),
                _count(and_(named, right)).label("true_matches"),
                _count(and_(named, wrong)).label("false_matches"),
                _count(and_(~named, right)).label("true_non_matches"),
                _count(and_(~named, wrong)).label("false_non_matches"),
            )
            .where(_since(since))
            .group_by(_TABLE.c.Model)
            .order_by(_TABLE.c.Model)
        )
        return [
            Accuracy(
                model=row.Model,
                faces=row.faces,
                matches=row.matches,
                mean_similarity=None if row.mean is None else float(row.mean),
                true_matches=row.true_matches,
                false_matches=row.false_matches,
                true_non_matches=row.true_non_matches,
                false_non_matches=row.false_non_matches,
            )
            for row in self._connection.execute(query)
        ]


def _rows(picture: AnsweredPicture) -> Iterator[Row]:
    """In the order of _INTO."""
    if not picture.faces:
        yield (picture.recognition_id, 0, picture.model, None, None, None, None)
    for number, face in enumerate(picture.faces, start=1):
        person = face.match.person if face.match else None
        similarity = face.similarity
        yield (
            picture.recognition_id,
            number,
            picture.model,
            face.match.model if face.match else None,
            person.type.value if person else None,
            person.code if person else None,
            None if similarity is None or not math.isfinite(similarity) else float(similarity),
        )


def _count(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.count(case((condition, 1)))


def _since(moment: datetime | None) -> ColumnElement[bool]:
    if moment is None:
        return true()
    # As text, which is how SQLite keeps dates; MySQL makes a date of it.
    return type_coerce(_TABLE.c.CreatedDate, String) >= moment.isoformat(sep=" ", timespec="seconds")
