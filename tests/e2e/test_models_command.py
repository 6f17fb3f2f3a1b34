"""`rollcall models ...`, as it is called: beside a server, and where none is up."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from db.engine import SqlDatabase, open_database
from db.migrate import migrate
from rollcall.core.models import SwitchKind
from tests.db.rows import embedding, new_face, read, student
from tests.e2e.test_replicas import is_healthy, write
from tests.e2e.two_models import FIRST, SECOND, enrol, recognized, stands, write_models
from tests.packs import picture
from tests.servers import ROOT, RollcallServer, clean_environment, wait_for

pytestmark = pytest.mark.slow

LIMIT_SECONDS = 120
PEOPLE, FACES_EACH = 20, 25


class Command:
    """`rollcall models` with the settings of a server in a folder."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self._settings = {**settings, "DATABASE_URL": f"sqlite:///{folder}/rollcall.db"}

    def __call__(self, *arguments: str, status: int = 0, when: Callable[[], bool] | None = None) -> str:
        """Run it, with Ctrl-C at that moment if there is one; returns all it said."""
        process = subprocess.Popen(
            [sys.executable, "-m", "rollcall.cli", "models", *arguments],
            cwd=ROOT,
            env=clean_environment({**self._settings, "AUTO_DOWNLOAD_MODELS": "false", "LOG_LEVEL": "ERROR"}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        with process:
            try:
                if when is not None:
                    wait_for(when, "the middle of it")
                    process.send_signal(signal.SIGINT)
                said = process.communicate(timeout=LIMIT_SECONDS)[0]
            finally:
                process.kill()
        assert process.returncode == status, said
        return said


def states(listed: str) -> dict[str, str]:
    """The models of `list` that have a state."""
    rows = [(line[:20].strip(), line[20:32].strip()) for line in listed.splitlines()[1:]]
    return {name: state for name, state in rows if state in ("active", "way back", "next")}


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    return write_models(tmp_path / "models")


@pytest.fixture
def models(tmp_path: Path, settings: dict[str, str]) -> Command:
    return Command(tmp_path, settings)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqlDatabase]:
    database = open_database(f"sqlite:///{tmp_path}/rollcall.db", pool_size=1)
    migrate(database)
    yield database
    database.close()


def test_beside_a_server_it_is_the_server_that_switches(
    tmp_path: Path, settings: dict[str, str], models: Command, database: SqlDatabase
) -> None:
    with RollcallServer(tmp_path, **settings) as server:
        wait_for(lambda: is_healthy(server), "good health")
        for person in (1, 2):
            enrol(server, person)
        write(database, "UPDATE FaceData SET ImageData = NULL WHERE PersonCode = 'S1'")

        said = models("switch", SECOND)

        assert f"1 face has an embedding by {SECOND}; 0 are lost." in said
        assert f"{SECOND} answers." in said
        assert "1 face could not be embedded" in said
        assert recognized(server, 2)["match"]["model"] == SECOND
        assert states(models("list")) == {FIRST: "way back", SECOND: "active"}
        assert models("left") == "1 student S1 NO_IMAGE\n"
        assert "the model that answers" in models("remove", SECOND, status=1)
        assert "the way back" in models("remove", FIRST, status=1)

        assert models("rollback") == f"{FIRST} answers.\n"

        assert recognized(server, 2)["match"]["model"] == FIRST
        assert models("prune") == "Deleted former models' embeddings of 1 face.\n"
        assert (stands(server)["previous"], stands(server)["left_faces"]) == (None, 0)
        assert "There is no model to go back to." in models("rollback", status=1)
        assert models("remove", SECOND) == f"{SECOND} is removed.\n"
        assert "There is no model second." in models("switch", SECOND, status=1)
        assert recognized(server, 1)["match"]["model"] == FIRST


def embedded(database: SqlDatabase) -> set[int]:
    """The Ids of the second model's embeddings."""
    query = f"SELECT Id FROM RollcallEmbeddings WHERE Model = '{SECOND}'"
    return {id for (id,) in read(database, query)}


def test_without_a_server_it_switches_itself_and_goes_on_after_ctrl_c(
    models: Command, database: SqlDatabase
) -> None:
    with database.transaction() as records:
        for number in range(PEOPLE * FACES_EACH):
            person = number % PEOPLE
            old = embedding(person)
            records.faces.add(
                new_face(student(f"S{person}"), model=FIRST, embedding=old, image=picture(person))
            )

    said = models("switch", SECOND, status=130, when=lambda: bool(embedded(database)))

    assert said == "Broken off.\n"
    before = embedded(database)
    assert 0 < len(before) < PEOPLE * FACES_EACH
    listed = models("list")
    assert states(listed) == {FIRST: "active", SECOND: "next"}
    assert f"Switching to {SECOND}: embedding" in listed
    assert "what a switch under way goes to" in models("remove", SECOND, status=1)

    said = models("switch", SECOND)

    assert f"Of {PEOPLE * FACES_EACH} faces of people with several" in said
    assert "rank-1 agreement 100.0%" in said
    assert said.endswith(f"{SECOND} answers.\n")
    assert before < embedded(database)
    assert len(embedded(database)) == PEOPLE * FACES_EACH
    assert states(models("list")) == {FIRST: "way back", SECOND: "active"}


def test_a_switch_that_nobody_works_on_can_be_cancelled_once(models: Command, database: SqlDatabase) -> None:
    with database.transaction() as records:
        records.switches.add(SwitchKind.SWITCH, FIRST, SECOND)
        records.settings.put("next_model", SECOND)
    # Begun without it, it would go on without it.
    assert "`rollcall models cancel`" in models("switch", SECOND, "--force", status=1)
    assert models("cancel") == (f"The switch to {SECOND} is cancelled. What was embedded is kept.\n")
    assert "No switch is under way." in models("cancel", status=1)
    assert states(models("list")) == {FIRST: "active"}


def test_without_a_database_the_list_is_that_of_the_files(models: Command) -> None:
    said = models("list", status=1)
    assert f"{SECOND:<20}unknown" in said
    assert f"{'buffalo_l':<20}absent" in said
    assert "There is no database" in said
