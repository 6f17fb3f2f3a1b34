"""`rollcall compare`, as it is called, and on real faces."""

import asyncio
import io
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image

from db.engine import SqlDatabase, open_database
from db.migrate import migrate
from rollcall.core.calibration import Calibrations
from rollcall.core.comparisons import Comparison, Outcome
from rollcall.core.faces import FALLBACK_MODEL, Embedding, Face, ReadRequest, Subjects
from rollcall.core.matching import Thresholds
from rollcall.core.models import ActiveModel
from rollcall.core.observing import ComparisonOutcome
from rollcall.core.people import PersonKey
from rollcall.gallery.gallery import FaceGallery
from rollcall.workflows.compare_models import CompareModels
from rollcall.workflows.evaluate import compare as compare_pairs
from rollcall.workflows.shadow import Shadow
from runners.local import LocalFaceReader
from runners.models import ModelCache
from tests.db.rows import add_embedding, embedding, new_face, student
from tests.observed import Observed
from tests.packs import SHARED, needs_shared
from tests.servers import ROOT, clean_environment

pytestmark = pytest.mark.slow


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqlDatabase]:
    database = open_database(f"sqlite:///{tmp_path}/rollcall.db", pool_size=2)
    migrate(database)
    yield database
    database.close()


def compare(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder, on the database there."""
    return subprocess.run(
        [sys.executable, "-m", "rollcall.cli", "compare", *arguments],
        cwd=folder,
        env={
            **clean_environment({"DATABASE_URL": f"sqlite:///{folder}/rollcall.db"}),
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def enrol(database: SqlDatabase, *faces: tuple[PersonKey, dict[str, Embedding]]) -> None:
    """A face for each: its person, and its embeddings by model."""
    for person, vectors in faces:
        (model, vector), *others = vectors.items()
        with database.transaction() as records:
            face_id = records.faces.add(new_face(person, model=model, embedding=vector))
            for model, vector in others:
                add_embedding(records, face_id, model, vector)


def recognised(database: SqlDatabase, old: Outcome, new: Outcome) -> None:
    with database.transaction() as records:
        records.comparisons.add(Comparison(answer=old, shadow=new))


def outcome(model: str, code: str, similarity: float, milliseconds: float) -> Outcome:
    return Outcome(
        model=model,
        person=student(code),
        similarity=similarity,
        accepted=similarity >= 0.4,
        milliseconds=milliseconds,
    )


def figures(output: str, label: str) -> list[str]:
    """The words after a label, of the one line that begins with it."""
    [line] = [line.strip() for line in output.splitlines() if line.strip().startswith(label)]
    return line.removeprefix(label).split()


def test_the_report_has_the_gallery_the_recognitions_and_the_times(
    database: SqlDatabase, tmp_path: Path
) -> None:
    one = embedding(1)
    enrol(
        database,
        (student("SECRET1"), {"old": one, "new": embedding(2)}),
        (student("SECRET1"), {"old": one, "new": embedding(2)}),
        (student("SECRET2"), {"old": embedding(3), "new": embedding(4)}),
    )
    for n in range(20):
        # The last of twenty takes ten times as long.
        slow = 10 if n == 19 else 1
        found = outcome("new", f"S{n % 2}", 0.5, 20 * slow)
        recognised(database, outcome("old", "S0", 0.9 if n < 19 else 0.3, 100 * slow), found)
    done = compare(tmp_path, "--from", "old", "--to", "new", "--png", "drawn.png")
    assert done.returncode == 0, done.stderr
    assert "Gallery: 3 faces of 2 people" in done.stdout
    assert figures(done.stdout, "own person found first, old") == ["2", "100.00%"]
    assert figures(done.stdout, "the same person found first by both") == ["2", "100.00%"]
    assert figures(done.stdout, "one person, old") == ["1", *["1.0000"] * 7]
    assert "old: operating point 0.4 (generic); 0.00% of the pairs of one person are below it" in done.stdout
    assert "Recognitions: 20 pictures" in done.stdout
    assert figures(done.stdout, "the same answer by both") == ["10", "50.00%"]
    assert figures(done.stdout, "both accepted, but different persons") == ["9", "45.00%"]
    assert figures(done.stdout, "accepted by new alone") == ["1", "5.00%"]
    assert figures(done.stdout, "refused, old") == ["1", *["0.3000"] * 7]
    assert re.search(r"old +median 100\.0 ms, p95 145\.0 ms", done.stdout), done.stdout
    assert re.search(r"new +median 20\.0 ms, p95 29\.0 ms", done.stdout), done.stdout
    assert "SECRET" not in done.stdout
    drawn = Image.open(io.BytesIO((tmp_path / "drawn.png").read_bytes()))
    drawn.load()
    assert drawn.format == "PNG"
    assert drawn.width > drawn.height > 600
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix in (".png", ".part")) == [
        "drawn.png"
    ]


def test_where_there_is_nothing_to_compare_it_says_what_to_do(database: SqlDatabase, tmp_path: Path) -> None:
    enrol(database, (student("S1"), {"old": embedding(1)}), (student("S2"), {"new": embedding(2)}))
    done = compare(tmp_path, "--from", "old", "--to", "new", "--png", "drawn.png")
    assert done.returncode == 1
    assert "no face has embeddings by both models" in done.stdout
    assert "none was read by both models, so the time per face is not known either" in done.stdout
    assert done.stdout.count("SHADOW_MODEL=new") == 2
    assert not (tmp_path / "drawn.png").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "old", "--to", "unknown"], "Nothing is stored of the model unknown"),
        (["--from", "old", "--to", "old"], "must be two models"),
        (["--from", "old", "--to", "new", "--png", "nowhere/drawn.png"], "folder for the PNG"),
        (["--from", "old", "--to", "new", "--png", "."], "PNG file cannot be written: there is a folder"),
    ],
)
def test_what_cannot_be_done_is_said_and_fails(
    database: SqlDatabase, tmp_path: Path, arguments: list[str], said: str
) -> None:
    enrol(database, (student("S1"), {"old": embedding(1), "new": embedding(2)}))
    done = compare(tmp_path, *arguments)
    assert done.returncode == 1, done.stdout
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_no_database_is_made_to_find_nothing_in(tmp_path: Path) -> None:
    done = compare(tmp_path, "--from", "old", "--to", "new")
    assert done.returncode == 1
    assert "There is no database" in done.stderr
    assert list(tmp_path.iterdir()) == []


PEOPLE = SHARED / "photos" / "people"
CODES = ("S001", "S003")
STRANGER = PEOPLE / "S004" / "1.jpg"
REAL = ("scrfd_mbf", "scrfd_500m", FALLBACK_MODEL)


@pytest.fixture(scope="module")
def real_models(tmp_path_factory: pytest.TempPathFactory) -> LocalFaceReader:
    """Two packs that share a recogniser, and the fallback engine."""
    folder = tmp_path_factory.mktemp("models")
    detectors = {"scrfd_mbf": "scrfd_mbf/det_2.5g.onnx", "scrfd_500m": "detectors/det_500m.onnx"}
    for name, detector in detectors.items():
        (folder / name).mkdir()
        for file in (detector, "scrfd_mbf/mobilefacenet.onnx"):
            (folder / name / Path(file).name).symlink_to(SHARED / "models" / file)
    return LocalFaceReader(
        ModelCache(model_dir=folder, threads=2, backend="onnxruntime", fallback_allowed=True)
    )


def active(model: str) -> ActiveModel:
    calibration = Calibrations().of(model)
    return ActiveModel(
        name=model, backend="", min_similarity=calibration.operating_point, calibration=calibration
    )


async def largest(faces: LocalFaceReader, picture: bytes, model: str) -> Face:
    reading = await faces.read(ReadRequest(picture=picture, model=model, embed=Subjects.LARGEST))
    return reading.faces[0]


async def answer(faces: LocalFaceReader, gallery: FaceGallery, picture: bytes) -> tuple[Outcome, Face]:
    """What the first of the models says."""
    started = time.perf_counter()
    face = await largest(faces, picture, REAL[0])
    milliseconds = (time.perf_counter() - started) * 1000
    assert face.embedding is not None
    thresholds = Thresholds(active_model=REAL[0], min_similarity=0.4)
    [match] = gallery.rank({REAL[0]: face.embedding}, thresholds)
    found = Outcome(
        model=REAL[0],
        person=match.person,
        similarity=match.similarity,
        accepted=thresholds.accepts(match),
        milliseconds=milliseconds,
    )
    return found, face


@needs_shared
def test_real_models_agree_on_real_faces(
    database: SqlDatabase, tmp_path: Path, real_models: LocalFaceReader
) -> None:
    photos = [(code, path.read_bytes()) for code in CODES for path in sorted((PEOPLE / code).iterdir())]

    async def read_all() -> dict[str, list[tuple[str, Embedding]]]:
        """By model, the code and the embedding of each photo."""
        found: dict[str, list[tuple[str, Embedding]]] = {model: [] for model in REAL}
        for code, picture in photos:
            for model in REAL:
                vector = (await largest(real_models, picture, model)).embedding
                assert vector is not None
                found[model].append((code, vector))
        return found

    async def look_again(shadow: Shadow, gallery: FaceGallery) -> None:
        task = asyncio.create_task(shadow.run())
        pictures = [*(picture for _, picture in photos[::3]), STRANGER.read_bytes()]
        async with asyncio.timeout(120):
            for done, picture in enumerate(pictures, start=1):
                found, face = await answer(real_models, gallery, picture)
                shadow.offer(picture, found, None, face.box)
                while observed.comparisons.total() < done:
                    await asyncio.sleep(0.01)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    observed = Observed()
    embeddings = asyncio.run(read_all())
    enrol(
        database,
        *(
            (student(code), {model: embeddings[model][n][1] for model in REAL})
            for n, (code, _) in enumerate(photos)
        ),
    )
    gallery = FaceGallery(database, limit=60)
    gallery.follow()
    shadow = Shadow(
        model=lambda: active(FALLBACK_MODEL),
        faces=real_models,
        gallery=gallery,
        database=database,
        rate=1,
        observer=observed,
    )
    asyncio.run(look_again(shadow, gallery))
    assert set(observed.comparisons) == {ComparisonOutcome.STORED}

    for other in REAL[1:]:
        found = CompareModels(database=database).run(other, REAL[0]).gallery
        assert found is not None
        assert (found.faces, found.people) == (len(photos), len(CODES))
        assert found.rank1.probes == found.rank1.old_right == found.rank1.new_right == found.rank1.agreed
        for separation in (found.old, found.new):
            expected = compare_pairs(separation.model, embeddings[separation.model]).rates
            assert separation.same == pytest.approx(expected.same, abs=1e-5)
            assert separation.different == pytest.approx(expected.different, abs=1e-5)
            assert (separation.false_reject, separation.false_accept) == (0, 0)

    done = compare(tmp_path, "--from", FALLBACK_MODEL, "--to", REAL[0], "--png", "drawn.png")
    assert done.returncode == 0, done.stderr
    same = str(len(photos[::3]))
    assert figures(done.stdout, "both accepted the same person")[0] == same
    assert figures(done.stdout, "neither accepted anybody")[0] == "1"
    assert figures(done.stdout, "the same answer by both")[1] == "100.00%"
    assert figures(done.stdout, f"accepted, {FALLBACK_MODEL}")[0] == same
    assert f"{FALLBACK_MODEL}: operating point 0.6 (built-in)" in done.stdout
    assert (tmp_path / "drawn.png").stat().st_size > 0
