import httpx
import pytest

from tests.api.calls import base64_of, enroll, enrollment, error_of, recognize
from tests.api.conftest import StartApp
from tests.packs import empty_picture, picture


def test_an_enrolled_person_is_recognised(api: httpx.Client) -> None:
    made = enroll(api, "S001", 1)
    assert made["success"] is True
    assert made["person_code"] == "S001"
    assert made["warnings"] == []
    assert isinstance(made["embedding_id"], int)
    match = recognize(api, 1)["match"]
    assert (match["person_type"], match["person_code"], match["person_name"]) == (
        "student",
        "S001",
        "Name of S001",
    )
    assert match["similarity_score"] > 0.8
    assert 0.9 < match["confidence"] <= 1


def test_a_picture_may_come_as_a_form_file(api: httpx.Client) -> None:
    fields = {"person_type": "teacher", "person_code": "T001", "person_name": "Name", "original_name": ""}
    answer = api.post("/api/face/enroll", data=fields, files={"image": picture(1)})
    assert answer.status_code == 200, answer.text
    found = api.post("/api/face/recognize", data={"top_k": "2"}, files={"image": picture(1)}).json()
    assert found["match"]["person_code"] == "T001"
    assert len(found["candidates"]) == 1


@pytest.mark.parametrize("prefix", ["data:image/jpeg;base64,", "data:image/png;name=a.png;base64,", ""])
def test_a_picture_may_come_as_base64_or_a_data_url(api: httpx.Client, prefix: str) -> None:
    body = enrollment("S001", 1)
    body["image_base64"] = prefix + body["image_base64"]
    assert api.post("/api/face/enroll", json=body).status_code == 200


def test_base64_may_be_broken_into_lines(api: httpx.Client) -> None:
    body = enrollment("S001", 1)
    text = body["image_base64"]
    body["image_base64"] = "\r\n".join(text[i : i + 76] for i in range(0, len(text), 76))
    assert api.post("/api/face/enroll", json=body).status_code == 200


def test_a_second_face_of_a_person_is_refused_by_default(api: httpx.Client) -> None:
    enroll(api, "S001", 1)
    answer = api.post("/api/face/enroll", json=enrollment("s001 ", 2))
    assert error_of(answer, 409) == "DUPLICATE_ENROLLMENT"
    assert recognize(api, 2)["match"] is None


def test_mode_add_keeps_both_faces(api: httpx.Client) -> None:
    enroll(api, "S001", 1)
    enroll(api, "S001", 2, mode="add")
    assert [recognize(api, person)["match"]["person_code"] for person in (1, 2)] == ["S001", "S001"]


def test_mode_replace_forgets_the_old_faces(api: httpx.Client) -> None:
    enroll(api, "S001", 1)
    enroll(api, "S001", 2, mode="replace")
    assert recognize(api, 1)["match"] is None
    assert recognize(api, 2)["match"]["person_code"] == "S001"


def test_the_name_of_an_existing_person_stays(api: httpx.Client) -> None:
    enroll(api, "S001", 1)
    enroll(api, "S001", 2, mode="add", person_name="Somebody else")
    assert recognize(api, 2)["match"]["person_name"] == "Name of S001"


def test_a_student_and_a_teacher_may_have_the_same_code(api: httpx.Client) -> None:
    enroll(api, "X1", 1)
    enroll(api, "X1", 2, kind="teacher")
    assert recognize(api, 2)["match"]["person_type"] == "teacher"
    assert recognize(api, 2, person_type="student")["match"] is None


def test_the_largest_face_wins_and_a_warning_says_so(api: httpx.Client) -> None:
    assert enroll(api, "S001", 1, 2)["warnings"] == ["MULTIPLE_FACES"]


def test_several_faces_can_be_made_an_error(start_app: StartApp) -> None:
    api = start_app(multiple_faces_policy="reject")
    assert error_of(api.post("/api/face/enroll", json=enrollment("S001", 1, 2)), 422) == "MULTIPLE_FACES"
    answer = api.post("/api/face/recognize", files={"image": picture(1, 2)})
    assert error_of(answer, 422) == "MULTIPLE_FACES"


def test_unknown_people_can_be_refused(start_app: StartApp) -> None:
    api = start_app(unknown_person_policy="reject")
    assert error_of(api.post("/api/face/enroll", json=enrollment("S001", 1)), 404) == "PERSON_NOT_FOUND"
    assert api.get("/api/face/list/all").json()["total_count"] == 0


def test_a_picture_without_a_face_enrols_nobody(api: httpx.Client) -> None:
    body = enrollment("S001") | {"image_base64": base64_of(empty_picture())}
    assert error_of(api.post("/api/face/enroll", json=body), 422) == "NO_FACE_DETECTED"
    assert api.get("/api/face/list/all").json()["total_count"] == 0


def test_a_face_of_low_quality_is_refused_with_its_reasons(start_app: StartApp) -> None:
    api = start_app(enable_face_quality_check=True)
    body = enrollment("S001") | {"image_base64": base64_of(picture(1, size=(120, 90)))}
    answer = api.post("/api/face/enroll", json=body)
    assert error_of(answer, 422) == "LOW_QUALITY_IMAGE"
    assert answer.json()["details"]["reasons"]
    assert api.get("/api/face/list/all").json()["total_count"] == 0


def test_the_old_servers_register_enrols(api: httpx.Client) -> None:
    assert api.post("/api/face/register", json=enrollment("S001", 1)).status_code == 200
    assert recognize(api, 1)["match"]["person_code"] == "S001"


def test_one_bad_item_of_a_batch_fails_alone(api: httpx.Client) -> None:
    bad_picture = enrollment("S002", 2) | {"image_base64": "%%%"}
    no_name = {"person_type": "student", "person_code": "S003", "image_base64": base64_of(picture(3))}
    no_face = enrollment("S006") | {"image_base64": base64_of(empty_picture())}
    items = [
        enrollment("S001", 1),
        bad_picture,
        no_name,
        "not an object",
        enrollment("S001", 4),
        no_face,
        enrollment("S007", 7),
    ]
    body = api.post("/api/face/batch-enroll", json={"enrollments": items}).json()
    assert [item.get("error_code") for item in body["results"]] == [
        None,
        "INVALID_IMAGE",
        "VALIDATION_ERROR",
        "VALIDATION_ERROR",
        "DUPLICATE_ENROLLMENT",
        "NO_FACE_DETECTED",
        None,
    ]
    assert [item["person_code"] for item in body["results"]] == [
        "S001",
        "S002",
        "S003",
        None,
        "S001",
        "S006",
        "S007",
    ]
    assert body["summary"] == {"total": 7, "successful": 2, "failed": 5}
    assert recognize(api, 1)["match"]["person_code"] == "S001"


def test_an_empty_batch_is_no_error(api: httpx.Client) -> None:
    body = api.post("/api/face/batch-enroll", json={"enrollments": []}).json()
    assert body["summary"] == {"total": 0, "successful": 0, "failed": 0}


def test_unknown_fields_are_ignored(api: httpx.Client) -> None:
    assert api.post("/api/face/enroll", json=enrollment("S001", 1, colour="red")).status_code == 200
