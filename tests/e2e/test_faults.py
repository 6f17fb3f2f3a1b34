"""Whatever dies, what was answered is in the database, callers are told in time, and the service comes back.

The counts are told at the end of the run.
"""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import pymysql
import pytest

from tests.e2e.traffic import FIGURES, Traffic, settle
from tests.mariadb import PASSWORD, MariaDBServer, is_installed
from tests.packs import picture
from tests.servers import RollcallServer, wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not is_installed(), reason="MariaDB is not installed (apt-get install mariadb-server)"
    ),
]

ENOUGH = 30  # calls before and after each fault
FROZEN_SECONDS = 20
GREEDY = "other_program"


@pytest.fixture
def mariadb_with_care() -> Iterator[MariaDBServer]:
    """One that may be ill-treated, and keeps what it has committed."""
    with MariaDBServer(durable=True) as server:
        yield server


@contextmanager
def school(folder: Path, url: str, pack_settings: dict[str, str]) -> Iterator[RollcallServer]:
    """A server on the database, with student S0 enrolled."""
    with RollcallServer(folder, **pack_settings, DATABASE_URL=url) as server:
        wait_for(lambda: server.health().get("status") == "healthy", "good health")
        fields = {"person_type": "student", "person_code": "S0", "person_name": "Name"}
        answer = server.client.post("/api/face/enroll", data=fields, files={"image": picture(0)})
        assert answer.status_code == 200, answer.text
        yield server


def under_load(server: RollcallServer, fault: Callable[[], None], story: str) -> Traffic:
    """Traffic before, during and after a fault; `fault` returns when the cause is gone."""
    with Traffic(server) as traffic:
        wait_for(lambda: traffic.answered() >= ENOUGH, "calls before the fault")
        fault()
        over = time.monotonic()
        wait_for(lambda: traffic.answered(since=over) > 0, "an answer after the fault", limit=60)
        FIGURES.append(f"{story}: served again {time.monotonic() - over:.1f} s after the cause was gone")
        wait_for(lambda: traffic.answered(since=over) >= ENOUGH, "calls after the fault")
        wait_for(lambda: server.health().get("status") == "healthy", "good health")
    return traffic


def database_errors_only(traffic: Traffic) -> None:
    assert {call.error_code for call in traffic.calls if call.status != 200} <= {"DATABASE_ERROR"}


