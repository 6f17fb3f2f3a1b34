"""What a pack's files are, and whether they are what they were."""

import json
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rollcall.modelstore.catalog import PackFile
from rollcall.modelstore.errors import PackMissing
from rollcall.modelstore.verification import Origin, VerifiedPack, verify
from tests.pack_server import sha256
from tests.packs import SHARED, needs_shared
from tests.unit.rollcall.modelstore.downloads import files_in

# One of the files of the official buffalo_sc.
OFFICIAL_DETECTOR = SHARED / "models" / "detectors" / "det_500m.onnx"


@pytest.fixture
def pack(model_dir: Path) -> Path:
    """The folder of a pack by hand, named `mine`."""
    return put(model_dir / "mine")


def put(folder: Path, detector: bytes = b"detector", recogniser: bytes = b"recogniser") -> Path:
    folder.mkdir(parents=True)
    (folder / "det.onnx").write_bytes(detector)
    (folder / "rec.onnx").write_bytes(recogniser)
    return folder


def overwrite(file: Path, content: bytes) -> None:
    """Write other bytes, as a fault of the disk does: neither size nor time show it."""
    before = file.stat()
    assert len(content) == before.st_size
    with file.open("r+b") as opened:
        opened.write(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def digests(verified: VerifiedPack) -> dict[str, str]:
    return {file.name: file.sha256 for file in verified.files}


def test_a_pack_by_hand_is_unknown_and_its_files_are_named(model_dir: Path, pack: Path) -> None:
    assert verify(model_dir, pack.name) == VerifiedPack(
        name="mine",
        origin=Origin.UNKNOWN,
        files=(
            PackFile(name="det.onnx", sha256=sha256(b"detector")),
            PackFile(name="rec.onnx", sha256=sha256(b"recogniser")),
        ),
    )


def test_a_pack_in_a_nested_folder_is_verified_there(model_dir: Path) -> None:
    put(model_dir / "mine" / "mine")

    assert set(digests(verify(model_dir, "mine"))) == {"det.onnx", "rec.onnx"}
    assert verify(model_dir, "mine", fully=True).changed == ()


@pytest.mark.parametrize("name", ["mine", "buffalo_l", "../mine", "", ".", "mine/mine"])
def test_a_pack_that_is_not_there_is_missing(model_dir: Path, name: str) -> None:
    put(model_dir.parent / "mine")
    model_dir.mkdir()

    with pytest.raises(PackMissing):
        verify(model_dir, name)


def test_an_official_name_with_other_files_is_an_altered_pack(model_dir: Path) -> None:
    put(model_dir / "buffalo_l")

    assert verify(model_dir, "buffalo_l").origin is Origin.ALTERED


@needs_shared
def test_a_pack_with_one_official_file_only_is_altered(model_dir: Path) -> None:
    put(model_dir / "buffalo_sc", detector=OFFICIAL_DETECTOR.read_bytes())

    assert verify(model_dir, "buffalo_sc").origin is Origin.ALTERED


def test_official_files_make_an_official_pack_whatever_they_are_called(model_dir: Path) -> None:
    # The bytes are hundreds of megabytes, so the notes say what they would be.
    folder = put(model_dir / "buffalo_sc")
    verify(model_dir, "buffalo_sc")
    notes = model_dir / ".buffalo_sc.verified.json"
    found = json.loads(notes.read_text())
    found["det.onnx"]["sha256"] = "5e4447f50245bbd7966bd6c0fa52938c61474a04ec7def48753668a9d8b4ea3a"
    found["rec.onnx"]["sha256"] = "9cc6e4a75f0e2bf0b1aed94578f144d15175f357bdc05e815e5c4a02b319eb4f"
    notes.write_text(json.dumps(found))

    assert verify(model_dir, folder.name).origin is Origin.OFFICIAL


def test_a_file_whose_size_and_time_are_the_same_is_read_again_only_fully(
    model_dir: Path, pack: Path
) -> None:
    verify(model_dir, "mine")
    overwrite(pack / "det.onnx", b"DETECTOR")

    assert digests(verify(model_dir, "mine"))["det.onnx"] == sha256(b"detector")
    found = verify(model_dir, "mine", fully=True)
    assert digests(found)["det.onnx"] == sha256(b"DETECTOR")
    assert found.changed == ("det.onnx",)


def test_a_file_is_read_once_where_that_cannot_be_noted(model_dir: Path, pack: Path) -> None:
    (model_dir / ".mine.verified.json").mkdir()  # so not even root can
    verify(model_dir, "mine")
    overwrite(pack / "det.onnx", b"DETECTOR")

    assert digests(verify(model_dir, "mine"))["det.onnx"] == sha256(b"detector")
    assert digests(verify(model_dir, "mine", fully=True))["det.onnx"] == sha256(b"DETECTOR")
    assert set(files_in(model_dir)) == {".mine.verified.json", "mine", "mine/det.onnx", "mine/rec.onnx"}


def test_damage_is_reported_each_time_until_the_file_is_right_again(model_dir: Path, pack: Path) -> None:
    verify(model_dir, "mine")
    overwrite(pack / "det.onnx", b"DETECTOR")
    verify(model_dir, "mine", fully=True)

    for fully in (True, False, False):
        assert verify(model_dir, "mine", fully=fully).changed == ("det.onnx",)
    overwrite(pack / "det.onnx", b"detector")
    assert verify(model_dir, "mine").changed == ()


def test_a_file_that_was_replaced_is_reported_once(model_dir: Path, pack: Path) -> None:
    verify(model_dir, "mine")
    (pack / "det.onnx").write_bytes(b"a new detector")

    found = verify(model_dir, "mine")
    assert digests(found)["det.onnx"] == sha256(b"a new detector")
    assert found.changed == ("det.onnx",)
    assert verify(model_dir, "mine", fully=True).changed == ()


def test_a_file_that_was_only_touched_has_not_changed(model_dir: Path, pack: Path) -> None:
    verify(model_dir, "mine")
    os.utime(pack / "det.onnx", (1, 1))

    assert verify(model_dir, "mine", fully=True).changed == ()


@pytest.mark.parametrize(
    "notes",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b"\xff",
        b"[" * 10**5,
        b'{"det.onnx": 1}',
        b'{"det.onnx": {"stamp": {"size": "x"}}}',
    ],
    ids=range(8),
)
def test_notes_that_are_damaged_are_made_anew(model_dir: Path, pack: Path, notes: bytes) -> None:
    file = model_dir / ".mine.verified.json"
    file.write_bytes(notes)

    assert digests(verify(model_dir, pack.name))["det.onnx"] == sha256(b"detector")
    assert set(json.loads(file.read_text())) == {"det.onnx", "rec.onnx"}


