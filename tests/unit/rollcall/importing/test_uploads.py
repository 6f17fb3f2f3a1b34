"""Uploads on the server's disk: whole, or not there."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rollcall.core.errors import ImageTooLarge, StorageFull
from rollcall.importing.uploads import FolderUploads

MB = 1024 * 1024


@pytest.fixture
def uploads(tmp_path: Path) -> FolderUploads:
    return FolderUploads(tmp_path / "imports", 4 * MB, reserve_bytes=0)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def left(folder: Path) -> list[str]:
    return sorted(os.listdir(folder)) if folder.is_dir() else []


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


def test_a_full_disk_is_told_and_nothing_is_left(small_disk: Path) -> None:
    uploads = FolderUploads(small_disk / "imports", 100 * MB, reserve_bytes=0)
    with pytest.raises(StorageFull):
        uploads.begin(50 * MB)
    upload = uploads.begin(None)
    with pytest.raises(StorageFull, match="No space left"):
        upload.write("photos", b"x" * 8 * MB)
    upload.discard()
    assert left(small_disk / "imports") == []
    assert shutil.disk_usage(small_disk).used < MB


def test_room_is_kept_for_the_database(small_disk: Path) -> None:
    uploads = FolderUploads(small_disk / "imports", 100 * MB, reserve_bytes=4 * MB)
    with pytest.raises(StorageFull):
        uploads.begin(None)


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
