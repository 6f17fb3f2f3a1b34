"""Photos in a folder: found by code or by name, never outside it."""

import os
from pathlib import Path

import pytest

from rollcall.core.errors import InvalidRequest
from rollcall.core.imports import MAX_PHOTO_BYTES, PhotoTrouble
from rollcall.importing.folder import FolderPhotos


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "S002").mkdir(parents=True)
    (folder / "S001.JPG").write_bytes(b"one")
    (folder / "S002" / "b.png").write_bytes(b"two b")
    (folder / "S002" / "a.webp").write_bytes(b"two a")
    (folder / "S002.jpeg").write_bytes(b"two")
    (folder / "S002" / "notes.txt").write_bytes(b"no photo")
    (folder / ".DS_Store.jpg").write_bytes(b"no photo")
    return folder


def trouble(folder: Path, name: str) -> str:
    with pytest.raises(PhotoTrouble) as caught:
        FolderPhotos(folder).read(name)
    assert caught.value.trouble.what_to_do
    return caught.value.trouble.code


def test_photos_of_a_code_are_its_file_and_all_of_its_folder(folder: Path) -> None:
    index = FolderPhotos(folder).index
    assert index.of_code("S002") == ("S002.jpeg", "S002/a.webp", "S002/b.png")
    assert index.of_code("s001") == ("S001.JPG",)
    assert index.of_code("S003") == ()


def test_without_a_list_the_names_are_the_codes(folder: Path) -> None:
    assert list(FolderPhotos(folder).index.people()) == [
        ("S001", ("S001.JPG",)),
        ("S002", ("S002.jpeg", "S002/a.webp", "S002/b.png")),
    ]


@pytest.mark.parametrize("name", ["S002/a.webp", "S002\\a.webp", "./S002/a.webp", "s002/A.WEBP"])
def test_a_name_is_a_path_below_the_folder(folder: Path, name: str) -> None:
    assert FolderPhotos(folder).read(name) == b"two a"


@pytest.mark.parametrize(
    "name",
    ["../secret.jpg", "S002/../../secret.jpg", "/etc/passwd", "C:\\secret.jpg", "..", ".", "\\\\host\\x"],
)
def test_nothing_outside_is_read(folder: Path, name: str) -> None:
    (folder.parent / "secret.jpg").write_bytes(b"secret")
    assert trouble(folder, name) == "PHOTO_OUTSIDE"


def test_a_link_out_of_the_folder_is_not_followed(folder: Path) -> None:
    (folder.parent / "secret.jpg").write_bytes(b"secret")
    (folder / "link.jpg").symlink_to(folder.parent / "secret.jpg")
    (folder / "inside.jpg").symlink_to(folder / "S001.JPG")
    assert trouble(folder, "link.jpg") == "PHOTO_OUTSIDE"
    assert FolderPhotos(folder).read("inside.jpg") == b"one"


def test_what_is_wrong_with_a_photo_is_told(folder: Path) -> None:
    (folder / "empty.jpg").touch()
    (folder / "huge.jpg").write_bytes(b"\xff" * (MAX_PHOTO_BYTES + 1))
    (folder / "folder.jpg").mkdir()
    assert trouble(folder, "empty.jpg") == "PHOTO_EMPTY"
    assert trouble(folder, "huge.jpg") == "IMAGE_TOO_LARGE"
    assert trouble(folder, "none.jpg") == "PHOTO_MISSING"
    assert trouble(folder, "folder.jpg") == "PHOTO_UNREADABLE"
    assert trouble(folder, "data:image/jpeg;base64,/9j/") == "PHOTO_NAME"
    assert trouble(folder, "x" * 300 + ".jpg") == "PHOTO_UNREADABLE"


def test_a_pipe_that_nobody_writes_to_holds_nobody_up(folder: Path) -> None:
    os.mkfifo(folder / "pipe.jpg")
    assert trouble(folder, "pipe.jpg") == "PHOTO_UNREADABLE"


def test_a_folder_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="does not exist"):
        FolderPhotos(tmp_path / "none")


@pytest.mark.parametrize("suffix", [".jfif", ".HEIC", ".avif", ".bmp", ".gif", ".tiff"])
def test_pictures_that_may_not_be_readable_are_not_passed_over(folder: Path, suffix: str) -> None:
    (folder / f"S003{suffix}").write_bytes(b"three")
    assert FolderPhotos(folder).index.of_code("S003") == (f"S003{suffix}",)


def test_a_folder_without_any_photo_is_told(tmp_path: Path) -> None:
    deep = tmp_path / "term" / "7A" / "S001"
    deep.mkdir(parents=True)
    (deep / "notes.txt").write_bytes(b"no photo")
    with pytest.raises(InvalidRequest, match="There are no photos in the folder"):
        FolderPhotos(tmp_path).require_some()
    (deep / "a.jpg").write_bytes(b"one")
    FolderPhotos(tmp_path).require_some()
