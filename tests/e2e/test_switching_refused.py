"""What cannot be switched to is refused with a reason, and the running model goes on."""

from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest

from db.engine import open_database
from tests.e2e.test_replicas import is_healthy, write
from tests.e2e.two_models import FIRST, SECOND, begin, code, ended, enrol, recognized, switch, write_models
from tests.pack_server import ARCHIVE, Answer, PackServer
from tests.packs import write_pack
from tests.servers import RollcallServer, wait_for

pytestmark = pytest.mark.slow

BROKEN, TINY, OFFICIAL = "broken", "tiny", "buffalo_sc"


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RollcallServer]:
    """With student S1, packs that cannot be used, and a mirror with the wrong bytes."""
    folder = tmp_path_factory.mktemp("school")
    settings = write_models(folder / "models")
    write_pack(folder / "models" / BROKEN)
    (folder / "models" / BROKEN / "rec_synthetic.onnx").write_bytes(b"\x08\x08 no network")
    write_pack(folder / "models" / TINY, dimensions=3)
    with (
        PackServer({f"/{OFFICIAL}.zip": Answer(body=ARCHIVE)}) as mirror,
        RollcallServer(
            folder, **settings, AUTO_DOWNLOAD_MODELS="true", MODEL_MIRROR_URL=mirror.url
        ) as server,
    ):
        wait_for(lambda: is_healthy(server), "good health")
        enrol(server, 1)
        yield server


def assert_unmoved(server: RollcallServer) -> None:
    answer = recognized(server, 1)
    assert (answer["model"], code(answer)) == (FIRST, "S1")
    assert is_healthy(server)


@pytest.mark.parametrize(
    ("model", "status", "error_code"),
    [
        ("nobody", 404, "MODEL_NOT_FOUND"),
        ("../second", 404, "MODEL_NOT_FOUND"),
        (BROKEN, 422, "MODEL_UNUSABLE"),
        (TINY, 422, "MODEL_UNUSABLE"),
        (FIRST, 409, "MODEL_CONFLICT"),
    ],
)
def test_the_running_model_is_untouched_by_one_that_cannot_be_used(
    school: RollcallServer, model: str, status: int, error_code: str
) -> None:
    answer = begin(school, model)
    assert (answer.status_code, answer.json()["error_code"]) == (status, error_code), answer.text
    assert_unmoved(school)


def test_a_download_of_wrong_bytes_fails_the_switch_and_says_why(school: RollcallServer) -> None:
    answer = begin(school, OFFICIAL)
    if answer.status_code != 409:  # it may have failed by then
        assert answer.status_code == 202, answer.text
    failed = ended(school)
    assert (failed["target"], failed["state"]) == (OFFICIAL, "failed")
    assert "SHA-256 differs" in failed["problem"]
    assert_unmoved(school)


def test_without_downloads_an_absent_pack_is_no_model(server: RollcallServer) -> None:
    answer = begin(server, OFFICIAL)
    assert (answer.status_code, answer.json()["error_code"]) == (404, "MODEL_NOT_FOUND"), answer.text


def test_other_files_under_the_name_of_a_known_model_are_not_used(tmp_path: Path) -> None:
    with RollcallServer(tmp_path, **write_models(tmp_path / "models")) as server:
        wait_for(lambda: is_healthy(server), "good health")
        enrol(server, 1)
        assert switch(server, SECOND)["state"] == "done"
        server.stop()
        write_pack(tmp_path / "models" / SECOND, dimensions=128, seed=99)
        server.start()
        wait_for(lambda: "not those that made its embeddings" in server.health().get("message", ""), "why")
        health = server.health()
        assert (health["status"], health["model"]) == ("degraded", FIRST)
        answer = recognized(server, 1)
        assert (answer["model"], answer["match"]["model"], code(answer)) == (FIRST, FIRST, "S1")
        # The files that the message asks for.
        write_pack(tmp_path / "models" / SECOND, dimensions=128, seed=21)
        wait_for(lambda: is_healthy(server), "the former files answering")
        assert recognized(server, 1)["match"]["model"] == SECOND


def test_other_files_do_not_recognise_faces_that_only_the_former_model_knows(tmp_path: Path) -> None:
    with RollcallServer(tmp_path, **write_models(tmp_path / "models")) as server:
        wait_for(lambda: is_healthy(server), "good health")
        for person in (1, 2):
            enrol(server, person)
        database = open_database(f"sqlite:///{tmp_path}/rollcall.db", pool_size=1)
        write(database, "UPDATE FaceData SET ImageData = NULL WHERE PersonCode = 'S1'")
        database.close()
        assert switch(server, SECOND)["state"] == "done"
        server.stop()
        # Anything may come of other files; these would give the very same numbers, so that use would show.
        recogniser = tmp_path / "models" / FIRST / "rec_synthetic.onnx"
        other = onnx.load(recogniser)
        other.doc_string = "other"
        onnx.save(other, recogniser)
        server.start()
        wait_for(lambda: is_healthy(server), "good health")
        assert recognized(server, 1)["match"] is None
        assert code(recognized(server, 2)) == "S2"
        write_pack(tmp_path / "models" / FIRST)
        wait_for(lambda: code(recognized(server, 1)) == "S1", "the former files being asked", limit=60)
