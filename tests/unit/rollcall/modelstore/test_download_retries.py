"""A server that lies about a length, or is out of order for a moment."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from rollcall.modelstore.download import Limits, download
from tests.pack_server import ARCHIVE, Answer, PackServer, in_turn, pack_for
from tests.unit.rollcall.modelstore.downloads import (
    ONCE,
    assert_installed,
    failure,
    fetch,
    files_in,
)

# What a server says that is not so


@pytest.mark.parametrize("more", [1, 10**6])
def test_an_archive_that_is_whole_sooner_than_the_server_says_is_taken(model_dir: Path, more: int) -> None:
    with PackServer({"/tiny.zip": Answer(body=ARCHIVE, length=len(ARCHIVE) + more)}) as server:
        fetch(pack_for(ARCHIVE), model_dir, server.url, ONCE)

    assert len(server.requests) == 1
    assert_installed(model_dir)


def test_an_archive_longer_than_the_server_says_is_refused(model_dir: Path) -> None:
    with PackServer({"/tiny.zip": Answer(body=ARCHIVE, length=len(ARCHIVE) // 2)}) as server:
        message = failure(pack_for(ARCHIVE), model_dir, server.url)

    assert "SHA-256 differs" in message


# When to try again


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_server_that_is_out_of_order_for_a_moment_is_asked_again(model_dir: Path, status: int) -> None:
    answer = in_turn(Answer(status=status), Answer(status=status), Answer(body=ARCHIVE))
    with PackServer({"/tiny.zip": answer}) as server:
        fetch(pack_for(ARCHIVE), model_dir, server.url)

    assert len(server.requests) == 3
    assert_installed(model_dir)


@pytest.mark.parametrize(("status", "asked"), [(403, 1), (404, 1), (503, 3)])
def test_a_server_is_asked_again_only_where_that_may_help(model_dir: Path, status: int, asked: int) -> None:
    with PackServer({"/tiny.zip": Answer(status=status)}) as server:
        message = failure(pack_for(ARCHIVE), model_dir, server.url)

    assert len(server.requests) == asked
    assert message == f"tiny cannot be downloaded: {server.host} answers with HTTP status {status}."


@pytest.mark.parametrize(
    "asked",
    ["1", format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True), "99999"],
    ids=["seconds", "date", "too long"],
)
def test_a_server_that_asks_for_time_gets_it_up_to_a_limit(model_dir: Path, asked: str) -> None:
    answer = in_turn(Answer(status=429, headers={"Retry-After": asked}), Answer(body=ARCHIVE))
    with PackServer({"/tiny.zip": answer}) as server:
        began = time.monotonic()
        fetch(
            pack_for(ARCHIVE),
            model_dir,
            server.url,
            Limits(retry_pauses_seconds=(0,), retry_after_seconds=1),
        )
        took = time.monotonic() - began

    assert took >= 1
    assert_installed(model_dir)


@pytest.mark.parametrize(
    "asked", ["soon", "-1", "", "Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:00 -0000"]
)
def test_a_wait_that_makes_no_sense_is_not_waited_for(model_dir: Path, asked: str) -> None:
    answer = in_turn(Answer(status=503, headers={"Retry-After": asked}), Answer(body=ARCHIVE))
    with PackServer({"/tiny.zip": answer}) as server:
        fetch(pack_for(ARCHIVE), model_dir, server.url)

    assert_installed(model_dir)


def test_a_pause_between_two_tries_can_be_cancelled(model_dir: Path) -> None:
    async def cancelled(mirror: str) -> None:
        limits = Limits(retry_pauses_seconds=(3600,))
        task = asyncio.create_task(
            download(pack_for(ARCHIVE), model_dir=model_dir, mirror=mirror, limits=limits)
        )
        while not server.requests:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with PackServer({"/tiny.zip": Answer(status=503)}) as server:
        asyncio.run(cancelled(server.url))

    assert files_in(model_dir) == {}
