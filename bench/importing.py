"""`python -m bench.importing`: how fast bulk imports are, and how much memory they take, into IMPORT.md."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import cv2
import numpy as np
import psutil

from bench.apart import apart
from bench.importing_report import MemoryRun, Rates, markdown
from bench.machine import describe, load_average
from bench.memory import MemoryLog
from bench.packs import BenchPack, find_pack, people_photos
from bench.planned import run
from rollcall.compose import cores as inference_cores
from rollcall.compose import model_cache
from rollcall.core.errors import RollcallError
from rollcall.core.faces import ReadRequest, Subjects
from rollcall.core.settings import Settings
from runners.backends import streams_of
from runners.engine import Engine
from runners.face_runner import MAX_BATCH_SIZE
from tests.servers import ROOT, RollcallServer, clean_environment

RESULTS = Path(__file__).resolve().parent / "IMPORT.md"
PACKS = ("scrfd_mbf", "r50")
_LIMIT_SECONDS = 4 * 3600.0


class ImportFailed(Exception):
    """An import did not enrol what it should."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much of each. `memory`: photos of an import whose memory is looked at."""

    packs: Sequence[str] = PACKS
    rounds: int = 3
    photos: int = 300
    memory: int = 50_000

    def __str__(self) -> str:
        return (
            f"{self.rounds} rounds of {self.photos} photos, and one import of {self.memory:,} photos; SQLite"
        )


QUICK = Plan(packs=("scrfd_mbf",), rounds=1, photos=64, memory=200)


def photographs() -> list[bytes]:
    """Those of ../shared's people, whatever their quality."""
    return people_photos()


