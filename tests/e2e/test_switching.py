"""Models are switched under load, on two servers of one MariaDB."""

import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import httpx
import pytest

from db.engine import SqlDatabase, open_database
from tests.e2e.test_replicas import enroll, is_healthy
from tests.e2e.traffic import FIGURES, PATIENCE_SECONDS
from tests.mariadb import MariaDBServer
from tests.packs import picture, write_pack
from tests.servers import RollcallServer, wait_for

pytestmark = pytest.mark.slow

FIRST, SECOND = "first", "second"
PEOPLE = 30
CALLERS = 10
SWITCHES = 20


class Replicas(NamedTuple):
    one: RollcallServer
    two: RollcallServer
    database: SqlDatabase


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Two packs whose embeddings cannot be compared, and settings by which the first one answers."""
    folder = tmp_path_factory.mktemp("two-models")
    write_pack(folder / FIRST)
    write_pack(folder / SECOND, dimensions=128, seed=21)
    return {"MODEL_DIR": str(folder), "INSIGHTFACE_MODEL": FIRST, "SIMILARITY_THRESHOLD": "auto"}


@pytest.fixture
def replicas(
    tmp_path_factory: pytest.TempPathFactory, models: dict[str, str], mariadb: MariaDBServer
) -> Iterator[Replicas]:
    url = mariadb.new_database()
    database = open_database(url, pool_size=2)
    with ExitStack() as stack:
        one, two = (
            stack.enter_context(RollcallServer(tmp_path_factory.mktemp(name), **models, DATABASE_URL=url))
            for name in ("one", "two")
        )
        for server in (one, two):
            wait_for(lambda server=server: is_healthy(server), "good health")  # type: ignore[misc]
        for person in range(PEOPLE):
            enroll(one, f"S{person}", person)
        yield Replicas(one, two, database)
    database.close()


def recognized(server: RollcallServer, person: int) -> dict[str, Any]:
    answer = server.client.post("/api/face/recognize", files={"image": picture(person)})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def code(answer: dict[str, Any]) -> str | None:
    found: str | None = answer["match"] and answer["match"]["person_code"]
    return found


def stands(server: RollcallServer) -> dict[str, Any]:
    answer = server.client.get("/api/models")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def switch(server: RollcallServer, model: str) -> dict[str, Any]:
    """Begin to switch, and wait until it is over."""
    answer = server.client.post("/api/models/switch", json={"model": model})
    assert answer.status_code in (200, 202), answer.text
    wait_for(lambda: stands(server)["switch"]["state"] != "running", f"the switch to {model}")
    found: dict[str, Any] = stands(server)["switch"]
    return found


class Load:
    """While its block runs, callers recognise the people, each as soon as they were answered."""

    def __init__(self, *servers: RollcallServer, callers: int = CALLERS) -> None:
        self._ended = threading.Event()
        self.wrong: list[str] = []
        self.seconds: list[float] = []
        self.models: list[str] = []
        self._callers = [
            threading.Thread(target=self._call, args=(servers[number % len(servers)].url, number))
            for number in range(callers)
        ]

    def __enter__(self) -> "Load":
        for caller in self._callers:
            caller.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        for caller in self._callers:
            caller.join()

    def _call(self, url: str, person: int) -> None:
        with httpx.Client(base_url=url, timeout=PATIENCE_SECONDS) as client:
            while not self._ended.is_set():
                person = (person + CALLERS) % PEOPLE
                began = time.monotonic()
                try:
                    answer = client.post("/api/face/recognize", files={"image": picture(person)})
                except httpx.HTTPError as error:
                    self.wrong.append(type(error).__name__)
                    continue
                self.seconds.append(time.monotonic() - began)
                if answer.status_code != 200 or code(answer.json()) != f"S{person}":
                    self.wrong.append(answer.text)
                else:
                    self.models.append(answer.json()["model"])


def test_no_request_fails_in_twenty_switches_under_load(replicas: Replicas) -> None:
    one, two, _database = replicas
    spent = []
    with Load(one, two) as load:
        assert switch(one, SECOND)["rehearsal"]["faces"] == PEOPLE
        for number in range(SWITCHES):
            target = (FIRST, SECOND)[number % 2]
            began = time.monotonic()
            answer = one.client.post("/api/models/switch", json={"model": target})
            spent.append(time.monotonic() - began)
            assert answer.status_code == 200, answer.text
            assert answer.json()["switch"]["state"] == "done"
            # From now on the new model answers, on either server.
            for server in (two, one):
                assert recognized(server, 1)["model"] == target
    FIGURES.append(
        f"{SWITCHES} switches between two loaded models at {CALLERS} callers: {len(load.seconds)} requests, "
        f"{len(load.wrong)} wrong or failed; a switch took {1000 * statistics.median(spent):.0f} ms "
        f"(median, longest {1000 * max(spent):.0f})"
    )
    assert load.wrong == []
    assert {FIRST, SECOND} == set(load.models)
