"""AB_MODEL answers a share of the requests; SHADOW_MODEL looks on."""

from pathlib import Path

import pytest

from db.engine import open_database
from tests.db.rows import read
from tests.e2e.test_replicas import is_healthy
from tests.e2e.two_models import FIRST, SECOND, code, enrol, figure, recognized, write_models
from tests.servers import RollcallServer, wait_for

pytestmark = pytest.mark.slow

PEOPLE = 5
REQUESTS = 40  # if half of them go to each, all to one is as likely as 1 in 10**11


def school(folder: Path, **settings: str) -> RollcallServer:
    return RollcallServer(folder, **write_models(folder / "models"), **settings)


def enrol_all(server: RollcallServer) -> None:
    wait_for(lambda: is_healthy(server), "good health")
    for person in range(PEOPLE):
        enrol(server, person)


def counted(server: RollcallServer, model: str) -> float:
    return figure(server, f'rollcall_recognitions_total{{matched_by="{model}",model="{model}"}}')


def wait_for_line(server: RollcallServer, text: str) -> None:
    """A line is in the file a moment after its answer."""
    wait_for(lambda: text in server.log(), f"the line {text}", limit=60)


def test_half_of_the_answers_come_from_the_second_model_and_all_are_right(tmp_path: Path) -> None:
    with school(tmp_path, AB_MODEL=SECOND, AB_SHARE="0.5") as server:
        enrol_all(server)
        wait_for(lambda: recognized(server, 0)["model"] == SECOND, "an answer by the second model")
        before = {model: counted(server, model) for model in (FIRST, SECOND)}
        answers = [recognized(server, number % PEOPLE) for number in range(REQUESTS)]
        assert [code(answer) for answer in answers] == [f"S{number % PEOPLE}" for number in range(REQUESTS)]
        for model in (FIRST, SECOND):
            own = [answer for answer in answers if answer["model"] == model]
            assert own
            assert {answer["match"]["model"] for answer in own} == {model}
            assert counted(server, model) == before[model] + len(own)
            wait_for_line(server, f"Answered by {model}")
        assert server.health()["model"] == FIRST


def test_with_a_share_of_one_the_second_model_answers_all_once_it_has_every_face(tmp_path: Path) -> None:
    with school(tmp_path, AB_MODEL=SECOND, AB_SHARE="1") as server:
        enrol_all(server)
        wait_for(lambda: figure(server, f'rollcall_gallery_faces{{model="{SECOND}"}}') == PEOPLE, "its faces")
        wait_for(lambda: recognized(server, 0)["model"] == SECOND, "an answer by the second model")
        answers = [recognized(server, number % PEOPLE) for number in range(2 * PEOPLE)]
        assert {(answer["model"], answer["match"]["model"]) for answer in answers} == {(SECOND, SECOND)}


def test_the_shadow_model_compares_and_never_answers(tmp_path: Path) -> None:
    with school(tmp_path, SHADOW_MODEL=SECOND, SHADOW_RATE="1") as server:
        enrol_all(server)
        wait_for(lambda: figure(server, f'rollcall_gallery_faces{{model="{SECOND}"}}') == PEOPLE, "its faces")
        for number in range(PEOPLE):
            answer = recognized(server, number)
            assert (answer["model"], answer["match"]["model"]) == (FIRST, FIRST)
        stored = 'rollcall_shadow_comparisons_total{outcome="stored"}'
        wait_for(lambda: figure(server, stored) == PEOPLE, "the comparisons")
    database = open_database(f"sqlite:///{tmp_path}/rollcall.db", pool_size=1)
    rows = read(
        database,
        "SELECT Model, PersonCode, Accepted, Shadow, ShadowPersonCode, ShadowAccepted"
        " FROM RollcallComparisons",
    )
    database.close()
    assert sorted(rows) == [(FIRST, f"S{n}", 1, SECOND, f"S{n}", 1) for n in range(PEOPLE)]
