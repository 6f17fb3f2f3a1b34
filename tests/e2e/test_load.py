"""The load of a school's day: its verdict, its report, and how it ends where it cannot begin."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bench.synthetic_school import write_people
from tests.packs import write_pack
from tests.servers import ROOT, RollcallServer, clean_environment, free_port

pytestmark = pytest.mark.slow

LIMIT_SECONDS = 400
# A machine that runs other tests too may be slow: times are judged only where a test is about them.
ANY_SPEED = ("--max-p95-recognize-ms", "60000", "--max-p95-detect-ms", "60000")
KEY = "a-key-that-nobody-may-see"


def load(host: str, *options: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "locust", "--headless", "--only-summary", "--host", host]
    return subprocess.run(
        [*command, *map(str, options)],
        cwd=ROOT,
        env=clean_environment(environment),
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )


def ran(seconds: int) -> tuple[object, ...]:
    """Options of a short load; nobody is broken off at its end."""
    return (
        "--users",
        4,
        "--spawn-rate",
        4,
        "--run-time",
        f"{seconds}s",
        "--stop-timeout",
        60,
        "--bell-every",
        6,
    )


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures that the synthetic pack knows."""
    folder = tmp_path_factory.mktemp("people")
    write_people(folder)
    return folder


@pytest.mark.skipif(not (ROOT / ".venv").is_dir(), reason="the tests do not run in make's environment")
def test_make_load_passes_and_writes_a_report(tmp_path: Path) -> None:
    report = tmp_path / "new" / "report.html"
    options = f"--pack synthetic --run-time 20s --gallery-size 50 --html {report} {' '.join(ANY_SPEED)}"
    done = subprocess.run(
        ["make", "load", f"ARGS={options}"],
        cwd=ROOT,
        env=clean_environment({}),
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "Passed: within all limits." in done.stdout
    assert "error rate: 0 of " in done.stdout
    text = report.read_text()
    for path in (
        "/api/face/recognize",
        "/api/attendance/scan",
        "/api/face/detect",
        "/api/face/enroll",
        "/metrics",
    ):
        assert path in text, path


def test_a_limit_that_is_passed_fails_and_is_named(server: RollcallServer, people: Path) -> None:
    done = load(
        server.url,
        *ran(8),
        *("--image-folder", people, "--gallery-size", 0, "--mix", "kiosk:1"),
        *("--max-p95-recognize-ms", 0.001),
    )
    assert done.returncode == 1, done.stderr[-3000:]
    assert "limit 0.001 ms: MISSED" in done.stdout
    assert done.stdout.rstrip().endswith("FAILED: p95 of /api/face/recognize.")
    assert "p95 of /api/face/detect: nobody asked" in done.stdout


def test_the_gallery_gets_its_size_and_the_key_is_never_shown(
    server: RollcallServer, people: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.html"
    wanted = int(server.health()["enrolled_faces"]) + 45
    given = ("--image-folder", people, "--gallery-size", wanted, "--html", report, *ANY_SPEED)
    done = load(server.url, *ran(8), *given, LOAD_API_KEY=KEY)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert server.health()["enrolled_faces"] >= wanted
    again = load(server.url, *ran(3), *given, "--api-key", KEY)
    assert again.returncode == 0, again.stdout[-3000:] + again.stderr[-3000:]
    for text in (done.stdout, done.stderr, again.stdout, again.stderr, report.read_text()):
        assert KEY not in text


@pytest.fixture(scope="module")
def confused_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RollcallServer]:
    """All people are the same to its model."""
    folder = tmp_path_factory.mktemp("confused")
    write_pack(folder / "models" / "confused", tells_people_apart=False)
    settings = {"MODEL_DIR": str(folder / "models"), "INSIGHTFACE_MODEL": "confused"}
    with RollcallServer(folder, **settings) as server:
        yield server


def test_a_server_that_takes_people_for_others_fails(confused_server: RollcallServer, people: Path) -> None:
    done = load(confused_server.url, *ran(8), "--image-folder", people, "--gallery-size", 0, *ANY_SPEED)
    assert done.returncode == 1, done.stderr[-3000:]
    assert "named somebody else" in done.stdout + done.stderr
    assert "FAILED: error rate." in done.stdout


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--mix", "kiosk:8,pupil:1"), 2, "--mix: there is no 'pupil'; use kiosk, teacher, admin, monitor"),
        (("--mix", "kiosk:many"), 2, "--mix: kiosk needs a whole number, such as kiosk:1"),
        (("--bell-every", "0"), 2, "--bell-every: '0' is not a number above 0"),
        (("--image-folder", "/nowhere"), 1, "There is no folder /nowhere."),
        (
            ("--master", "--master-bind-port", str(free_port())),
            1,
            "--processes, --master and --worker are not supported",
        ),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    options: tuple[str, ...], code: int, said: str, server: RollcallServer
) -> None:
    before = server.health()["enrolled_faces"]
    done = load(server.url, *ran(8), *options)
    assert done.returncode == code, done.stderr[-3000:]
    assert said in done.stderr
    assert server.health()["enrolled_faces"] == before


def test_a_server_that_is_not_there_ends_the_load(people: Path) -> None:
    port = free_port()
    done = load(f"http://127.0.0.1:{port}", *ran(8), "--image-folder", people)
    assert done.returncode == 1
    assert f"No server answers at http://127.0.0.1:{port}" in done.stderr


def test_another_server_than_rollcall_is_not_loaded(people: Path, tmp_path: Path) -> None:
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        done = load(f"http://127.0.0.1:{other.server_port}", *ran(8), "--image-folder", people)
        other.shutdown()
        thread.join()
    assert done.returncode == 1
    assert "is not Rollcall" in done.stderr
