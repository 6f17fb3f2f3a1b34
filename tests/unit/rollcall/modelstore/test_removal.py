import os
from pathlib import Path

import pytest

from rollcall.core.errors import InvalidRequest
from rollcall.modelstore.lock import FileLock
from rollcall.modelstore.model_folder import lock_of
from rollcall.modelstore.removal import remove_pack
from rollcall.modelstore.verification import verify
from tests.unit.rollcall.modelstore.downloads import files_in


def put(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "det.onnx").write_bytes(b"detector")
    (folder / "rec.onnx").write_bytes(b"recogniser")
    return folder


def test_a_removed_pack_leaves_nothing_and_the_others_stay(model_dir: Path) -> None:
    put(model_dir / "other")
    verify(model_dir, "other")
    before = files_in(model_dir)
    put(model_dir / "mine")
    (model_dir / ".mine.partial").mkdir()
    (model_dir / ".mine.partial" / "archive").write_bytes(b"half")
    verify(model_dir, "mine")

    remove_pack(model_dir, "mine")

    assert files_in(model_dir) == before


def test_a_download_that_was_broken_off_can_be_removed(model_dir: Path) -> None:
    (model_dir / ".mine.partial").mkdir(parents=True)
    (model_dir / ".mine.partial" / "archive").write_bytes(b"half")

    remove_pack(model_dir, "mine")

    assert files_in(model_dir) == {}


def test_a_link_to_a_pack_is_removed_and_the_pack_stays(model_dir: Path, tmp_path: Path) -> None:
    elsewhere = put(tmp_path / "elsewhere")
    model_dir.mkdir()
    (model_dir / "mine").symlink_to(elsewhere)

    remove_pack(model_dir, "mine")

    assert files_in(model_dir) == {}
    assert set(files_in(elsewhere)) == {"det.onnx", "rec.onnx"}


@pytest.mark.parametrize("name", ["", ".", "..", "../mine", "mine/mine", "/", ".hidden", "x" * 65])
def test_a_name_that_is_no_plain_folder_name_is_refused(model_dir: Path, name: str) -> None:
    put(model_dir / "mine" / "mine")
    put(model_dir / ".hidden")
    before = files_in(model_dir)

    with pytest.raises(InvalidRequest, match="plain folder name"):
        remove_pack(model_dir, name)

    assert files_in(model_dir) == before


def test_a_pack_that_is_not_there_is_refused(model_dir: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"^There is no model pack mine in MODEL_DIR\.$"):
        remove_pack(model_dir, "mine")


def test_a_file_is_no_pack_and_stays(model_dir: Path) -> None:
    model_dir.mkdir()
    (model_dir / "mine").write_bytes(b"a file")

    with pytest.raises(InvalidRequest, match="There is no model pack"):
        remove_pack(model_dir, "mine")

    assert files_in(model_dir) == {"mine": b"a file"}


def test_a_pack_that_is_being_downloaded_is_not_removed(model_dir: Path) -> None:
    (model_dir / ".mine.partial").mkdir(parents=True)
    lock = FileLock(lock_of(model_dir, "mine"))
    assert lock.take()

    with pytest.raises(InvalidRequest, match="is being downloaded"):
        remove_pack(model_dir, "mine")

    assert lock_of(model_dir, "mine").exists()
    lock.release()
    assert files_in(model_dir) == {".mine.partial": b""}


def test_a_pack_whose_removal_was_killed_is_no_pack_and_goes_with_the_next(model_dir: Path) -> None:
    left = put(model_dir / f".mine.{'0' * 32}.removed")
    os.utime(left, (1, 1))
    put(model_dir / "other")

    remove_pack(model_dir, "other")

    assert files_in(model_dir) == {}
