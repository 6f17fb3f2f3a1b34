"""Rows of the old server are recognised as they are."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from db.engine import open_database
from db.migrate import migrate
from rollcall.core.faces import FALLBACK_MODEL, Reading, ReadRequest, Subjects
from runners.legacy import LegacyEngine
from tests.packs import SHARED, needs_shared
from tests.servers import RollcallServer, wait_for

pytestmark = [pytest.mark.slow, needs_shared]

PEOPLE = SHARED / "photos" / "people"


def old_row(folder: Path, code: str, *, keep_image: bool) -> None:
    """A FaceData row as the old server wrote it: 128 numbers, and nothing in a table of ours."""
    photo = (PEOPLE / code / "1.jpg").read_bytes()
    request = ReadRequest(picture=photo, model=FALLBACK_MODEL, embed=Subjects.LARGEST)
    [reading] = LegacyEngine().read([request])
    assert isinstance(reading, Reading)
    assert reading.faces[0].embedding is not None
    numbers = json.dumps([float(number) for number in reading.faces[0].embedding])
    url = f"sqlite:///{folder}/rollcall.db"
    database = open_database(url, pool_size=1)
    migrate(database)
    database.close()
    with closing(sqlite3.connect(folder / "rollcall.db")) as connection:
        connection.execute(
            "INSERT INTO FaceData (PersonType, PersonCode, ImageData, FaceDescriptor) VALUES (?, ?, ?, ?)",
            ("student", code, photo if keep_image else None, numbers),
        )
        connection.commit()


def recognized(server: RollcallServer, code: str) -> Any:
    photo = (PEOPLE / code / "2.jpg").read_bytes()
    match = server.client.post("/api/face/recognize", files={"image": photo}).json()["match"]
    return match and match["person_code"]


def pack(**settings: str) -> dict[str, str]:
    return {
        "MODEL_DIR": str(SHARED / "models"),
        "INSIGHTFACE_MODEL": "scrfd_mbf",
        "SIMILARITY_THRESHOLD": "0.4",
        **settings,
    }


def test_a_row_without_an_image_is_matched_by_the_old_embedding(tmp_path: Path) -> None:
    old_row(tmp_path, "S001", keep_image=False)
    with RollcallServer(tmp_path, **pack()) as server:
        assert recognized(server, "S001") == "S001"
        assert recognized(server, "S003") is None
        assert server.health()["status"] == "healthy"


def test_a_row_with_an_image_gets_the_packs_embedding(tmp_path: Path) -> None:
    old_row(tmp_path, "S001", keep_image=True)
    with RollcallServer(tmp_path, **pack(MODEL_FALLBACK="none")) as server:
        wait_for(lambda: server.health().get("status") == "healthy", "the embedding")
        assert recognized(server, "S001") == "S001"