def test_a_file_that_cannot_be_read_is_named_and_no_error(model_dir: Path, pack: Path) -> None:
    verify(model_dir, "mine")
    (pack / "two.onnx").write_bytes(b"")
    file = pack / "det.onnx"
    file.unlink()
    file.symlink_to("/proc/self/mem")

    found = verify(model_dir, "mine", fully=True)

    assert found.unreadable == ("det.onnx",)
    assert set(digests(found)) == {"rec.onnx", "two.onnx"}
    file.unlink()
    file.write_bytes(b"other")
    assert verify(model_dir, "mine").changed == ("det.onnx",)


def test_a_pack_can_be_verified_while_somebody_copies_its_files(model_dir: Path, pack: Path) -> None:
    def copy() -> None:
        for number in range(100):
            with (pack / "det.onnx").open("wb") as file:
                for _ in range(5):
                    file.write(bytes([number]) * (2**16 + number))
                    file.flush()
            (pack / "two.onnx").touch()
            (pack / "two.onnx").unlink()

    with ThreadPoolExecutor(1) as threads:
        copying = threads.submit(copy)
        while not copying.done():
            verify(model_dir, "mine")
        copying.result()

    assert digests(verify(model_dir, "mine"))["det.onnx"] == sha256((pack / "det.onnx").read_bytes())


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("mine", "Model pack mine is not one of the official ones; its files are used unchecked."),
        ("buffalo_l", "Model pack buffalo_l has other bytes than the official one of this name."),
    ],
)
def test_a_pack_that_is_not_official_is_logged_when_it_is_first_seen(
    model_dir: Path, caplog: pytest.LogCaptureFixture, name: str, line: str
) -> None:
    folder = put(model_dir / name)
    for _ in range(3):
        verify(model_dir, name)
        verify(model_dir, name, fully=True)
    assert [record.getMessage() for record in caplog.records] == [line]

    caplog.clear()
    (folder / "rec.onnx").write_bytes(b"new")
    caplog.set_level(logging.WARNING)
    verify(model_dir, name)
    verify(model_dir, name)
    assert [record.getMessage() for record in caplog.records] == [
        f"rec.onnx in model pack {name} has other bytes than when it was first read.",
        line,
    ]
