"""A download goes on from where an earlier try ended, and never from what is not the same file."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.pack_server import ARCHIVE, Answer, PackServer, archive_of, in_turn, pack_for, ranged, sha256
from tests.unit.rollcall.modelstore.downloads import (
    ONCE,
    QUICK,
    assert_installed,
    failure,
    failure_on_the_way,
    fetch,
    files_in,
)

OTHER = archive_of({"other": b"o" * len(ARCHIVE)})
HALF = (len(ARCHIVE) + 1) // 2


def broken_off() -> bool:
    return False


def begin(model_dir: Path, answer: Answer | Callable[[Mapping[str, str]], Answer]) -> int:
    """A download of which some bytes come; returns how many."""
    answers = {"/tiny.zip": answer}
    with PackServer(answers) as server:
        failure_on_the_way(pack_for(ARCHIVE), model_dir, server.url, ONCE)
    return (model_dir / ".tiny.partial" / "archive").stat().st_size


@pytest.mark.parametrize("tag", [None, '"one"'])
def test_a_connection_that_breaks_is_taken_up_where_it_broke(model_dir: Path, tag: str | None) -> None:
    answer = in_turn(ranged(ARCHIVE, tag=tag, before_rest=broken_off), ranged(ARCHIVE, tag=tag))
    with PackServer({"/tiny.zip": answer}) as server:
        fetch(pack_for(ARCHIVE), model_dir, server.url, QUICK)

    assert server.ranges == [None, f"bytes={HALF}-"]
    assert server.requests[1][1].get("If-Range") == tag
    assert_installed(model_dir)


def test_a_later_download_goes_on_from_where_one_ended_whatever_the_password(model_dir: Path) -> None:
    begun = ranged(ARCHIVE, tag='"one"', before_rest=broken_off)
    with PackServer({"/tiny.zip": begun, "/tiny.zip?token=new": ranged(ARCHIVE, tag='"one"')}) as server:
        failure_on_the_way(pack_for(ARCHIVE), model_dir, server.url, ONCE)
        fetch(pack_for(ARCHIVE), model_dir, f"http://user:word@{server.host}?token=new")

    assert server.ranges[-1] == f"bytes={HALF}-"
    assert server.requests[-1][1]["If-Range"] == '"one"'
    assert_installed(model_dir)


def test_a_download_goes_on_behind_a_redirect(model_dir: Path) -> None:
    stored = in_turn(ranged(ARCHIVE, tag='"one"', before_rest=broken_off), ranged(ARCHIVE, tag='"one"'))
    with PackServer({"/asset": stored}) as storage:
        moved = Answer(status=302, headers={"Location": f"{storage.url}/asset"})
        with PackServer({"/tiny.zip": moved}) as server:
            fetch(pack_for(ARCHIVE), model_dir, server.url)

    assert storage.ranges == [None, f"bytes={HALF}-"]
    assert storage.requests[1][1]["If-Range"] == '"one"'
    assert_installed(model_dir)


def test_another_server_gives_the_rest(model_dir: Path) -> None:
    begun = begin(model_dir, ranged(ARCHIVE, tag='"one"', before_rest=broken_off))
    with PackServer({"/tiny.zip": ranged(ARCHIVE, tag='"called otherwise here"')}) as server:
        fetch(pack_for(ARCHIVE), model_dir, server.url)

    assert server.ranges == [f"bytes={begun}-"]
    assert "If-Range" not in server.requests[0][1]
    assert_installed(model_dir)


def test_a_server_that_always_breaks_off_gives_the_archive_bit_by_bit(model_dir: Path) -> None:
    with PackServer({"/tiny.zip": ranged(ARCHIVE, before_rest=broken_off)}) as server:
        fetch(pack_for(ARCHIVE), model_dir, server.url)

    assert len(server.requests) > len(QUICK.retry_pauses_seconds) + 1
    assert_installed(model_dir)


def test_a_server_that_knows_no_ranges_begins_anew(model_dir: Path) -> None:
    answer = in_turn(Answer(body=ARCHIVE, before_rest=broken_off), Answer(body=ARCHIVE))
    with PackServer({"/tiny.zip": answer}) as server:
        fetch(pack_for(ARCHIVE), model_dir, server.url)

    assert_installed(model_dir)


def test_a_file_that_was_replaced_meanwhile_is_not_glued_on(model_dir: Path) -> None:
    answer = in_turn(ranged(OTHER, tag='"old"', before_rest=broken_off), ranged(ARCHIVE, tag='"new"'))
    with PackServer({"/tiny.zip": answer}) as server:
        fetch(pack_for(ARCHIVE), model_dir, server.url)

    assert len(server.requests) == 2
    assert_installed(model_dir)


def test_two_files_glued_together_are_noticed_and_fetched_anew_once(model_dir: Path) -> None:
    begin(model_dir, ranged(OTHER, before_rest=broken_off))
    with PackServer({"/tiny.zip": ranged(ARCHIVE)}) as server:
        fetch(pack_for(ARCHIVE), model_dir, server.url)

    assert [asked is None for asked in server.ranges] == [False, True]
    assert_installed(model_dir)


def test_a_wrong_file_is_fetched_anew_once_only(model_dir: Path) -> None:
    begin(model_dir, ranged(OTHER, before_rest=broken_off))
    with PackServer({"/tiny.zip": ranged(OTHER)}) as server:
        message = failure(pack_for(ARCHIVE), model_dir, server.url)

    assert len(server.requests) == 2
    assert message.endswith("the file at " + server.host + " is not the right one, its SHA-256 differs.")


def test_a_wrong_file_that_comes_bit_by_bit_is_fetched_anew_once_only(model_dir: Path) -> None:
    with PackServer({"/tiny.zip": ranged(OTHER, before_rest=broken_off)}) as server:
        message = failure(pack_for(ARCHIVE), model_dir, server.url)

    assert server.ranges.count(None) == 2
    assert "SHA-256 differs" in message


@pytest.mark.parametrize(
    "odd",
    [
        Answer(status=416),
        Answer(status=206, body=ARCHIVE),
        Answer(status=206, body=ARCHIVE, headers={"Content-Range": f"bytes 0-9/{10**12}"}),
        Answer(status=206, body=ARCHIVE, headers={"Content-Range": "bytes 1-2-3/x"}),
    ],
    ids=["nothing there", "no range", "another range", "nonsense"],
)
def test_a_rest_that_cannot_be_had_lets_the_download_begin_anew(model_dir: Path, odd: Answer) -> None:
    begin(model_dir, ranged(ARCHIVE, before_rest=broken_off))
    with PackServer({"/tiny.zip": in_turn(odd, Answer(body=ARCHIVE))}) as server:
        fetch(pack_for(ARCHIVE), model_dir, server.url)

    assert [asked is None for asked in server.ranges] == [False, True]
    assert_installed(model_dir)


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"wanted": "x"}', b"\xff"])
def test_a_beginning_whose_origin_is_unknown_is_not_used(model_dir: Path, damage: bytes) -> None:
    begin(model_dir, ranged(ARCHIVE, before_rest=broken_off))
    (model_dir / ".tiny.partial" / "source.json").write_bytes(damage)
    with PackServer({"/tiny.zip": ranged(ARCHIVE)}) as server:
        fetch(pack_for(ARCHIVE), model_dir, server.url)

    assert server.ranges == [None]
    assert_installed(model_dir)


def test_the_beginning_of_another_release_is_not_used(model_dir: Path) -> None:
    begin(model_dir, ranged(ARCHIVE, before_rest=broken_off))
    source = model_dir / ".tiny.partial" / "source.json"
    source.write_text(json.dumps({**json.loads(source.read_text()), "wanted": sha256(OTHER)}))
    with PackServer({"/tiny.zip": ranged(ARCHIVE)}) as server:
        fetch(pack_for(ARCHIVE), model_dir, server.url)

    assert server.ranges == [None]


def test_a_whole_archive_that_was_not_unpacked_is_not_fetched_again(model_dir: Path) -> None:
    begin(model_dir, ranged(ARCHIVE, before_rest=broken_off))
    (model_dir / ".tiny.partial" / "archive").write_bytes(ARCHIVE)
    (model_dir / ".tiny.partial" / "pack").mkdir()
    with PackServer({}) as server:
        fetch(pack_for(ARCHIVE), model_dir, server.url)

    assert server.requests == []
    assert_installed(model_dir)


def test_what_is_kept_of_a_download_holds_no_secret(model_dir: Path) -> None:
    with PackServer({"/hush/tiny.zip?token=hush": ranged(ARCHIVE, before_rest=broken_off)}) as server:
        failure_on_the_way(
            pack_for(ARCHIVE), model_dir, f"http://hush:hush@{server.host}/hush?token=hush", ONCE
        )

    assert b"hush" not in files_in(model_dir)[".tiny.partial/source.json"]
