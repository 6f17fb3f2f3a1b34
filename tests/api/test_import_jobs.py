"""POST /api/jobs/import, and what became of it."""

import io
import re
import zipfile
from pathlib import Path

import httpx
import pytest
from PIL import Image

from db.engine import open_database
from rollcall.core.api_keys import Role
from tests.api.calls import enroll, error_of, recognize
from tests.api.conftest import HeldReader, StartApp, StartHeld
from tests.audit import details, entries, verify
from tests.imports import begin, begun, code, ended, list_of, look, photos_of, rows, zip_of
from tests.keys import make_key
from tests.packs import empty_picture, picture
from tests.scrape import Difference, scrape
from tests.servers import wait_for

PHOTOS = photos_of(1, 2, 3)
NOBODY = "0" * 32


def gif() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (64, 64)).save(made, "GIF")
    return made.getvalue()


def report(api: httpx.Client, id: str) -> list[dict[str, str]]:
    answer = api.get(f"/api/jobs/{id}/report")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="import-{id}.csv"'
    return list(rows(answer.content))


def enrolled(api: httpx.Client) -> set[str]:
    return {face["person_code"] for face in api.get("/api/face/list/student").json()["faces"]}


def test_a_list_and_a_zip_become_people(api: httpx.Client, tmp_path: Path) -> None:
    answer = begin(api, PHOTOS, list_of(1, 2, 3))
    assert answer.status_code == 202
    first = answer.json()["job"]
    assert re.fullmatch("[0-9a-f]{32}", first["id"])
    assert (first["state"], first["total"], first["done"]) == ("waiting", 3, 0)
    job = ended(api, first["id"])["job"]
    assert (job["state"], job["done"], job["enrolled"], job["failed"]) == ("done", 3, 3, 0)
    assert job["ended_at"]
    assert recognize(api, 2)["match"]["person_name"] == "Name of S002"
    assert [row["outcome"] for row in report(api, job["id"])] == ["enrolled"] * 3
    wait_for(lambda: list((tmp_path / "imports").iterdir()) == [], "the upload's end")


def test_each_row_says_what_is_wrong_and_what_to_do(api: httpx.Client) -> None:
    enroll(api, "S009", 9)
    files = {
        **PHOTOS,
        "S004.jpg": b"",
        "S005.jpg": picture(5)[:100],
        "S006.jpg": empty_picture(),
        "S007.jpg": picture(7, 8),
        "S008.jpg": picture(1),
        "S009.jpg": picture(10),
        "S010.jpg": gif(),
    }
    people = list_of(1, 4, 5, 6, 7, 8, 9, 10, 11) + "S001,again\n,Nobody\nS012-too-long,Long\nS013,\n"
    files["S013.jpg"] = picture(13)
    answer = ended(api, begun(api, files, people))
    job, errors = answer["job"], answer["errors"]
    told = {(row["person_code"] or "-"): (row["outcome"], row["error_code"]) for row in errors}
    assert told == {
        "S004": ("failed", "PHOTO_EMPTY"),
        "S005": ("failed", "INVALID_IMAGE"),
        "S006": ("failed", "NO_FACE_DETECTED"),
        "S007": ("enrolled", "MULTIPLE_FACES"),
        "S008": ("enrolled", "SAME_FACE_AS"),
        "S009": ("skipped", "DUPLICATE_ENROLLMENT"),
        "S010": ("failed", "UNSUPPORTED_IMAGE_FORMAT"),
        "S011": ("failed", "PHOTO_MISSING"),
        "S001": ("duplicate", "DUPLICATE_LINE"),
        "-": ("failed", "CODE_MISSING"),
        "S012-too-long": ("failed", "PHOTO_MISSING"),
        "S013": ("failed", "NAME_MISSING"),
    }
    assert all(row["message"] and row["suggestion"] for row in errors)
    assert next(row for row in errors if row["person_code"] == "S008")["same_face_as"] == "student S001"
    assert (job["enrolled"], job["warnings"], job["skipped"], job["failed"]) == (3, 2, 1, 9)
    assert job["done"] == job["total"] == 13
    assert len(report(api, job["id"])) == 13


def test_two_people_are_refused_where_the_policy_says_so(start_app: StartApp) -> None:
    api = start_app(multiple_faces_policy="reject")
    [error] = ended(api, begun(api, {"S001.jpg": picture(1, 2)}, list_of(1)))["errors"]
    assert (error["outcome"], error["error_code"]) == ("failed", "MULTIPLE_FACES")
    assert enrolled(api) == set()


def test_without_a_list_names_are_codes(api: httpx.Client) -> None:
    files = {
        "photos/S001.jpg": picture(1),
        "photos/S002/a.jpg": picture(2),
        "photos/S002/b.jpg": picture(2, size=(800, 600)),
    }
    job = ended(api, begun(api, files))["job"]
    assert (job["total"], job["enrolled"]) == (3, 3)
    assert recognize(api, 2)["match"]["person_name"] == "S002"


