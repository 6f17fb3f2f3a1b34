"""The models' stored calibrations."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from db import tables
from db.changes import SqlChanges
from rollcall.core.calibration import Calibration, CalibrationSource
from rollcall.core.records import SHARED, StoredCalibration


class SqlCalibrations:
    """All SQL about calibrations. The caller owns the transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> Sequence[StoredCalibration]:
        """One a model, in the order of their names."""
        table = tables.calibrations
        return [
            StoredCalibration(
                model=row.Model,
                calibration=Calibration(
                    midpoint=row.Midpoint,
                    slope=row.Slope,
                    operating_point=row.OperatingPoint,
                    source=CalibrationSource.STORED,
                ),
                same_pairs=row.SamePairs,
                different_pairs=row.DifferentPairs,
                stored_at=row.CreatedDate,
            )
            for row in self._connection.execute(select(table).order_by(table.c.Model))
        ]

    def put(self, new: StoredCalibration) -> None:
        """Store it in place of the model's former one, and note that in the change table."""
        # First, for it takes the lock: two who store at once must not both insert.
        SqlChanges(self._connection).append([SHARED])
        table = tables.calibrations
        self._connection.execute(delete(table).where(table.c.Model == new.model))
        self._connection.execute(
            insert(table).values(
                Model=new.model,
                Midpoint=new.calibration.midpoint,
                Slope=new.calibration.slope,
                OperatingPoint=new.calibration.operating_point,
                SamePairs=new.same_pairs,
                DifferentPairs=new.different_pairs,
            )
        )
