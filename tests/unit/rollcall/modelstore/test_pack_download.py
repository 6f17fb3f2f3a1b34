import asyncio
from pathlib import Path

import pytest

from rollcall.modelstore.catalog import present
from rollcall.modelstore.download import download
from tests.pack_server import ARCHIVE, DETECTOR, RECOGNISER, Answer, PackServer, archive_of, pack_for
from tests.unit.rollcall.modelstore.downloads import (
    GOOD,
    assert_installed,
    fetch,
    files_in,
)


def test_a_download_leaves_the_two_networks_and_nothing_else(model_dir: Path) -> None:
    with PackServer(GOOD) as server:
        fetch(pack_for(ARCHIVE), model_dir, server.url)

    assert_installed(model_dir)
    assert present(model_dir, "tiny")


def test_a_second_download_asks_for_nothing(model_dir: Path) -> None:
    with PackServer(GOOD) as server:
        fetch(pack_for(ARCHIVE), model_dir, server.url)
        fetch(pack_for(ARCHIVE), model_dir, server.url)

    assert server.paths == ["/tiny.zip"]
    assert_installed(model_dir)


def test_a_pack_placed_by_hand_is_left_alone(model_dir: Path) -> None:
    (model_dir / "tiny").mkdir(parents=True)
    (model_dir / "tiny" / "a.onnx").write_bytes(b"a")
    (model_dir / "tiny" / "b.onnx").write_bytes(b"b")

    fetch(pack_for(ARCHIVE), model_dir, "http://127.0.0.1:9")

    assert files_in(model_dir) == {"tiny": b"", "tiny/a.onnx": b"a", "tiny/b.onnx": b"b"}


def test_an_empty_folder_is_filled(model_dir: Path) -> None:
    (model_dir / "tiny").mkdir(parents=True)

    with PackServer(GOOD) as server:
        fetch(pack_for(ARCHIVE), model_dir, server.url)

    assert_installed(model_dir)


def test_an_archive_with_a_nested_folder_is_unpacked_flat(model_dir: Path) -> None:
    archive = archive_of({"tiny/": b"", "tiny/det.onnx": DETECTOR, "tiny/rec.onnx": RECOGNISER})

    with PackServer({"/tiny.zip": Answer(body=archive)}) as server:
        fetch(pack_for(archive), model_dir, server.url)

    assert_installed(model_dir)


def test_the_second_address_is_tried_when_the_first_has_no_such_file(model_dir: Path) -> None:
    with PackServer({"/v0.7/tiny.zip": Answer(body=ARCHIVE)}) as server:
        fetch(pack_for(ARCHIVE, releases=(f"{server.url}/model-zoo", f"{server.url}/v0.7")), model_dir)

    assert server.paths == ["/model-zoo/tiny.zip", "/v0.7/tiny.zip"]
    assert_installed(model_dir)


@pytest.mark.parametrize(
    "first",
    [
        Answer(status=500),
        Answer(body=b"<html>Please log in to this network</html>"),
        Answer(body=ARCHIVE, before_rest=lambda: False),
    ],
    ids=["broken", "wrong file", "cut short"],
)
def test_the_second_address_is_tried_when_the_first_fails(model_dir: Path, first: Answer) -> None:
    with PackServer({"/1/tiny.zip": first, "/2/tiny.zip": Answer(body=ARCHIVE)}) as server:
        fetch(pack_for(ARCHIVE, releases=(f"{server.url}/1", f"{server.url}/2")), model_dir)

    assert_installed(model_dir)


def test_a_mirror_takes_the_place_of_the_releases(model_dir: Path) -> None:
    with PackServer({"/packs/tiny.zip": Answer(body=ARCHIVE)}) as server:
        pack = pack_for(ARCHIVE, releases=(f"{server.url}/model-zoo",))
        fetch(pack, model_dir, f"{server.url}/packs/")

    assert server.paths == ["/packs/tiny.zip"]
    assert_installed(model_dir)


def test_redirects_to_another_server_are_followed(model_dir: Path) -> None:
    with PackServer({"/asset?signature=1": Answer(body=ARCHIVE)}) as storage:
        moved = Answer(status=302, headers={"Location": f"{storage.url}/asset?signature=1"})
        with PackServer({"/tiny.zip": moved}) as server:
            fetch(pack_for(ARCHIVE), model_dir, server.url)

    assert_installed(model_dir)


def test_a_mirror_may_ask_for_a_password_and_a_token(model_dir: Path) -> None:
    with PackServer({"/packs/tiny.zip?token=abc": Answer(body=ARCHIVE)}) as server:
        fetch(pack_for(ARCHIVE), model_dir, f"http://user:p%40ss@{server.host}/packs?token=abc")

    [(_, headers)] = server.requests
    assert headers["Authorization"] == "Basic dXNlcjpwQHNz"
    assert_installed(model_dir)


def test_the_progress_of_a_download_is_told(model_dir: Path) -> None:
    told: list[tuple[int, int | None]] = []

    async def watched(mirror: str) -> None:
        loop = asyncio.get_running_loop()

        def progress(done: int, total: int | None) -> None:
            assert asyncio.get_running_loop() is loop
            told.append((done, total))

        await download(pack_for(ARCHIVE), model_dir=model_dir, mirror=mirror, progress=progress)

    with PackServer(GOOD) as server:
        asyncio.run(watched(server.url))

    assert told == sorted(told)
    assert 0 < told[0][0] < len(ARCHIVE)
    assert told[-1] == (len(ARCHIVE), len(ARCHIVE))
