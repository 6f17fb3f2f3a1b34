"""A database to make archives of."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from db import tables
from db.engine import SqlDatabase, open_database
from db.migrate import migrate
from rollcall.core.calibration import Calibration, CalibrationSource
from rollcall.core.records import StoredCalibration
from tests.backups import fill, run
from tests.db.rows import put
from tests.mariadb import MariaDBServer


@pytest.fixture(params=["sqlite", "mariadb"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlDatabase]:
    """A database with people, faces, logs and attendance, to be restored into `database`."""
    server: MariaDBServer = request.getfixturevalue("mariadb")
    url = server.new_database() if request.param == "mariadb" else f"sqlite:///{tmp_path}/source.db"
    database = open_database(url, pool_size=2)
    migrate(database)
    fill(database)
    with database.transaction() as records:
        curve = Calibration(
            midpoint=0.1 + 0.2, slope=1 / 3, operating_point=0.31, source=CalibrationSource.STORED
        )
        records.calibrations.put(
            StoredCalibration(model="buffalo_l", calibration=curve, same_pairs=5, different_pairs=9)
        )
    put(database, tables.student, {"StudentCode": "pic", "StudentImage": b"\x00\xff'\\ image"})
    run(database, "INSERT INTO RollcallSettings (Name, Value) VALUES ('similarity_threshold', '0.4')")
    yield database
    database.close()
