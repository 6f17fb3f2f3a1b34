"""Every command of the docs on backups and on erasing works as it is written."""

import re
import subprocess
from pathlib import Path

import pytest

from db.engine import open_database
from db.migrate import migrate
from rollcall.core.people import Person
from tests.db.rows import new_face, read, student
from tests.servers import ROOT, clean_environment

pytestmark = pytest.mark.slow


def commands(name: str, title: str) -> list[str]:
    text = (ROOT / "docs" / name).read_text().split(f"\n## {title}\n")[1].split("\n## ")[0]
    return [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]


def run(command: str, folder: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=clean_environment({"DATABASE_URL": "sqlite:///rollcall.db"}),
        input="yes\n",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, (command, done.stdout, done.stderr)


def test_the_commands_work_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "bin").symlink_to(ROOT / "bin")
    (tmp_path / "passphrase.txt").write_text("correct horse battery staple\n")
    database = open_database(f"sqlite:///{tmp_path}/rollcall.db", pool_size=1)
    migrate(database)
    with database.transaction() as records:
        records.people.add(Person(key=student("S001"), name="Ada"))
        records.faces.add(new_face(student("S001")))
    for command in commands("operations.md", "Backups"):
        run(command, tmp_path)
    assert read(database, "SELECT COUNT(*) FROM FaceData") == [(1,)]
    [erase] = commands("privacy.md", "Erasing a person")
    run(erase, tmp_path)
    assert read(database, "SELECT COUNT(*) FROM FaceData") == [(0,)]
    database.close()
