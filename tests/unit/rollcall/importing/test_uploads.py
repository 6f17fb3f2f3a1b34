"""Uploads on the server's disk: whole, or not there."""

import os
import shutil
import time
from pathlib import Path

import pytest

from rollcall.core.errors import ImageTooLarge, StorageFull
from rollcall.importing.uploads import FolderUpload, FolderUploads

MB = 1024 * 1024


@pytest.fixture
def uploads(tmp_path: Path) -> FolderUploads:
    return FolderUploads(tmp_path / "imports", 4 * MB, reserve_bytes=0)


def left(folder: Path) -> list[str]:
    return sorted(os.listdir(folder)) if folder.is_dir() else []


def send(upload: FolderUpload, megabytes: int) -> None:
    for _ in range(0, megabytes, 8):
        upload.write("photos", bytes(8 * MB))


def test_an_upload_is_there_when_it_is_whole(uploads: FolderUploads, tmp_path: Path) -> None:
    upload = uploads.begin(None)
    upload.write("photos", b"the ")
    upload.write("csv", b"code,name\n")
    upload.write("photos", b"zip")
    assert uploads.ids() == []
    upload.keep()
    assert uploads.ids() == [upload.id]
    folder = tmp_path / "imports" / upload.id
    assert (folder / "photos.zip").read_bytes() == b"the zip"
    assert (folder / "people.csv").read_bytes() == b"code,name\n"
    uploads.remove(upload.id)
    assert left(tmp_path / "imports") == []


def test_an_upload_that_is_too_large_leaves_nothing(uploads: FolderUploads, tmp_path: Path) -> None:
    with pytest.raises(ImageTooLarge, match="larger than the server takes"):
        uploads.begin(4 * MB + 1)
    upload = uploads.begin(None)
    upload.write("photos", b"x" * 4 * MB)
    with pytest.raises(ImageTooLarge):
        upload.write("csv", b"x")
    upload.discard()
    assert left(tmp_path / "imports") == []


def test_a_full_disk_is_told_and_nothing_is_left(uploads: FolderUploads, tmp_path: Path) -> None:
    upload = uploads.begin(None)
    # A device that has no room for anything.
    (tmp_path / "imports" / f"{upload.id}.part" / "photos.zip").symlink_to("/dev/full")
    with pytest.raises(StorageFull, match="No space left"):
        upload.write("photos", b"x")
    upload.discard()
    assert left(tmp_path / "imports") == []


def test_room_is_kept_for_the_database(tmp_path: Path) -> None:
    more_than_there_is = shutil.disk_usage(tmp_path).total
    uploads = FolderUploads(tmp_path / "imports", 2**60, reserve_bytes=more_than_there_is)
    with pytest.raises(StorageFull):
        uploads.begin(None)
    uploads = FolderUploads(tmp_path / "imports", 2**60, reserve_bytes=0)
    with pytest.raises(StorageFull):
        uploads.begin(more_than_there_is)
    assert left(tmp_path / "imports") == []


def test_the_database_must_have_room_for_the_photos_as_well(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    uploads = FolderUploads(tmp_path / "imports", 2**60, reserve_bytes=0)
    with pytest.raises(StorageFull):
        uploads.begin(free * 2 // 3)
    # Others write to this disk meanwhile, but not that much.
    small = FolderUploads(tmp_path / "imports", 2**60, reserve_bytes=free - 48 * MB)
    upload = small.begin(None)
    with pytest.raises(StorageFull):
        send(upload, 48)
    upload.discard()
    assert left(tmp_path / "imports") == []


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"no folder")
    with pytest.raises(StorageFull, match="cannot be stored") as caught:
        FolderUploads(tmp_path / "file" / "imports", MB).begin(None)
    assert caught.value.details["suggestion"] == "See who may write to IMPORT_DIR."


def test_what_was_broken_off_goes_when_it_is_old(uploads: FolderUploads, tmp_path: Path) -> None:
    folder = tmp_path / "imports"
    finished = uploads.begin(None)
    finished.write("photos", b"zip")
    finished.keep()
    orphan, unfinished, fresh = (uploads.begin(None) for _ in range(3))
    orphan.keep()
    for name in (finished.id, orphan.id, f"{unfinished.id}.part"):
        os.utime(folder / name, (time.time() - 7 * 3600,) * 2)
    (folder / "of somebody else").mkdir()
    uploads.sweep([finished.id])
    assert left(folder) == sorted([finished.id, f"{fresh.id}.part", "of somebody else"])


@pytest.mark.parametrize("id", ["..", "../outside", "", "x" * 32])
def test_only_an_upload_is_removed(uploads: FolderUploads, tmp_path: Path, id: str) -> None:
    (tmp_path / "outside").mkdir()
    uploads.begin(None).keep()
    uploads.remove(id)
    assert (tmp_path / "outside").is_dir()
    assert len(uploads.ids()) == 1
