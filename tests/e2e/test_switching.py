"""Models are switched under load, on two servers of one MariaDB."""

import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from tests.e2e.test_replicas import is_healthy
from tests.e2e.traffic import FIGURES
from tests.e2e.two_models import (
    FIRST,
    SECOND,
    Load,
    begin,
    enrol,
    recognized,
    stands,
    switch,
    write_models,
)
from tests.mariadb import MariaDBServer
from tests.servers import RollcallServer, wait_for

pytestmark = pytest.mark.slow

PEOPLE = 30
CALLERS = 10
SWITCHES = 20


class Replicas(NamedTuple):
    one: RollcallServer
    two: RollcallServer


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory, mariadb: MariaDBServer) -> Iterator[Replicas]:
    settings = write_models(tmp_path_factory.mktemp("two-models"))
    settings["DATABASE_URL"] = mariadb.new_database()
    with ExitStack() as stack:
        one, two = (
            stack.enter_context(RollcallServer(tmp_path_factory.mktemp(name), **settings))
            for name in ("one", "two")
        )
        for server in (one, two):
            wait_for(lambda server=server: is_healthy(server), "good health")  # type: ignore[misc]
        for person in range(PEOPLE):
            enrol(one, person)
        yield Replicas(one, two)


def load(replicas: Replicas) -> Load:
    return Load(*replicas, callers=CALLERS, people=PEOPLE)


def test_no_request_fails_in_twenty_switches_under_load(replicas: Replicas) -> None:
    one, two = replicas
    if stands(one)["active"] != FIRST:
        assert begin(one, FIRST).status_code == 200
    spent = []
    with load(replicas) as callers:
        assert switch(one, SECOND)["rehearsal"]["faces"] == PEOPLE
        for number in range(SWITCHES):
            target = (FIRST, SECOND)[number % 2]
            began = time.monotonic()
            answer = begin(one, target)
            spent.append(time.monotonic() - began)
            assert answer.status_code == 200, answer.text
            assert answer.json()["switch"]["state"] == "done"
            # From now on the new model answers, on either server.
            for server in (two, one):
                assert recognized(server, 1)["model"] == target
    FIGURES.append(
        f"{SWITCHES} switches between two loaded models at {CALLERS} callers: {len(callers.seconds)} "
        f"requests, {len(callers.wrong)} wrong or failed; a switch took "
        f"{1000 * statistics.median(spent):.0f} ms (median, longest {1000 * max(spent):.0f})"
    )
    assert callers.wrong == []
    assert {FIRST, SECOND} == set(callers.models)


def test_a_rollback_under_load_is_there_with_its_answer_and_fails_no_request(replicas: Replicas) -> None:
    one, two = replicas
    with load(replicas) as callers:
        if stands(one)["active"] == FIRST:
            switch(one, SECOND)
        answer = one.client.post("/api/models/rollback")
        assert answer.status_code == 200, answer.text
        told = answer.json()["switch"]
        assert (told["kind"], told["state"], told["target"]) == ("rollback", "done", FIRST)
        for server in replicas:
            assert recognized(server, 2)["model"] == FIRST
        # The way back leads forth again, and either server may be asked.
        assert two.client.post("/api/models/rollback").json()["switch"]["target"] == SECOND
        assert recognized(one, 2)["model"] == SECOND
    assert callers.wrong == []
