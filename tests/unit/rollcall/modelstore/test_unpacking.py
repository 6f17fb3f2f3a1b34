import zipfile
from pathlib import Path

import pytest

from rollcall.modelstore.download import Limits
from tests.pack_server import ARCHIVE, DETECTOR, RECOGNISER, Answer, PackServer, archive_of, pack_for
from tests.unit.rollcall.modelstore.downloads import assert_installed, failure, fetch


def test_a_file_that_is_no_archive_is_refused(model_dir: Path) -> None:
    with PackServer({"/tiny.zip": Answer(body=b"no archive")}) as server:
        message = failure(pack_for(b"no archive"), model_dir, server.url)

    assert message == "tiny.zip is damaged."


def test_a_damaged_member_is_refused(model_dir: Path) -> None:
    archive = ARCHIVE.replace(DETECTOR, DETECTOR.upper())
    with PackServer({"/tiny.zip": Answer(body=archive)}) as server:
        message = failure(pack_for(archive), model_dir, server.url)

    assert message == "tiny.zip is damaged."


@pytest.mark.parametrize("wrong", ["det.onnx", "rec.onnx"])
def test_a_network_with_other_bytes_is_refused(model_dir: Path, wrong: str) -> None:
    archive = archive_of({"det.onnx": DETECTOR, "rec.onnx": RECOGNISER} | {wrong: b"other"})
    with PackServer({"/tiny.zip": Answer(body=archive)}) as server:
        message = failure(pack_for(archive), model_dir, server.url)

    assert message == f"{wrong} in the archive is not the right file, its SHA-256 differs."


def test_an_archive_without_the_recogniser_is_refused(model_dir: Path) -> None:
    archive = archive_of({"det.onnx": DETECTOR, "rec.onnx/readme": b""})
    with PackServer({"/tiny.zip": Answer(body=archive)}) as server:
        message = failure(pack_for(archive), model_dir, server.url)

    assert message == "rec.onnx is not in the archive."


def test_a_network_that_unpacks_to_too_much_is_refused(model_dir: Path) -> None:
    archive = archive_of({"det.onnx": DETECTOR, "rec.onnx": RECOGNISER}, zipfile.ZIP_DEFLATED)
    with PackServer({"/tiny.zip": Answer(body=archive)}) as server:
        message = failure(pack_for(archive), model_dir, server.url, Limits(max_unpacked_bytes=2 * 10**6))

    assert message == "rec.onnx in the archive is larger than it may be."


def test_paths_in_the_archive_lead_nowhere(model_dir: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    archive = archive_of(
        {
            "../../../slipped.onnx": b"slipped",
            f"{outside}/slipped.onnx": b"slipped",
            "../../det.onnx": DETECTOR,
            f"{outside}/rec.onnx": RECOGNISER,
        }
    )

    with PackServer({"/tiny.zip": Answer(body=archive)}) as server:
        fetch(pack_for(archive), model_dir, server.url)

    assert_installed(model_dir)
    assert list(tmp_path.iterdir()) == [model_dir]


def test_the_uppermost_of_several_files_of_a_name_is_taken(model_dir: Path) -> None:
    archive = archive_of({"old/det.onnx": b"old", "det.onnx": DETECTOR, "rec.onnx": RECOGNISER})

    with PackServer({"/tiny.zip": Answer(body=archive)}) as server:
        fetch(pack_for(archive), model_dir, server.url)

    assert_installed(model_dir)
