"""`rollcall models download`, `verify` and `remove`."""

import asyncio
import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from pydantic import SecretStr

from db.engine import open_database
from db.migrate import migrate
from rollcall.cli.__main__ import parser
from rollcall.cli.model_files import download_shown
from rollcall.core.errors import InvalidRequest
from rollcall.core.settings import Settings
from tests.pack_server import ARCHIVE, DETECTOR, RECOGNISER, Answer, PackServer, pack_for, sha256
from tests.servers import ROOT, clean_environment
from tests.unit.rollcall.modelstore.downloads import assert_installed, files_in

LIMIT_SECONDS = 120


@pytest.fixture
def model_dir(tmp_path: Path) -> Path:
    return tmp_path / "models"


def settings(model_dir: Path, mirror: str | None = None) -> Settings:
    database = SecretStr(f"sqlite:///{model_dir.parent}/rollcall.db")
    return Settings(model_dir=model_dir, model_mirror_url=mirror, database_url=database)


def run(arguments: Sequence[str], settings: Settings) -> int:
    """`rollcall models ...`"""
    options = parser().parse_args(["models", *arguments])
    status: int = asyncio.run(options.run(options, settings))
    return status


@pytest.fixture
def empty_database(tmp_path: Path) -> None:
    """Asked whether a model is in use."""
    database = open_database(f"sqlite:///{tmp_path}/rollcall.db", pool_size=1)
    migrate(database)
    database.close()


def put(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "det.onnx").write_bytes(DETECTOR)
    (folder / "rec.onnx").write_bytes(RECOGNISER)
    return folder


def lines(name: str, origin: str) -> str:
    found = {"det.onnx": sha256(DETECTOR), "rec.onnx": sha256(RECOGNISER)}
    return "".join(f"{name}  {origin}  {digest}  {file}\n" for file, digest in found.items())


# download


