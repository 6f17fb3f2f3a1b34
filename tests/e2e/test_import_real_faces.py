"""Real photographs through a list, and the people recognised afterwards."""

import json
from pathlib import Path

import pytest

from tests.e2e.test_real_faces import REAL_PACK, people, photos_of, recognized
from tests.imports import begun, ended
from tests.packs import needs_shared
from tests.servers import RollcallServer

pytestmark = [pytest.mark.slow, needs_shared]


def test_people_of_a_list_are_recognised_and_mistakes_are_told(tmp_path: Path) -> None:
    """One photo of each is imported; a second one is put under another person's code."""
    students = [found for found in people() if found.startswith("S")]
    files = {
        f"photos/{found}{photos_of(found)[0].suffix}": photos_of(found)[0].read_bytes() for found in students
    }
    files["photos/X001.jpg"] = photos_of(students[0])[1].read_bytes()
    lines = "".join(f"{found};Name of {found}\n" for found in (*students, "X001"))
    settings = {**REAL_PACK, "SIMILARITY_THRESHOLD": "0.4", "IMPORT_DIR": str(tmp_path / "imports")}
    with RollcallServer(tmp_path, **settings) as server:
        answer = ended(server.client, begun(server.client, files, f"code;name\n{lines}"))
        assert answer["job"]["enrolled"] == len(students) + 1, json.dumps(answer["errors"])
        [wrong] = [row for row in answer["errors"] if "SAME_FACE_AS" in (row["error_code"] or "")]
        assert (wrong["person_code"], wrong["same_face_as"]) == ("X001", f"student {students[0]}")
        server.client.request(
            "DELETE", "/api/face/delete", json={"person_type": "student", "person_code": "X001"}
        )
        for found in students:
            for photo in photos_of(found)[1:]:
                assert recognized(server.client, photo) == found, photo.name
