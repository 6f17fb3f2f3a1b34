"""Photos in a zip, harmless or not."""

import io
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from rollcall.core.errors import InvalidRequest
from rollcall.core.imports import MAX_PHOTO_BYTES, PhotoTrouble
from rollcall.importing.zipped import MAX_ENTRIES, ZippedPhotos

LIMIT = 100 * 1024 * 1024


def zip_of(folder: Path, files: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    file = folder / "photos.zip"
    with zipfile.ZipFile(file, "w", method) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return file


def opened(folder: Path, files: Mapping[str, bytes]) -> ZippedPhotos:
    return ZippedPhotos(zip_of(folder, files), LIMIT)


def refused(file: Path, limit: int = LIMIT) -> str:
    with pytest.raises(InvalidRequest) as caught:
        ZippedPhotos(file, limit)
    assert str(caught.value.details["suggestion"]) in caught.value.message
    return caught.value.message


def trouble(photos: ZippedPhotos, name: str) -> str:
    with pytest.raises(PhotoTrouble) as caught:
        photos.read(name)
    return caught.value.trouble.code


def test_photos_are_found_by_code_and_by_name(tmp_path: Path) -> None:
    photos = opened(tmp_path, {"S1.jpg": b"1", "S2/a.png": b"2a", "S2/b.png": b"2b", "list.txt": b""})
    assert list(photos.index.people()) == [("S1", ("S1.jpg",)), ("S2", ("S2/a.png", "S2/b.png"))]
    assert photos.read("s2/A.PNG") == b"2a"
    assert photos.index.of_code("s1") == ("S1.jpg",)


def test_folders_around_all_photos_are_looked_through(tmp_path: Path) -> None:
    photos = opened(tmp_path, {"term/photos/S1.jpg": b"1", "term/photos/S2/a.jpg": b"2", "term/read.me": b""})
    assert list(photos.index.people()) == [("S1", ("S1.jpg",)), ("S2", ("S2/a.jpg",))]
    assert photos.read("S1.jpg") == b"1"
    assert photos.read("term/photos/S1.jpg") == b"1"


def test_what_systems_leave_in_a_zip_does_not_count(tmp_path: Path) -> None:
    files = {
        "photos/S1.jpg": b"1",
        "__MACOSX/photos/._S1.jpg": b"x",
        "photos/.S2.jpg": b"x",
        ".x/S3.jpg": b"x",
    }
    assert list(opened(tmp_path, files).index.people()) == [("S1", ("S1.jpg",))]


def test_a_name_never_becomes_a_path(tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    photos = opened(tmp_path, {"../secret.jpg": b"inside", "S1.jpg": b"1", "/etc/S2.jpg": b"2"})
    for name in ("../secret.jpg", "/etc/S2.jpg"):
        assert trouble(photos, name) == "PHOTO_OUTSIDE"
    assert photos.read("S1.jpg") == b"1"


def test_no_more_than_a_photo_is_unpacked_whatever_the_zip_says(tmp_path: Path) -> None:
    file = zip_of(tmp_path, {"S1.jpg": b"\0" * (MAX_PHOTO_BYTES + 5)})
    assert trouble(ZippedPhotos(file, LIMIT), "S1.jpg") == "IMAGE_TOO_LARGE"
    content = file.read_bytes()
    # The sizes in the list of entries lie: the photo seems to have 7 bytes.
    lying = content.replace(struct.pack("<II", *[MAX_PHOTO_BYTES + 5] * 2), struct.pack("<II", 7, 7))
    assert lying != content
    file.write_bytes(lying)
    assert trouble(ZippedPhotos(file, LIMIT), "S1.jpg") == "PHOTO_UNREADABLE"


def test_a_bomb_is_refused_before_anything_is_unpacked(tmp_path: Path) -> None:
    bomb = zip_of(tmp_path, {"S1.jpg": b"\0" * 50_000_000}, zipfile.ZIP_DEFLATED)
    assert bomb.stat().st_size < 100_000
    assert "far more than photos would" in refused(bomb)


def test_many_photos_that_unpack_to_too_much_are_refused(tmp_path: Path) -> None:
    files = {f"S{i}.jpg": b"\1\2" * 400_000 for i in range(10)}
    file = zip_of(tmp_path, files, zipfile.ZIP_DEFLATED)
    assert "far more than photos would" in refused(file, limit=7_000_000)


def test_a_zip_that_claims_too_many_files_is_refused_unread(tmp_path: Path) -> None:
    file = zip_of(tmp_path, {"S1.jpg": b"1"})
    content = bytearray(file.read_bytes())
    end = content.rindex(b"PK\x05\x06")
    # The size of the list of entries: more than would be read.
    content[end + 12 : end + 16] = struct.pack("<I", 2**31)
    file.write_bytes(content)
    assert f"more than {MAX_ENTRIES:,} files" in refused(file)


def test_a_zip_in_the_zip_is_told(tmp_path: Path) -> None:
    assert "another zip in the zip" in refused(zip_of(tmp_path, {"S1.jpg": b"1", "more/S2.ZIP": b"PK"}))


def test_a_password_is_told(tmp_path: Path) -> None:
    file = zip_of(tmp_path, {"S1.jpg": b"1"})
    content = bytearray(file.read_bytes())
    entry = content.index(b"PK\x01\x02")
    content[entry + 8] |= 1
    file.write_bytes(content)
    assert "protected by a password" in refused(file)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04" + b"\0" * 100])
def test_what_is_no_zip_is_told(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "photos.zip"
    file.write_bytes(content)
    assert "broken, or no zip at all" in refused(file)


def test_a_zip_without_photos_is_told(tmp_path: Path) -> None:
    assert "no photos in the zip" in refused(zip_of(tmp_path, {"list.csv": b"code,name"}))


def test_the_one_folder_of_a_zip_may_be_a_persons(tmp_path: Path) -> None:
    photos = opened(tmp_path, {"S1/a.jpg": b"a", "S1/b.jpg": b"b"})
    assert photos.index.of_code("s1") == ("S1/a.jpg", "S1/b.jpg")
    assert [photos.read(name) for name in photos.index.of_code("s1")] == [b"a", b"b"]


def test_a_broken_member_fails_alone(tmp_path: Path) -> None:
    file = zip_of(tmp_path, {"S1.jpg": b"the first photo", "S2.jpg": b"the second photo"})
    file.write_bytes(file.read_bytes().replace(b"the first photo", b"the faulty phot"))
    photos = ZippedPhotos(file, LIMIT)
    assert trouble(photos, "S1.jpg") == "PHOTO_UNREADABLE"
    assert photos.read("S2.jpg") == b"the second photo"


def test_a_cut_zip_is_told(tmp_path: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("S1.jpg", b"1" * 1000)
    (tmp_path / "cut.zip").write_bytes(made.getvalue()[:900])
    assert "broken, or no zip at all" in refused(tmp_path / "cut.zip")


def test_zipfile_still_tells_how_much_there_is_to_read(tmp_path: Path) -> None:
    # A private function, whose absence would take away the limit on the list of entries.
    with zip_of(tmp_path, {"S1.jpg": b"1"}).open("rb") as file:
        end = zipfile._EndRecData(file)  # type: ignore[attr-defined]
    assert (end[4], end[5]) == (1, 46 + len("S1.jpg"))


def test_a_zip_that_hides_how_many_files_it_has_is_refused_unread(tmp_path: Path) -> None:
    file = tmp_path / "photos.zip"
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)
    # At whose end zipfile would stumble, had it read it.
    directory = (entry + b"x") * (MAX_ENTRIES + 1) + b"no entry"
    # It says that there is one.
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(directory), 0, 0)
    file.write_bytes(directory + end)
    assert f"more than {MAX_ENTRIES:,} files" in refused(file)


def test_a_photo_that_is_broken_or_of_an_unknown_compression_fails_alone(tmp_path: Path) -> None:
    files = {"S1.jpg": b"the first photo" * 100, "S2.jpg": b"the second photo" * 100}
    file = zip_of(tmp_path, files, zipfile.ZIP_LZMA)
    content = bytearray(file.read_bytes())
    start = content.index(b"S1.jpg") + len("S1.jpg") + 9  # behind the options of LZMA
    content[start : start + 8] = b"\xff" * 8
    file.write_bytes(content)
    photos = ZippedPhotos(file, LIMIT)
    assert trouble(photos, "S1.jpg") == "PHOTO_UNREADABLE"
    assert photos.read("S2.jpg") == files["S2.jpg"]


def test_a_zip_of_a_later_kind_is_told(tmp_path: Path) -> None:
    file = zip_of(tmp_path, {"S1.jpg": b"1"})
    content = bytearray(file.read_bytes())
    content[content.index(b"PK\1\2") + 6] = 99  # the version that it takes to unpack it
    file.write_bytes(content)
    assert "broken, or no zip at all" in refused(file)


def test_photos_that_differ_in_case_alone_are_each_found(tmp_path: Path) -> None:
    photos = opened(tmp_path, {"S1.jpg": b"1", "photos/a.jpg": b"a", "photos/A.jpg": b"A"})
    assert (photos.read("photos/a.jpg"), photos.read("photos/A.jpg")) == (b"a", b"A")
    assert photos.read("PHOTOS/A.JPG") in (b"a", b"A")
    wrapped = opened(tmp_path, {"photos/a.jpg": b"a", "photos/A.jpg": b"A"})
    assert (wrapped.read("a.jpg"), wrapped.read("photos/A.jpg")) == (b"a", b"A")


def test_a_zip_that_has_a_photo_twice_has_it_once(tmp_path: Path) -> None:
    file = tmp_path / "photos.zip"
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("S1/a.jpg", b"old")
        with pytest.warns(UserWarning, match="Duplicate name"):
            made.writestr("S1/a.jpg", b"new")
    photos = ZippedPhotos(file, LIMIT)
    assert photos.index.of_code("S1") == ("S1/a.jpg",)
    assert photos.read("S1/a.jpg") == b"new"


def test_backslashes_of_old_programs_lead_into_folders(tmp_path: Path) -> None:
    photos = opened(tmp_path, {"S1\\a.jpg": b"1", "S2\\a.jpg": b"2", "__MACOSX\\S3.jpg": b"3"})
    assert list(photos.index.people()) == [("S1", ("S1/a.jpg",)), ("S2", ("S2/a.jpg",))]
    assert photos.read("S1\\a.jpg") == photos.read("S1/a.jpg") == b"1"
