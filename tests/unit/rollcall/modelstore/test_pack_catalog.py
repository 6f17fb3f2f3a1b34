from pathlib import Path

import pytest

from rollcall.modelstore.catalog import OFFICIAL_PACKS, official, present

RELEASES = "https://github.com/deepinsight/insightface/releases/download"


def put(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"")


def test_the_four_official_packs_are_known() -> None:
    assert set(OFFICIAL_PACKS) == {"buffalo_l", "buffalo_m", "buffalo_sc", "antelopev2"}


@pytest.mark.parametrize("name", OFFICIAL_PACKS)
def test_every_official_pack_names_three_files_and_their_checksums(name: str) -> None:
    pack = OFFICIAL_PACKS[name]

    assert pack.archive.name == f"{name}.zip"
    assert pack.detector.name.endswith(".onnx")
    assert pack.recogniser.name.endswith(".onnx")
    checksums = {pack.archive.sha256, pack.detector.sha256, pack.recogniser.sha256}
    assert len(checksums) == 3
    assert all(len(checksum) == 64 and set(checksum) <= set("0123456789abcdef") for checksum in checksums)


def test_a_pack_is_found_by_its_exact_name() -> None:
    assert official("buffalo_l") is OFFICIAL_PACKS["buffalo_l"]
    assert official("Buffalo_L") is None
    assert official("scrfd_mbf") is None


def test_an_official_pack_is_looked_for_in_the_model_zoo_and_then_among_the_older_ones() -> None:
    assert OFFICIAL_PACKS["antelopev2"].addresses() == (
        f"{RELEASES}/model-zoo/antelopev2.zip",
        f"{RELEASES}/v0.7/antelopev2.zip",
    )


@pytest.mark.parametrize(
    ("mirror", "address"),
    [
        ("http://mirror", "http://mirror/buffalo_l.zip"),
        ("http://mirror/", "http://mirror/buffalo_l.zip"),
        ("https://mirror:8443/packs/", "https://mirror:8443/packs/buffalo_l.zip"),
        ("http://user:word@mirror/p%2Fq?token=1#top", "http://user:word@mirror/p%2Fq/buffalo_l.zip?token=1"),
    ],
)
def test_a_mirror_has_the_archive_right_below_its_address(mirror: str, address: str) -> None:
    assert OFFICIAL_PACKS["buffalo_l"].addresses(mirror) == (address,)


def test_a_pack_is_present_when_its_folder_has_two_networks(tmp_path: Path) -> None:
    put(tmp_path / "tiny", "det.onnx", "rec.onnx")

    assert present(tmp_path, "tiny")


def test_a_pack_is_present_when_its_archive_was_unpacked_into_a_nested_folder(tmp_path: Path) -> None:
    put(tmp_path / "tiny" / "tiny", "det.onnx", "rec.onnx")

    assert present(tmp_path, "tiny")


def test_a_pack_is_not_present_without_two_networks_in_one_folder(tmp_path: Path) -> None:
    put(tmp_path / "tiny", "det.onnx", "README.md")
    put(tmp_path / "tiny" / "tiny", "rec.onnx")
    (tmp_path / "tiny" / "folder.onnx").mkdir()

    assert not present(tmp_path, "tiny")


def test_a_pack_is_not_present_where_there_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    assert not present(tmp_path, "tiny")
    assert not present(tmp_path, "file")
    assert not present(tmp_path / "nowhere", "tiny")