@pytest.mark.parametrize("kind", ["sqlite", "mariadb"])
def test_nothing_is_lost_when_the_whole_server_is_killed(
    tmp_path: Path, pack_settings: dict[str, str], kind: str, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/rollcall.db"
    if kind == "mariadb":
        url = request.getfixturevalue("mariadb").new_database()
    with school(tmp_path, url, pack_settings) as server:

        def fault() -> None:
            server.kill()
            server.start()
            wait_for(lambda: server.health().get("model_loaded", False), "a new start")

        traffic = under_load(server, fault, f"server killed, {kind}")
        settle(traffic.calls, url, f"server killed, {kind}")


def test_nothing_is_lost_when_the_api_process_is_killed(
    tmp_path: Path, pack_settings: dict[str, str], mariadb: MariaDBServer
) -> None:
    url = mariadb.new_database()
    with school(tmp_path, url, pack_settings) as server:
        traffic = under_load(server, server.worker("FaceAPI").kill, "API process killed")
        settle(traffic.calls, url, "API process killed")


def test_nothing_is_lost_when_the_runner_is_killed(
    tmp_path: Path, pack_settings: dict[str, str], mariadb: MariaDBServer
) -> None:
    url = mariadb.new_database()
    with school(tmp_path, url, pack_settings) as server:
        traffic = under_load(server, server.worker("FaceRunner").kill, "runner killed")
        settle(traffic.calls, url, "runner killed")
        refused = {call.error_code for call in traffic.calls if call.status != 200}
        assert refused <= {"MODEL_NOT_LOADED", "OVERLOADED"}


def test_nothing_is_lost_when_the_database_is_killed(
    tmp_path: Path, pack_settings: dict[str, str], mariadb_with_care: MariaDBServer
) -> None:
    mariadb, url = mariadb_with_care, mariadb_with_care.new_database()
    with school(tmp_path, url, pack_settings) as server:

        def fault() -> None:
            mariadb.stop()
            time.sleep(2)  # so that callers meet nobody
            mariadb.start()

        traffic = under_load(server, fault, "database killed")
        settle(traffic.calls, url, "database killed")
        database_errors_only(traffic)


def test_nothing_is_lost_when_the_database_is_restarted(
    tmp_path: Path, pack_settings: dict[str, str], mariadb_with_care: MariaDBServer
) -> None:
    mariadb, url = mariadb_with_care, mariadb_with_care.new_database()
    with school(tmp_path, url, pack_settings) as server:

        def fault() -> None:
            mariadb.stop_gently()
            mariadb.start()

        traffic = under_load(server, fault, "database restarted")
        settle(traffic.calls, url, "database restarted")
        database_errors_only(traffic)


def test_a_frozen_database_holds_up_its_own_calls_alone(
    tmp_path: Path, pack_settings: dict[str, str], mariadb_with_care: MariaDBServer
) -> None:
    mariadb, url = mariadb_with_care, mariadb_with_care.new_database()
    with school(tmp_path, url, pack_settings) as server:

        def fault() -> None:
            mariadb.freeze()
            began = time.monotonic()
            while time.monotonic() - began < FROZEN_SECONDS:
                # Neither the health nor what needs no database may wait for it.
                health = server.client.get("/api/health", timeout=10)
                assert health.status_code in (200, 503)
                found = server.client.post("/api/face/detect", files={"image": picture(0)}, timeout=10)
                assert found.status_code == 200
            assert health.json()["status"] == "unhealthy"
            mariadb.thaw()

        traffic = under_load(server, fault, "database frozen")
        settle(traffic.calls, url, "database frozen")
        database_errors_only(traffic)
        assert any(call.error_code == "DATABASE_ERROR" for call in traffic.calls)


def test_when_others_hold_all_connections_callers_are_told(
    tmp_path: Path, pack_settings: dict[str, str], mariadb_with_care: MariaDBServer
) -> None:
    mariadb = mariadb_with_care
    # Not the one of all other tests, which may do anything, and for which one connection is kept free.
    url = mariadb.new_account(mariadb.new_database(), "ALL")
    with school(tmp_path, url, pack_settings) as server:
        mariadb.execute("SET GLOBAL max_connections = 10")
        mariadb.execute(f"GRANT USAGE ON *.* TO {GREEDY}@'%' IDENTIFIED BY '{PASSWORD}'")

        def fault() -> None:
            with ExitStack() as held:
                hold_all_connections(mariadb, held)
                answer = server.client.post("/api/face/recognize", files={"image": picture(0)})
                assert (answer.status_code, answer.json()["error_code"]) == (503, "DATABASE_ERROR")
                assert server.health()["status"] == "unhealthy"

        traffic = under_load(server, fault, "connection limit")
        settle(traffic.calls, url, "connection limit")
        database_errors_only(traffic)


def hold_all_connections(mariadb: MariaDBServer, held: ExitStack) -> None:
    """Take every connection, those of the server under test included."""
    admin = held.enter_context(closing(mariadb.connect()))

    def others() -> list[int]:
        with admin.cursor() as cursor:
            cursor.execute(
                "SELECT ID FROM information_schema.PROCESSLIST WHERE USER NOT IN ('root', %s)", (GREEDY,)
            )
            return [number for (number,) in cursor.fetchall()]

    def take() -> bool:
        for number in others():
            with admin.cursor() as cursor, suppress(pymysql.err.OperationalError):  # it has ended by itself
                cursor.execute("KILL %s", (number,))
        with suppress(pymysql.err.OperationalError):
            while True:
                connection = pymysql.connect(
                    host="127.0.0.1", port=mariadb.port, user=GREEDY, password=PASSWORD, connect_timeout=10
                )
                held.callback(connection.close)
        return not others()

    wait_for(take, "all connections held")


@pytest.mark.parametrize("kind", ["sqlite", "mariadb"])
def test_a_full_disk_is_reported_and_nothing_is_half_written(
    tmp_path: Path, pack_settings: dict[str, str], kind: str
) -> None:
    with (
        small_disk(tmp_path / "disk", megabytes=16 if kind == "sqlite" else 400) as disk,
        ExitStack() as stack,
    ):
        url = f"sqlite:///{disk}/rollcall.db"
        if kind == "mariadb":
            mariadb = stack.enter_context(MariaDBServer(durable=True, data=disk / "data"))
            url = mariadb.new_database()
        with school(tmp_path, url, pack_settings) as server:

            def fault() -> None:
                filler = disk / "filler"
                fill(filler)
                wait_for(lambda: is_refused(server), "a refused enrolment")
                filler.unlink()
                # InnoDB may have given up for want of room; its administrator would start it again.
                if kind == "mariadb" and not mariadb.runs():
                    mariadb.start()

            traffic = under_load(server, fault, f"disk full, {kind}")
            settle(traffic.calls, url, f"disk full, {kind}")
            assert any(call.error_code == "DATABASE_ERROR" for call in traffic.calls)
            database_errors_only(traffic)


@contextmanager
def small_disk(folder: Path, *, megabytes: int) -> Iterator[Path]:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this account may not mount a tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(file: Path) -> None:
    """Write until the disk is full."""
    with file.open("wb", buffering=0) as out:
        try:
            while True:
                out.write(bytes(64 * 1024))
        except OSError:
            return


def is_refused(server: RollcallServer) -> bool:
    fields = {"person_type": "teacher", "person_code": "X", "person_name": "Name", "mode": "add"}
    answer = server.client.post("/api/face/enroll", data=fields, files={"image": picture(61)})
    if answer.status_code == 200:
        return False
    assert (answer.status_code, answer.json()["error_code"]) == (503, "DATABASE_ERROR"), answer.text
    return True
