"""`rollcall evaluate`, as it is called, on real faces and beside a running server."""

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from db.engine import open_database
from rollcall.core.calibration import Calibration, CalibrationSource
from rollcall.core.records import StoredCalibration
from tests.e2e.conftest import PACK_NAME
from tests.packs import SHARED, empty_picture, needs_shared, picture
from tests.servers import ROOT, RollcallServer, clean_environment, wait_for

pytestmark = pytest.mark.slow


def evaluate(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder of its own."""
    return subprocess.run(
        [sys.executable, "-m", "rollcall.cli", "evaluate", *arguments],
        cwd=folder,
        env={**clean_environment({"AUTO_DOWNLOAD_MODELS": "false", **settings}), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def folder_of_people(folder: Path, **people: list[bytes]) -> str:
    """DIR/<code>/<n>.jpg; returns DIR."""
    for code, pictures in people.items():
        (folder / code).mkdir(parents=True)
        for i, encoded in enumerate(pictures):
            (folder / code / f"{i}.jpg").write_bytes(encoded)
    return str(folder)


def suggested(output: str) -> float:
    found = re.search(r"Suggested threshold: ([0-9.]+),", output)
    assert found, output
    return float(found[1])


@needs_shared
def test_real_faces_are_told_apart_without_error_at_the_suggested_threshold(tmp_path: Path) -> None:
    people = str(SHARED / "photos" / "people")
    done = evaluate(
        tmp_path, people, "--model", "scrfd_mbf", "--png", "curves.png", MODEL_DIR=str(SHARED / "models")
    )
    assert done.returncode == 0, done.stderr
    assert "Evaluating scrfd_mbf" in done.stdout
    assert "9 people, 25 pictures; pairs of one person: 34, of two: 266" in done.stdout
    assert 0.24 < suggested(done.stdout) < 0.52
    [row] = [line for line in done.stdout.splitlines() if line.endswith("suggested")]
    assert row.split()[1:3] == ["0.00%", "0.00%"]
    assert re.search(r"0\.60 +0\.00% +1\d\.\d\d%", done.stdout), done.stdout
    assert re.search(r"0\.10% needs 1000 pairs of two", done.stdout)
    assert "Equal error rate: 0.00%" in done.stdout
    assert "this model has a generic calibration" in done.stdout
    assert "266 pairs of two people are too few to be sure" in done.stdout
    assert (tmp_path / "curves.png").stat().st_size > 0
    assert not list(tmp_path.rglob("*.db")), "a database is made only to store"


def test_the_curves_are_drawn_into_a_png(tmp_path: Path, pack_settings: dict[str, str]) -> None:
    people = folder_of_people(tmp_path / "people", A=[picture(1), picture(1)], B=[picture(2)])
    done = evaluate(tmp_path, people, "--png", "curves.png", **pack_settings)
    assert done.returncode == 0, done.stderr
    drawn = Image.open(io.BytesIO((tmp_path / "curves.png").read_bytes()))
    drawn.load()
    assert drawn.format == "PNG"
    assert drawn.width >= 600
    assert drawn.height >= 400
    colours = {colour for _, colour in drawn.convert("RGB").getcolors(maxcolors=1 << 20) or ()}
    # Matplotlib's red and blue, one for each rate.
    assert {(214, 39, 40), (31, 119, 180)} <= colours


def test_pictures_that_show_nobody_are_named_and_left_out(
    tmp_path: Path, pack_settings: dict[str, str]
) -> None:
    people = folder_of_people(
        tmp_path / "people", A=[picture(1), empty_picture(), picture(1)], B=[picture(2), b"no picture"]
    )
    done = evaluate(tmp_path, people, **pack_settings)
    assert done.returncode == 0, done.stderr
    assert "A/1.jpg: left out, NO_FACE_DETECTED" in done.stdout
    assert "B/1.jpg: left out, " in done.stdout
    assert "2 people, 3 pictures; pairs of one person: 1, of two: 2" in done.stdout


def test_in_a_wrong_folder_no_database_is_made_to_store_in(
    tmp_path: Path, pack_settings: dict[str, str]
) -> None:
    people = folder_of_people(tmp_path / "people", A=[picture(1), picture(1)], B=[picture(2)])
    done = evaluate(tmp_path, people, "--store", **pack_settings)
    assert done.returncode == 1, done.stdout
    assert "There is no database" in done.stderr
    assert not list(tmp_path.rglob("*.db"))


@pytest.mark.parametrize(
    ("people", "arguments", "message"),
    [
        (None, [], "cannot be read"),
        ({"A": [1, 1]}, [], "at least two people"),
        ({"A": [1], "B": [2]}, [], "two pictures"),
        ({"A": [1, 1], "B": [2]}, ["--model", "missing"], "missing is not in the model folder"),
        ({"A": [1, 1], "B": [2]}, ["--model", "../elsewhere"], "plain name"),
        ({"A": [1, 1], "B": [2]}, ["--png", "nowhere/curves.png"], "folder for the PNG"),
        ({"A": [1, 2], "B": [1, 2]}, [], "Does each folder show one person"),
    ],
)
def test_what_cannot_be_evaluated_is_said_and_fails(
    tmp_path: Path,
    pack_settings: dict[str, str],
    people: dict[str, list[int]] | None,
    arguments: list[str],
    message: str,
) -> None:
    for code, numbers in (people or {}).items():
        folder_of_people(tmp_path / "people", **{code: [picture(number) for number in numbers]})
    done = evaluate(tmp_path, "people", *arguments, **pack_settings)
    assert done.returncode == 1, done.stdout
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_stored_calibration_is_what_a_running_server_with_auto_goes_by(
    tmp_path: Path, pack_settings: dict[str, str]
) -> None:
    people = folder_of_people(tmp_path / "people", A=[picture(1), picture(1)], B=[picture(2)])
    (tmp_path / "server").mkdir()
    with RollcallServer(tmp_path / "server", SIMILARITY_THRESHOLD="auto", **pack_settings) as server:
        health = server.health()
        assert (health["similarity_threshold"], health["calibration"]) == (0.4, "generic")
        person = {"person_type": "student", "person_code": "S1"}
        files = {"image": picture(1)}
        server.client.post("/api/face/enroll", data={**person, "person_name": "Ada"}, files=files)
        address = f"sqlite:///{server.folder}/rollcall.db"

        done = evaluate(tmp_path, people, "--store", DATABASE_URL=address, **pack_settings)
        assert done.returncode == 0, done.stderr
        assert f"Stored for {PACK_NAME}" in done.stdout
        # The very next comparison goes by it, ...
        answer = server.client.post("/api/face/verify", data=person, files=files).json()
        assert answer["threshold"] == suggested(done.stdout) == 0.5
        health = server.health()
        assert (health["similarity_threshold"], health["calibration"]) == (0.5, "stored")

        # ... and without any the health does soon.
        database = open_database(address, pool_size=1)
        new = Calibration(midpoint=0.5, slope=9, operating_point=0.45, source=CalibrationSource.STORED)
        with database.transaction() as records:
            records.calibrations.put(
                StoredCalibration(model=PACK_NAME, calibration=new, same_pairs=1, different_pairs=2)
            )
        database.close()
        wait_for(lambda: server.health()["similarity_threshold"] == 0.45, "a new threshold", limit=60)