def test_a_downloaded_pack_is_there_and_its_licence_is_told(
    model_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with PackServer({"/tiny.zip": Answer(body=ARCHIVE)}) as server:
        assert asyncio.run(download_shown(pack_for(ARCHIVE), settings(model_dir, server.url))) == 0

    assert_installed(model_dir)
    said = capsys.readouterr()
    assert said.out == "tiny is in MODEL_DIR. Its licence: non-commercial research only.\n"
    assert said.err == ""


def test_a_pack_that_is_there_is_not_downloaded(model_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(model_dir / "buffalo_l")

    assert run(["download", "buffalo_l"], settings(model_dir, "http://127.0.0.1:9")) == 0
    assert capsys.readouterr().out == "buffalo_l is in MODEL_DIR already.\n"


def test_a_download_that_fails_says_why(model_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with PackServer({}) as server:
        assert run(["download", "buffalo_l"], settings(model_dir, server.url)) == 1

    assert capsys.readouterr().err == (
        f"buffalo_l cannot be downloaded: {server.host} answers with HTTP status 404.\n"
    )
    assert files_in(model_dir) == {}


@pytest.mark.parametrize("name", ["buffalo_xl", "../buffalo_l", ""])
def test_only_official_packs_can_be_downloaded(model_dir: Path, name: str) -> None:
    with pytest.raises(InvalidRequest, match="there are buffalo_l, buffalo_m, buffalo_sc, antelopev2"):
        run(["download", name], settings(model_dir))


def test_a_terminal_shows_how_far_a_download_has_come(model_dir: Path) -> None:
    ours, theirs = pty.openpty()
    with PackServer({"/buffalo_l.zip": Answer(body=ARCHIVE)}) as server:
        ended = subprocess.run(
            [sys.executable, "-m", "rollcall.cli", "models", "download", "buffalo_l"],
            cwd=ROOT,
            env={
                **clean_environment({"MODEL_DIR": str(model_dir), "MODEL_MIRROR_URL": server.url}),
                "TERM": "xterm",
            },
            stderr=theirs,
            timeout=LIMIT_SECONDS,
            check=False,
        )
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # what Linux says at a terminal's end
        while read := os.read(ours, 65536):
            shown += read
    os.close(ours)

    assert ended.returncode == 1
    assert "━" in shown.decode()
    assert b"100%" in shown
    assert b"SHA-256 differs" in shown


# verify


def test_packs_are_listed_with_their_origin_and_the_bytes_of_each_file(
    model_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(model_dir / "b")
    put(model_dir / "a" / "a")

    assert run(["verify"], settings(model_dir)) == 0
    assert run(["verify", "b"], settings(model_dir)) == 0

    assert capsys.readouterr().out == lines("a", "unknown") + lines("b", "unknown") * 2


def test_a_pack_with_an_official_name_and_other_files_fails(
    model_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(model_dir / "buffalo_m")

    assert run(["verify"], settings(model_dir)) == 1

    said = capsys.readouterr()
    assert said.out == lines("buffalo_m", "altered")
    assert said.err == (
        "buffalo_m does not have the official files of this name; `rollcall models remove buffalo_m`, then "
        "`rollcall models download buffalo_m` brings them.\n"
    )


def test_a_file_that_has_changed_fails(model_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(model_dir / "mine")
    assert run(["verify"], settings(model_dir)) == 0
    (model_dir / "mine" / "rec.onnx").write_bytes(b"other")

    assert run(["verify"], settings(model_dir)) == 1

    assert "mine: rec.onnx has other bytes than when it was first read" in capsys.readouterr().err


def test_a_file_that_cannot_be_read_fails(model_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(model_dir / "mine")
    (model_dir / "mine" / "two.onnx").symlink_to("/proc/self/mem")

    assert run(["verify"], settings(model_dir)) == 1

    said = capsys.readouterr()
    assert said.out == lines("mine", "unknown")
    assert said.err == "mine: two.onnx cannot be read.\n"


def test_a_pack_that_is_not_there_fails(model_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "mine"], settings(model_dir)) == 1
    assert capsys.readouterr().err == "There is no model pack mine in MODEL_DIR.\n"


def test_a_folder_without_packs_is_said_to_be_empty(
    model_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["verify"], settings(model_dir)) == 0
    assert capsys.readouterr().out == "There is no model pack in MODEL_DIR.\n"


# remove


@pytest.mark.usefixtures("empty_database")
def test_a_removed_pack_is_gone(model_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(model_dir / "mine")

    assert run(["remove", "mine"], settings(model_dir)) == 0

    assert capsys.readouterr().out == "mine is removed.\n"
    assert files_in(model_dir) == {}


@pytest.mark.usefixtures("empty_database")
def test_a_pack_that_is_not_there_cannot_be_removed(model_dir: Path) -> None:
    with pytest.raises(InvalidRequest, match="There is no model pack mine"):
        run(["remove", "mine"], settings(model_dir))


def test_without_a_database_nothing_is_removed(model_dir: Path) -> None:
    put(model_dir / "mine")
    with pytest.raises(InvalidRequest, match="Whether mine is in use cannot be told"):
        run(["remove", "mine"], settings(model_dir))
    assert (model_dir / "mine").is_dir()


@pytest.mark.parametrize("setting", ["ab_model", "shadow_model"])
@pytest.mark.usefixtures("empty_database")
def test_a_model_that_was_switched_from_but_is_still_asked_is_not_removed(
    model_dir: Path, setting: str
) -> None:
    put(model_dir / "mine")
    database = open_database(f"sqlite:///{model_dir.parent}/rollcall.db", pool_size=1)
    with database.transaction() as records:
        records.settings.put("insightface_model", "other")
    database.close()
    asked = Settings(**{**settings(model_dir).model_dump(), "insightface_model": "mine", setting: "mine"})

    with pytest.raises(InvalidRequest, match=f"it is {setting.upper()}"):
        run(["remove", "mine"], asked)

    assert (model_dir / "mine").is_dir()


def test_what_is_built_in_cannot_be_removed(model_dir: Path) -> None:
    with pytest.raises(InvalidRequest, match="built in; there is nothing to remove"):
        run(["remove", "face_recognition"], settings(model_dir))