def test_a_dry_run_says_the_same_and_enrols_nobody(api: httpx.Client) -> None:
    files = {**PHOTOS, "S004.jpg": picture(2), "S005.jpg": empty_picture()}
    people = list_of(1, 2, 3, 4, 5)
    dry = ended(api, begun(api, files, people, dry_run="true"))
    assert enrolled(api) == set()
    assert api.get("/api/face/list/student").json()["total_count"] == 0
    real = ended(api, begun(api, files, people))
    assert dry["errors"] == real["errors"]
    assert {"SAME_FACE_AS", "NO_FACE_DETECTED"} == {error["error_code"] for error in dry["errors"]}
    for name in ("total", "done", "enrolled", "skipped", "failed", "warnings"):
        assert dry["job"][name] == real["job"][name], name
    assert (dry["job"]["dry_run"], real["job"]["dry_run"]) == (True, False)


def test_a_form_in_which_no_list_was_chosen_has_none(api: httpx.Client) -> None:
    # As browsers send it: an empty file without a name.
    parts = [("photos", ("photos.zip", zip_of(PHOTOS))), ("csv", ("", b""))]
    answer = api.post("/api/jobs/import", data={"person_type": "student"}, files=parts)
    assert answer.status_code == 202, answer.text
    assert ended(api, answer.json()["job"]["id"])["job"]["enrolled"] == 3


def test_the_same_import_again_does_nothing(api: httpx.Client) -> None:
    for times in (1, 2):
        job = ended(api, begun(api, PHOTOS, list_of(1, 2, 3)))["job"]
        assert (job["enrolled"], job["skipped"]) == ((3, 0) if times == 1 else (0, 3))
    assert api.get("/api/face/list/student").json()["total_count"] == 3


def test_missing_photos_of_a_person_are_added_later(api: httpx.Client) -> None:
    files = {"S001/a.jpg": picture(1), "S001/b.jpg": empty_picture()}
    assert ended(api, begun(api, files, list_of(1)))["job"]["enrolled"] == 1
    files["S001/b.jpg"] = picture(1, size=(800, 600))
    job = ended(api, begun(api, files, list_of(1)))["job"]
    assert (job["enrolled"], job["skipped"]) == (1, 1)
    assert api.get("/api/face/list/student").json()["total_count"] == 2


@pytest.mark.parametrize(("mode", "faces"), [("reject", 1), ("add", 3), ("replace", 2)])
def test_what_becomes_of_people_who_have_other_faces(api: httpx.Client, mode: str, faces: int) -> None:
    old = enroll(api, "S001", 4)["embedding_id"]
    files = {"S001/a.jpg": picture(1), "S001/b.jpg": picture(1, size=(800, 600))}
    for _ in range(2):
        ended(api, begun(api, files, list_of(1), mode=mode))
        found = api.get("/api/face/list/student").json()
        assert found["total_count"] == faces
        assert (old in [face["id"] for face in found["faces"]]) == (mode != "replace")


def test_a_deleted_face_may_be_imported_again(api: httpx.Client) -> None:
    ended(api, begun(api, PHOTOS, list_of(1, 2, 3)))
    api.request("DELETE", "/api/face/delete", json={"person_type": "student", "person_code": "S002"})
    job = ended(api, begun(api, PHOTOS, list_of(1, 2, 3)))["job"]
    assert (job["enrolled"], job["skipped"]) == (1, 2)


def test_an_unknown_person_is_refused_where_the_policy_says_so(start_app: StartApp) -> None:
    api = start_app(unknown_person_policy="reject")
    [error] = ended(api, begun(api, photos_of(1), list_of(1)))["errors"]
    assert error["error_code"] == "PERSON_NOT_FOUND"


def test_the_newest_job_is_listed_first(api: httpx.Client) -> None:
    ids = [begun(api, photos_of(person), list_of(person)) for person in (1, 2)]
    assert [job["id"] for job in api.get("/api/jobs").json()["jobs"]] == ids[::-1]
    assert all(ended(api, id)["job"]["state"] == "done" for id in ids)


def test_a_job_is_cancelled_within_seconds_and_what_is_enrolled_stays(
    start_held: StartHeld, held: HeldReader
) -> None:
    api, _ = start_held()
    ended(api, begun(api, photos_of(40), list_of(40)))
    held.held = True
    id = begun(api, photos_of(*range(1, 31)), list_of(*range(1, 31)))
    second = begun(api, photos_of(50), list_of(50))
    wait_for(lambda: look(api, id)["job"]["state"] == "running", "the job's begin")
    assert look(api, second)["job"]["state"] == "waiting"
    answer = api.delete(f"/api/jobs/{id}").json()
    assert (answer["success"], answer["job"]["state"]) == (True, "cancelled")
    assert "stays" in answer["message"]
    wait_for(lambda: held.cancelled > 0, "the end of the reading", 10)
    held.held = False
    assert ended(api, second)["job"]["state"] == "done"
    assert enrolled(api) == {code(40), code(50)}
    again = api.delete(f"/api/jobs/{id}").json()
    assert (again["message"], again["job"]["state"]) == ("The import had ended already.", "cancelled")


