"""Every command of the docs on backups and on erasing works as it is written."""

from pathlib import Path

import pytest

from db.engine import open_database
from db.migrate import migrate
from rollcall.core.people import Person
from tests.db.rows import new_face, read, student
from tests.docs import Reader, commands

pytestmark = pytest.mark.slow


def test_the_commands_work_as_they_are_written(tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    (tmp_path / "passphrase.txt").write_text("correct horse battery staple\n")
    database = open_database(f"sqlite:///{tmp_path}/rollcall.db", pool_size=1)
    migrate(database)
    with database.transaction() as records:
        records.people.add(Person(key=student("S001"), name="Ada"))
        records.faces.add(new_face(student("S001")))
    for command in commands("docs/operations.md", "Backups"):
        reader.run(command)
    assert read(database, "SELECT COUNT(*) FROM FaceData") == [(1,)]
    [erase] = commands("docs/privacy.md", "Erasing a person")
    reader.run(erase, input="yes\n")
    assert read(database, "SELECT COUNT(*) FROM FaceData") == [(0,)]
    database.close()
