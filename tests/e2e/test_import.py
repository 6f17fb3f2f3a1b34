"""`rollcall import`: what it says, and what it leaves when it is broken off."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from db.engine import SqlDatabase, open_database
from tests.audit import actions, verify
from tests.db.rows import read
from tests.imports import code, list_of, rows
from tests.packs import empty_picture, picture
from tests.servers import ROOT, clean_environment, wait_for

pytestmark = pytest.mark.slow

MANY = 400
DIFFERENT = 60


class School:
    """A folder with photos, a list and a database."""

    def __init__(self, folder: Path, pack_settings: dict[str, str]) -> None:
        self.folder = folder
        self._environment = clean_environment(
            {
                **pack_settings,
                "DATABASE_URL": f"sqlite:///{folder}/rollcall.db",
                "ENABLE_FACE_QUALITY_CHECK": "false",
            }
        )
        (folder / "photos").mkdir()

    def put(self, name: str, content: bytes) -> None:
        (self.folder / "photos" / name).write_bytes(content)

    def begin(self, *words: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "rollcall.cli", "import", "--type", "student", "--photos", "photos"]
        return subprocess.Popen(
            [*command, *words],
            cwd=self.folder,
            env={**self._environment, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, status: int = 0) -> str:
        with self.begin(*words) as process:
            out, err = process.communicate(timeout=300)
        assert process.returncode == status, (out, err)
        return out

    def report(self, name: str = "people-report.csv") -> list[dict[str, str]]:
        return list(rows((self.folder / name).read_bytes()))


@pytest.fixture
def school(tmp_path: Path, pack_settings: dict[str, str]) -> School:
    return School(tmp_path, pack_settings)


@pytest.fixture
def large_school(school: School) -> School:
    """Many people, one photo each."""
    for number in range(DIFFERENT):
        school.put(f".{number}", picture(number))
    for number in range(MANY):
        link = school.folder / "photos" / f"{code(number)}.jpg"
        link.symlink_to(school.folder / "photos" / f".{number % DIFFERENT}")
    (school.folder / "people.csv").write_text(list_of(*range(MANY)))
    return school


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqlDatabase]:
    """As another program sees it."""
    database = open_database(f"sqlite:///{tmp_path}/rollcall.db", pool_size=1)
    yield database
    database.close()


def stored(database: SqlDatabase) -> list[str]:
    return [found for (found,) in read(database, "SELECT PersonCode FROM FaceData ORDER BY PersonCode")]


def test_each_row_is_in_the_report_and_failures_are_told(school: School, database: SqlDatabase) -> None:
    school.put("S001.jpg", picture(1))
    school.put("S002.jpg", empty_picture())
    school.put("ada.jpg", picture(3))
    (school.folder / "people.csv").write_text(
        "StudentCode;StudentName;StudentImage\nS001;=Ada;\nS002;Grace;\nS003;Mary;ada.jpg;\ns001;Again;\n",
        encoding="utf-8-sig",
    )
    out = school.run("--csv", "people.csv", status=1)
    assert "line 3: S002 S002.jpg: No face was found in the photo." in out
    assert "line 5: s001: Line 2 has this code already" in out
    assert "2 enrolled, 0 of them with a warning; 0 skipped, 1 failed, 1 duplicate lines" in out
    assert stored(database) == ["S001", "S003"]
    report = school.report()
    assert [row["outcome"] for row in report] == ["enrolled", "failed", "enrolled", "duplicate"]
    assert report[0]["name"] == "'=Ada"
    assert actions(database) == ["import_begun", "enrolled", "enrolled"]
    assert verify(database).fault is None


def test_a_dry_run_writes_the_report_alone(school: School, database: SqlDatabase) -> None:
    for number in (1, 2):
        school.put(f"{code(number)}.jpg", picture(1))
    (school.folder / "people.csv").write_text(list_of(1, 2))
    words = ("--csv", "people.csv", "--dry-run")
    out = school.run(*words)
    assert "2 would be enrolled, 1 of them with a warning" in out
    assert not (school.folder / "rollcall.db").exists()
    dry = school.report("people-dry-run-report.csv")
    assert dry[1]["same_face_as"] == "student S001"
    school.run("--csv", "people.csv")
    assert school.report() == dry
    before = read(database, "SELECT COUNT(*), MAX(Id) FROM RollcallChanges")
    again = school.run(*words)
    assert "0 would be enrolled" in again
    assert "2 skipped" in again
    assert read(database, "SELECT COUNT(*), MAX(Id) FROM RollcallChanges") == before


def test_without_a_list_names_are_codes(school: School, database: SqlDatabase) -> None:
    school.put("S001.jpg", picture(1))
    (school.folder / "photos" / "S002").mkdir()
    school.put("S002/a.jpg", picture(2))
    school.put("S002/b.png", picture(2, format="PNG"))
    assert "3 enrolled" in school.run()
    assert stored(database) == ["S001", "S002", "S002"]
    assert [row["line"] for row in school.report("photos-report.csv")] == [""] * 3


def test_killed_in_the_middle_it_goes_on_without_doing_anything_twice(
    large_school: School, database: SqlDatabase
) -> None:
    process = large_school.begin("--csv", "people.csv")
    report = large_school.folder / "people-report.csv"
    with process:
        wait_for(lambda: report.exists() and b",enrolled," in report.read_bytes(), "the first rows")
        process.send_signal(signal.SIGKILL)
    known = stored(database)
    assert 0 < len(known) < MANY
    assert 0 < len(large_school.report()) <= len(known)
    out = large_school.run("--csv", "people.csv")
    assert f"{MANY - len(known)} enrolled" in out
    assert f"{len(known)} skipped" in out
    assert stored(database) == sorted(code(number) for number in range(MANY))
    assert len(large_school.report()) == MANY
    assert [row["error_code"] for row in large_school.report()].count("ALREADY_IMPORTED") == len(known)


def test_broken_off_it_says_what_was_done_and_how_to_go_on(
    large_school: School, database: SqlDatabase
) -> None:
    with large_school.begin("--csv", "people.csv") as process:
        report = large_school.folder / "people-report.csv"
        wait_for(lambda: report.exists() and b",enrolled," in report.read_bytes(), "the first rows")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT, err
    assert f"of {MANY} photos are done" in err
    assert "Run the same command again to go on" in err
    assert 0 < len(stored(database)) < MANY


@pytest.mark.parametrize("name", ["people.csv", "people-before.csv"])
def test_the_report_does_not_take_the_place_of_the_list(school: School, name: str) -> None:
    school.put("S001.jpg", picture(1))
    place = school.folder / name
    place.write_text(list_of(1))
    words = ("--csv", name, "--report", "photos/../people.csv")
    with school.begin(*words) as process:
        _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "would take the place of the list" in err
    assert place.read_text() == list_of(1)


def test_a_folder_without_photos_is_refused(school: School) -> None:
    (school.folder / "people.csv").write_text(list_of(1))
    school.put("S001.txt", b"no photo")
    with school.begin("--csv", "people.csv") as process:
        _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "There are no photos in the folder" in err
    assert not (school.folder / "people-report.csv").exists()


def test_names_that_are_no_unicode_are_told_and_stop_nothing(school: School, database: SqlDatabase) -> None:
    (school.folder / "photos" / "S001").mkdir()
    school.put("S001/L\udcf6we.jpg", picture(1))
    school.put("S001/L\udcf6we-2.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    school.put("L\udcf6we.jpg", picture(2))
    out = school.run(status=1)
    assert "S001/L\\udcf6we-2.heic: The photo is not a JPEG, PNG or WebP picture" in out
    assert "1 enrolled, 0 of them with a warning; 0 skipped, 2 failed" in out
    assert stored(database) == ["S001"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"code;Vorname\n1;Ada\n", "the columns code, Vorname"),
        (b"1;Ada\n", "names no column that is known"),
        ("code,name\nS001,Löwe\n".encode("latin-1"), "CSV UTF-8"),
        ("code,name\n".encode("utf-16"), "UTF-16"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused(school: School, content: bytes, told: str) -> None:
    (school.folder / "people.csv").write_bytes(content)
    with school.begin("--csv", "people.csv") as process:
        _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert told in err
    assert "Traceback" not in err
    assert os.listdir(school.folder / "photos") == []