def test_a_waiting_job_can_be_cancelled(start_held: StartHeld, held: HeldReader, tmp_path: Path) -> None:
    api, _ = start_held()
    held.held = True
    first, second = (begun(api, photos_of(person), list_of(person)) for person in (1, 2))
    wait_for(lambda: look(api, first)["job"]["state"] == "running", "the job's begin")
    assert len(list((tmp_path / "imports").iterdir())) == 2
    api.delete(f"/api/jobs/{second}")
    # Not only when its turn comes.
    assert [upload.name for upload in (tmp_path / "imports").iterdir()] == [first]
    held.held = False
    assert ended(api, first)["job"]["state"] == "done"
    assert look(api, second)["job"]["state"] == "cancelled"
    wait_for(lambda: list((tmp_path / "imports").iterdir()) == [], "the uploads' end")
    assert enrolled(api) == {code(1)}


def test_a_job_says_how_far_it_is(api: httpx.Client) -> None:
    people = range(1, 60)
    id = begun(api, photos_of(*people), list_of(*people))
    seen = [look(api, id)["job"]]
    while seen[-1]["state"] in ("waiting", "running"):
        seen.append(look(api, id)["job"])
    assert [job["done"] for job in seen] == sorted(job["done"] for job in seen)
    assert all(job["done"] == job["enrolled"] + job["skipped"] + job["failed"] for job in seen)
    last = seen[-1]
    assert (last["done"], last["total"], last["seconds_left"]) == (59, 59, None)
    assert last["faces_per_second"] > 0


def test_unknown_jobs_are_told(api: httpx.Client) -> None:
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/report")):
        answer = api.request(method, f"/api/jobs/{NOBODY}{path}")
        assert error_of(answer, 404) == "NOT_FOUND"
    assert error_of(api.get("/api/jobs/../etc"), 404) == "NOT_FOUND"
    assert error_of(api.get("/api/jobs/7"), 422) == "VALIDATION_ERROR"


def test_only_an_admin_may(start_app: StartApp) -> None:
    admin, kiosk = make_key("admin"), make_key("kiosk", Role.KIOSK)
    api = start_app(api_keys=f"{admin.entry},{kiosk.entry}")
    asked = (("GET", ""), ("POST", "/import"), ("GET", f"/{NOBODY}"), ("DELETE", f"/{NOBODY}"))
    for method, path in asked:
        answer = api.request(method, f"/api/jobs{path}", headers=kiosk.headers)
        assert error_of(answer, 403) == "FORBIDDEN"
        assert error_of(api.request(method, f"/api/jobs{path}"), 401) == "UNAUTHORIZED"
    assert api.get("/api/jobs", headers=admin.headers).status_code == 200


def test_the_audit_names_who_asked_for_each_face(start_app: StartApp, tmp_path: Path) -> None:
    admin = make_key("office")
    api = start_app(api_keys=admin.entry)
    api.headers.update({**admin.headers, "X-Request-ID": "the-import"})
    ended(api, begun(api, {**photos_of(1, 2), "S003.jpg": empty_picture()}, list_of(1, 2, 3)))
    ended(api, begun(api, photos_of(5), list_of(5), dry_run="true"))
    database = open_database(f"sqlite:///{tmp_path}/rollcall.db", pool_size=1)
    found = entries(database)
    assert [entry.action for entry in found] == ["import_begun", "enrolled", "enrolled"]
    assert {entry.actor for entry in found} == {"office"}
    assert {entry.request_id for entry in found} == {"the-import"}
    assert details(found[0]) == {"person_type": "student", "mode": "reject", "rows": 3}
    assert verify(database).fault is None
    database.close()


def test_the_audit_names_who_cancelled_an_import(
    start_held: StartHeld, held: HeldReader, tmp_path: Path
) -> None:
    api, _ = start_held()
    held.held = True
    for dry_run in ("true", "false"):
        id = begun(api, photos_of(1, 2), list_of(1, 2), dry_run=dry_run)
        for _ in range(2):
            api.delete(f"/api/jobs/{id}", headers={"X-Request-ID": "the-end"})
    database = open_database(f"sqlite:///{tmp_path}/rollcall.db", pool_size=1)
    found = entries(database)
    assert [entry.action for entry in found] == ["import_begun", "import_cancelled"]
    assert found[1].request_id == "the-end"
    assert details(found[1]) == {"person_type": "student", "rows": 2, "done": 0}
    database.close()


def test_rows_are_counted_in_the_metrics(api: httpx.Client) -> None:
    grown = Difference(api)
    ended(api, begun(api, {**photos_of(1, 2), "S003.jpg": empty_picture()}, list_of(1, 2, 3)))
    assert grown.value("rollcall_import_rows_total", outcome="enrolled") == 2
    assert grown.value("rollcall_import_rows_total", outcome="failed") == 1
    assert scrape(api).value("rollcall_jobs_running", kind="import") == 0


def test_zips_of_every_kind_of_compression_are_read(api: httpx.Client, tmp_path: Path) -> None:
    file = tmp_path / "deflated.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in PHOTOS.items():
            made.writestr(name, content)
    answer = api.post(
        "/api/jobs/import", data={"person_type": "student"}, files={"photos": file.read_bytes()}
    )
    assert ended(api, answer.json()["job"]["id"])["job"]["enrolled"] == 3
