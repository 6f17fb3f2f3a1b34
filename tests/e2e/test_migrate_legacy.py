"""`rollcall migrate-legacy` on real faces, beside a real server, and broken off."""

import csv
import io
import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageFilter

from db import tables
from db.engine import SqlDatabase
from rollcall.core.faces import FALLBACK_MODEL, Reading, ReadRequest, Subjects
from runners.legacy import LegacyEngine
from tests.db.rows import old_face, put, read
from tests.e2e.test_old_server import pack, recognized
from tests.packs import SHARED, needs_shared
from tests.servers import ROOT, RollcallServer, clean_environment, wait_for

pytestmark = [pytest.mark.slow, needs_shared]

ROLLCALL = str(ROOT / "bin" / "rollcall")
LIMIT_SECONDS = 300
COUNT_MOVED = "SELECT COUNT(*) FROM RollcallOldDescriptors"
BYTES = "SELECT Id, HEX(FaceDescriptor) FROM FaceData ORDER BY Id"


def begin(url: str, *arguments: str | Path, **settings: str) -> subprocess.Popen[str]:
    environment = clean_environment({**pack(), "DATABASE_URL": url, **settings})
    command = [ROLLCALL, "migrate-legacy", *map(str, arguments)]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Its exit status, and what it said."""
    with process:
        try:
            out, err = process.communicate(timeout=LIMIT_SECONDS)
        finally:
            process.kill()
    return process.returncode, out, err


def call(url: str, *arguments: str | Path, **settings: str) -> tuple[int, str, str]:
    return end(begin(url, *arguments, **settings))


def photo(name: str) -> bytes:
    return (SHARED / "photos" / name).read_bytes()


def blurred(name: str) -> bytes:
    out = io.BytesIO()
    Image.open(SHARED / "photos" / name).convert("RGB").filter(ImageFilter.GaussianBlur(9)).save(out, "JPEG")
    return out.getvalue()


class OldServer:
    """The old server's way of writing a face: the numbers of the largest one, by dlib."""

    def __init__(self) -> None:
        self._engine = LegacyEngine()

    def descriptor(self, picture: bytes) -> str:
        request = ReadRequest(picture=picture, model=FALLBACK_MODEL, embed=Subjects.LARGEST)
        [reading] = self._engine.read([request])
        assert isinstance(reading, Reading)
        assert reading.faces[0].embedding is not None
        return json.dumps([float(number) for number in reading.faces[0].embedding])

    def enrol(self, database: SqlDatabase, code: str, picture: bytes, **changed: Any) -> int:
        row = {"descriptor": self.descriptor(picture), "ImageData": picture, **changed}
        return old_face(database, code=code, **row)


@pytest.fixture(scope="module")
def old_server() -> OldServer:
    return OldServer()


def reported(file: Path) -> Iterator[tuple[str, str]]:
    """Code and outcome of each row."""
    assert file.stat().st_mode & 0o777 == 0o600
    with file.open(encoding="utf-8", newline="") as lines:
        yield from ((row["person_code"], row["outcome"]) for row in csv.DictReader(lines))


def enrol_everybody(old_server: OldServer, database: SqlDatabase) -> dict[str, str]:
    """A school of the old server's; what should become of each row, by its code."""
    old_server.enrol(database, "S001", photo("people/S001/1.jpg"))
    shows_another = photo("people/T003/1.jpg")
    old_server.enrol(database, "S002", photo("people/S002/1.jpg"), ImageData=shows_another)
    lent = photo("people/S003/1.jpg")
    old_server.enrol(database, "S003", lent, ImageData=None)
    put(database, tables.student, {"StudentCode": "s003", "StudentName": "Xaver", "StudentImage": lent})
    old_server.enrol(database, "S004", photo("people/S004/1.jpg"), ImageData=None)
    old_server.enrol(database, "S005", photo("people/S005/1.jpg"), ImageData=photo("group/017_0.jpg"))
    old_server.enrol(database, "S006", photo("people/S006/1.png"), ImageData=blurred("people/S006/1.png"))
    old_server.enrol(database, "TWO", photo("group/two_people.jpg"))
    return {
        "S001": "moved",
        "S002": "no_match",
        "S003": "moved",
        "S004": "no_image",
        "S005": "no_face",
        "S006": "poor_quality",
        "TWO": "several_faces",
    }