def small_photograph() -> bytes:
    """One of them at 320 pixels: 50,000 photographs as they are would fill a disk."""
    picture = cv2.imdecode(np.frombuffer(photographs()[0], np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise ImportFailed("the photograph cannot be decoded")
    scale = 320 / max(picture.shape[:2])
    made = cv2.imencode(".jpg", cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    return bytes(made[1])


@contextmanager
def school(photos: int, originals: Sequence[bytes]) -> Iterator[Path]:
    """A folder with a list of so many people, and for each of them a link to one of the photographs."""
    with TemporaryDirectory(prefix="rollcall-bench-") as name:
        folder = Path(name)
        (folder / "photos").mkdir()
        for number, original in enumerate(originals):
            (folder / "photos" / f"original{number}.jpg").write_bytes(original)
        with (folder / "people.csv").open("w") as people:
            people.write("code,name,photo\n")
            for number in range(photos):
                file = folder / "photos" / f"P{number}.jpg"
                file.symlink_to(folder / "photos" / f"original{number % len(originals)}.jpg")
                people.write(f"P{number},Person {number},{file.name}\n")
        yield folder


def in_process(model_dir: Path, model: str, photos: int) -> float:
    """Photos a second by FaceEngine alone, in the faster of two ways. For a fresh process."""
    settings = Settings(model_dir=model_dir, insightface_model=model, auto_download_models=False)
    engine = model_cache(settings).engine(model)
    with school(photos, photographs()) as folder:
        files = [folder / "photos" / f"P{number}.jpg" for number in range(photos)]
        streams = streams_of(inference_cores(settings))
        _read(engine, model, files[: len(photographs())], streams)  # each size of picture once
        return max(_read(engine, model, files, streams), _read(engine, model, files, 1))


def _read(engine: Engine, model: str, files: Sequence[Path], threads: int) -> float:
    """The same files, with what an import asks of each."""

    def read(batch: Sequence[Path]) -> None:
        requests = [
            ReadRequest(
                picture=file.read_bytes(), model=model, embed=Subjects.LARGEST, assess=Subjects.LARGEST
            )
            for file in batch
        ]
        for result in engine.read(requests):
            if isinstance(result, RollcallError):
                raise result

    batches = [files[i : i + MAX_BATCH_SIZE] for i in range(0, len(files), MAX_BATCH_SIZE)]
    begun = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(read, batches))
    return len(files) / (time.perf_counter() - begun)


def by_command(pack: BenchPack, photos: int) -> float:
    """Photos a second of `rollcall import`, from its first rows to its last, so without loading the model."""
    with school(photos, photographs()) as folder:
        with _running(pack, folder) as run:
            seen = _watch(lambda: _rows(folder / "report.csv"), lambda: run.poll() is not None)
        _require_all(folder / "report.csv", photos)
    return _rate(seen)


def by_server(pack: BenchPack, photos: int) -> float:
    """The same of a server's job, which nobody disturbs."""
    settings = {"MODEL_DIR": str(pack.model_dir), "INSIGHTFACE_MODEL": pack.name}
    with school(photos, photographs()) as folder, TemporaryDirectory(prefix="rollcall-bench-") as home:
        made = shutil.make_archive(str(folder / "upload"), "zip", folder / "photos")
        settings["IMPORT_DIR"] = f"{home}/imports"
        with RollcallServer(Path(home), **settings) as server, Path(made).open("rb") as photos_zip:
            sent: dict[str, IO[bytes] | bytes] = {
                "photos": photos_zip,
                "csv": (folder / "people.csv").read_bytes(),
            }
            answer = server.client.post("/api/jobs/import", data={"person_type": "student"}, files=sent)
            job = answer.json()["job"]

            def look() -> int:
                nonlocal job
                job = server.client.get(f"/api/jobs/{job['id']}").json()["job"]
                return int(job["done"])

            # Seldom: each look is a request, which the server has to answer.
            seen = _watch(look, lambda: job["state"] not in ("waiting", "running"), pause=0.2)
        if (job["state"], job["done"]) != ("done", photos):
            raise ImportFailed(f"the job is {job['state']} after {job['done']} of {photos} photos")
    return _rate(seen)


def memory_of_command(pack: BenchPack, photos: int) -> MemoryRun:
    """Of `rollcall import` over many photos, small ones."""
    with school(photos, [small_photograph()]) as folder:
        begun = time.perf_counter()
        with _running(pack, folder) as run, MemoryLog(lambda: [psutil.Process(run.pid)]) as memory:
            while not _rows(folder / "report.csv") and run.poll() is None:
                time.sleep(0.1)
            loaded = len(memory.mb)
            if run.wait(_LIMIT_SECONDS) not in (0, 1):
                raise ImportFailed("the command failed")
        seconds = time.perf_counter() - begun
        _require_all(folder / "report.csv", photos)
    measured = [mb for mb in memory.mb[loaded:] if mb > 0] or [mb for mb in memory.mb if mb > 0]
    return MemoryRun(
        photos=photos, dimensions=pack.dimensions, per_second=photos / seconds, mb=tuple(measured)
    )


@contextmanager
def _running(pack: BenchPack, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    command, environment = _command(folder), _environment(pack, folder)
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as run:
        try:
            yield run
        finally:
            run.terminate()


def _watch(
    count: Callable[[], int], over: Callable[[], bool], pause: float = 0.02
) -> list[tuple[float, int]]:
    """When a number grew, and to what."""
    seen = list[tuple[float, int]]()
    ended = False
    while not ended:
        ended = over()
        now = count()
        if now and (not seen or now != seen[-1][1]):
            seen.append((time.perf_counter(), now))
        time.sleep(pause)
    return seen


def _rate(seen: Sequence[tuple[float, int]]) -> float:
    if len(seen) < 2:
        raise ImportFailed("it was over too soon to be measured")
    (begun, first), (ended, last) = seen[0], seen[-1]
    return (last - first) / (ended - begun)


def _command(folder: Path) -> list[str]:
    people = ["--csv", str(folder / "people.csv"), "--photos", str(folder / "photos")]
    report = ["--report", str(folder / "report.csv")]
    return [sys.executable, "-m", "rollcall.cli", "import", "--type", "student", *people, *report]


def _environment(pack: BenchPack, folder: Path) -> dict[str, str]:
    settings = {
        "MODEL_DIR": str(pack.model_dir),
        "INSIGHTFACE_MODEL": pack.name,
        "AUTO_DOWNLOAD_MODELS": "false",
        "DATABASE_URL": f"sqlite:///{folder}/rollcall.db",
        "OPENBLAS_NUM_THREADS": "1",
    }
    return clean_environment(settings)


def _rows(report: Path) -> int:
    return max(0, report.read_bytes().count(b"\r\n") - 1) if report.exists() else 0


def _require_all(report: Path, photos: int) -> None:
    done = report.read_text().count(",enrolled,") + report.read_text().count(",failed,")
    if done != photos:
        raise ImportFailed(f"{done} of {photos} photos were read")


def measure(plan: Plan, say: Callable[[str], None]) -> str:
    """The whole of IMPORT.md."""
    tried = "Only tried out, not measured: " if plan is QUICK else ""
    how = f"{tried}{plan}; load average before: {load_average():.2f}."
    results = []
    for name in plan.packs:
        pack = find_pack(name)
        engine, command, server = list[float](), list[float](), list[float]()
        for number in range(plan.rounds):
            say(f"{name}: round {number + 1} of {plan.rounds}")
            engine.append(apart(float, "bench.importing:in_process", pack.model_dir, pack.name, plan.photos))
            command.append(by_command(pack, plan.photos))
            server.append(by_server(pack, plan.photos))
        results.append(Rates(pack=name, engine=engine, command=command, server=server))
    say(f"memory over {plan.memory:,} photos")
    memory = memory_of_command(find_pack(plan.packs[0]), plan.memory)
    return markdown(results, memory, machine=describe(), how=how)


def main() -> int:
    return run(
        "bench.importing",
        __doc__,
        results=RESULTS,
        plans=(Plan(), QUICK),
        measure=measure,
        failures=(ImportFailed,),
    )


if __name__ == "__main__":
    sys.exit(main())
