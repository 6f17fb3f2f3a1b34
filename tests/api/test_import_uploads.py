"""The form of POST /api/jobs/import: what is taken, and what is refused before a job begins."""

from pathlib import Path

import httpx
import pytest

from tests.api.calls import error_of
from tests.api.conftest import StartApp
from tests.imports import begin, begun, ended, list_of, photos_of, zip_of

PHOTOS = photos_of(1, 2, 3)


@pytest.mark.parametrize("bad", ["csv", "zip", "columns", "nested", "empty"])
def test_what_cannot_be_used_is_refused_at_once(api: httpx.Client, bad: str, tmp_path: Path) -> None:
    files, people = PHOTOS, list_of(1).encode()
    match bad:
        case "csv":
            people = "code,name\nS001,Löwe\n".encode("latin-1")
        case "columns":
            people = b"Code;Vorname\n1;Ada\n"
        case "empty":
            people = b""
        case "nested":
            files = {"more.zip": zip_of(PHOTOS)}
    if bad == "zip":
        sent = {"photos": ("photos.zip", b"no zip")}
        answer = api.post("/api/jobs/import", data={"person_type": "student"}, files=sent)
    else:
        answer = begin(api, files, people)
    assert error_of(answer, 422) == "VALIDATION_ERROR"
    messages = {
        "csv": "UTF-8",
        "zip": "no zip",
        "columns": "Code, Vorname",
        "nested": "another zip",
        "empty": "The list in the field csv is empty",
    }
    assert messages[bad] in answer.json()["message"]
    assert api.get("/api/jobs").json()["jobs"] == []
    assert list((tmp_path / "imports").iterdir()) == []


def test_a_form_that_is_none_is_refused(api: httpx.Client, tmp_path: Path) -> None:
    assert error_of(api.post("/api/jobs/import", json={"person_type": "student"}), 422) == "VALIDATION_ERROR"
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    for body in (b"", b"--x\r\nContent-Disposition: form-data; name=photos\r\n\r\nPK", b"--y--"):
        assert error_of(api.post("/api/jobs/import", content=body, headers=kind), 422) == "VALIDATION_ERROR"
    kind["Content-Type"] = f"multipart/form-data; boundary={'x' * 300}"
    assert error_of(api.post("/api/jobs/import", content=b"x", headers=kind), 422) == "VALIDATION_ERROR"
    twice = [("photos", (f"{name}.zip", zip_of(PHOTOS))) for name in "ab"]
    answer = api.post("/api/jobs/import", data={"person_type": "student"}, files=twice)
    assert error_of(answer, 422) == "VALIDATION_ERROR"
    assert "put all photos into one zip" in answer.json()["message"]
    without = api.post("/api/jobs/import", data={"person_type": "student"}, files={"csv": b"code,name\n"})
    assert "photos" in without.json()["message"]
    for fields in ({}, {"person_type": "parrot"}, {"person_type": "student", "mode": "merge"}):
        sent = {"photos": ("photos.zip", zip_of(PHOTOS))}
        answer = api.post("/api/jobs/import", data=fields, files=sent)
        assert error_of(answer, 422) == "VALIDATION_ERROR"
    assert not (tmp_path / "imports").exists() or list((tmp_path / "imports").iterdir()) == []


def test_an_upload_that_is_too_large_is_refused(start_app: StartApp, tmp_path: Path) -> None:
    api = start_app(max_import_mb=1)
    big = {"S001.jpg": bytes(2 * 1024 * 1024)}
    answer = begin(api, big, list_of(1))
    assert error_of(answer, 413) == "IMAGE_TOO_LARGE"
    assert "MAX_IMPORT_MB" in answer.json()["details"]["suggestion"]
    assert not (tmp_path / "imports").exists() or list((tmp_path / "imports").iterdir()) == []


def test_an_upload_may_be_larger_than_other_bodies(start_app: StartApp) -> None:
    api = start_app()
    files = {**photos_of(1), **{f"X{i}.txt": bytes(9 * 1024 * 1024) for i in range(16)}}
    answer = ended(api, begun(api, files, list_of(1)))
    assert answer["job"]["state"] == "done"
    assert answer["job"]["enrolled"] == 1