@pytest.mark.parametrize("database_url", ["sqlite", "mariadb"], indirect=True)
def test_a_school_moves_over_and_back_while_everybody_is_recognised(
    database: SqlDatabase, database_url: str, tmp_path: Path, old_server: OldServer
) -> None:
    expected = enrol_everybody(old_server, database)
    before = read(database, BYTES)
    code, out, _ = call(database_url, "plan", "--report", tmp_path / "plan.csv")
    assert (code, out.splitlines()[:2]) == (0, ["to_move: 6", "no_image: 1"])
    assert dict(reported(tmp_path / "plan.csv"))["S003"] == "to_move"
    assert read(database, BYTES) == before

    with RollcallServer(tmp_path, **pack(DATABASE_URL=database_url)) as server:

        def everybody_is_recognised() -> None:
            assert [recognized(server, code) for code in ("S001", "S003", "S005")] == ["S001", "S003", "S005"]

        everybody_is_recognised()
        running = begin(database_url, "run", "--report", tmp_path / "run.csv")
        while running.poll() is None:
            everybody_is_recognised()
        code, _, err = end(running)
        assert code == 0, err
        assert dict(reported(tmp_path / "run.csv")) == expected
        everybody_is_recognised()
        assert call(database_url, "verify")[:2] == (
            0,
            "2 moved rows are right, 0 are not; 5 rows still have the old descriptor\n",
        )
        moved = read(database, BYTES)
        assert [face_id for (face_id, old), (_, new) in zip(before, moved, strict=True) if old != new] == [
            1,
            3,
        ]

        accepted = call(
            database_url, "run", "--accept", "several_faces", "poor_quality", "--report", tmp_path / "run.csv"
        )
        assert accepted[0] == 0, accepted[2]
        again = dict(reported(tmp_path / "run.csv"))
        assert (again["S001"], again["TWO"], again["S002"]) == ("moved", "moved", "no_match")
        assert call(database_url, "rollback", "--face-id", "1")[:2] == (
            0,
            "1 row has its old descriptor again, 0 were left alone\n",
        )
        assert call(database_url, "rollback")[0] == 0
        everybody_is_recognised()
    assert read(database, BYTES) == before
    assert read(database, COUNT_MOVED) == [(0,)]


@pytest.mark.parametrize(
    ("database_url", "number"),
    [
        ("sqlite", signal.SIGINT),
        ("mariadb", signal.SIGKILL),
    ],
    indirect=["database_url"],
)
def test_a_run_that_is_broken_off_leaves_whole_rows_and_two_others_finish_it(
    database: SqlDatabase, database_url: str, tmp_path: Path, old_server: OldServer, number: signal.Signals
) -> None:
    picture = photo("people/S001/1.jpg")
    descriptor = old_server.descriptor(picture)
    for n in range(12):
        old_face(database, code=f"c{n}", descriptor=descriptor, ImageData=picture)
    before = read(database, BYTES)
    running = begin(database_url, "run", "--report", tmp_path / "run.csv")
    wait_for(lambda: read(database, COUNT_MOVED)[0][0] >= 2, "the middle of it")
    running.send_signal(number)
    code, _, err = end(running)
    [(moved,)] = read(database, COUNT_MOVED)
    assert 2 <= moved < 12
    assert not (tmp_path / "run.csv").exists()
    if number is signal.SIGINT:
        assert code == 128 + number
        assert "Run it again to go on" in err
        assert "nothing was changed" not in err
        assert not list(tmp_path.glob(".run.csv*"))
    assert call(database_url, "verify")[0] == 0

    both = [begin(database_url, "run", "--report", tmp_path / f"{n}.csv") for n in range(2)]
    for n, each in enumerate(both):
        code, _, err = end(each)
        assert code == 0, err
        assert {outcome for _, outcome in reported(tmp_path / f"{n}.csv")} == {"moved"}
    assert call(database_url, "verify")[1].startswith("12 moved rows are right, 0 are not")
    assert call(database_url, "rollback")[0] == 0
    assert read(database, BYTES) == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    database: SqlDatabase, database_url: str, tmp_path: Path
) -> None:
    old_face(database)
    before = read(database, BYTES)
    for arguments, settings, message in (
        (("run",), {"INSIGHTFACE_MODEL": FALLBACK_MODEL}, "must be a pack"),
        (("run",), {"INSIGHTFACE_MODEL": "missing"}, "missing"),
        (("run", "--report", tmp_path), {}, "folder of that name"),
        (("plan", "--report", tmp_path / "none" / "a.csv"), {}, "No such file"),
        (("run", "--accept", "no_face"), {}, "invalid choice"),
    ):
        code, _, err = call(database_url, *arguments, **settings)
        assert code != 0
        assert message in err, err
    assert read(database, BYTES) == before
    code, out, _ = call(database_url, "run")
    assert (code, out) == (0, "unreadable_image: 1\n")
    assert call(database_url, "rollback", "--face-id", "1")[:2] == (
        1,
        "Face 1: It has not been moved.\n0 rows have their old descriptor again, 1 was left alone\n",
    )
