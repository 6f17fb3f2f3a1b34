"""Settings that all replicas share, and how servers hear of them."""

import argparse
import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr

from db.engine import SqlDatabase
from rollcall.cli.__main__ import parser
from rollcall.cli.settings import lines
from rollcall.core.errors import DatabaseError, InvalidRequest
from rollcall.core.records import SHARED
from rollcall.core.settings import Settings
from rollcall.core.shared_settings import SharedSettings, valid_shared
from rollcall.gallery.gallery import FaceGallery


def share(database: SqlDatabase, name: str, value: str) -> None:
    with database.transaction() as records:
        records.settings.put(name, value)


def shared(database: SqlDatabase) -> SharedSettings:
    with database.transaction() as records:
        return records.settings.all()


def test_nothing_is_shared_at_first(database: SqlDatabase) -> None:
    assert shared(database) == SharedSettings()


def test_a_value_is_shared_until_it_is_removed(database: SqlDatabase) -> None:
    share(database, "similarity_threshold", "0.5")
    share(database, "similarity_threshold", "auto")
    share(database, "log_retention_days", "30")
    assert shared(database) == SharedSettings(similarity_threshold="auto", log_retention_days=30)
    with database.transaction() as records:
        assert records.settings.remove("similarity_threshold")
        assert not records.settings.remove("similarity_threshold")
    assert shared(database) == SharedSettings(log_retention_days=30)


def test_sharing_and_removing_are_noted_in_the_change_table(database: SqlDatabase) -> None:
    with database.transaction() as records:
        before = records.changes.latest()
    share(database, "log_retention_days", "30")
    with database.transaction() as records:
        news = records.changes.after(before)
        # After an empty log all is new.
        assert news.changed is None or SHARED in news.changed
        records.settings.remove("log_retention_days")
        assert records.changes.after(news.position).changed == frozenset({SHARED})


def test_the_gallery_takes_shared_settings_into_use_by_its_next_refresh(database: SqlDatabase) -> None:
    gallery = FaceGallery(database, limit=60)
    gallery.follow()
    assert gallery.shared == SharedSettings()
    share(database, "similarity_threshold", "0.5")
    gallery.follow()
    assert gallery.shared == SharedSettings(similarity_threshold=0.5)


def test_many_may_share_at_once(database: SqlDatabase) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: share(database, "log_retention_days", str(n + 1)), range(8)))
    assert shared(database).log_retention_days in range(1, 9)


def test_what_another_version_or_hand_has_stored_is_told_and_left_out(
    database: SqlDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    share(database, "similarity_threshold", "high")
    share(database, "log_retention_days", "7")
    share(database, "of_a_newer_version", "x")
    assert shared(database) == SharedSettings(log_retention_days=7)
    assert "SIMILARITY_THRESHOLD" in caplog.text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("similarity_threshold", "1.1"),
        ("similarity_threshold", "nan"),
        ("log_retention_days", "0"),
        ("log_retention_days", "1.5"),
        ("log_retention_days", "for ever"),
        ("port", "80"),
    ],
)
def test_a_wrong_value_or_name_is_refused(name: str, value: str) -> None:
    with pytest.raises(InvalidRequest):
        valid_shared(name, value)


def test_the_list_says_where_each_value_comes_from() -> None:
    settings = Settings(_env_file=None, log_retention_days=30)
    words = [line.split() for line in lines(SharedSettings(), settings)]
    assert words == [["similarity_threshold", "0.6", "default"], ["log_retention_days", "30", "environment"]]
    words = [line.split() for line in lines(SharedSettings(similarity_threshold=0.0), settings)]
    assert words[0] == ["similarity_threshold", "0.0", "shared"]


@pytest.mark.parametrize("command", ["list", "set log_retention_days 30", "unset log_retention_days"])
def test_in_a_wrong_folder_no_database_is_made(tmp_path: Path, command: str) -> None:
    file = tmp_path / "data" / "rollcall.db"
    settings = Settings(_env_file=None, database_url=SecretStr(f"sqlite:///{file}"))
    options = parser().parse_args(["settings", *command.split()])
    with pytest.raises(DatabaseError, match="There is no database"):
        asyncio.run(options.run(options, settings))
    assert not file.parent.exists()


@pytest.mark.usefixtures("database")
def test_the_command_line_sets_lists_and_unsets(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(_env_file=None, database_url=SecretStr(database_url))
    for command in ("set SIMILARITY_THRESHOLD 0.25", "list", "unset similarity_threshold", "list"):
        options: argparse.Namespace = parser().parse_args(["settings", *command.split()])
        assert asyncio.run(options.run(options, settings)) == 0
    told = [line.split() for line in capsys.readouterr().out.splitlines()]
    sources = [words[1:] for words in told if words[0] == "similarity_threshold" and len(words) == 3]
    assert sources == [["0.25", "shared"], ["0.6", "default"]]
