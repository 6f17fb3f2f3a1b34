import httpx
import pytest

from tests.api.calls import base64_of, enroll, error_of, recognize
from tests.packs import empty_picture, picture


@pytest.fixture
def school(api: httpx.Client) -> httpx.Client:
    """Students S001 to S003 are the synthetic people 1 to 3, teacher T001 is 4."""
    for number in (1, 2, 3):
        enroll(api, f"S00{number}", number)
    enroll(api, "T001", 4, kind="teacher")
    return api


def test_a_stranger_is_nobody(school: httpx.Client) -> None:
    found = recognize(school, 9)
    assert found["success"] is True
    assert found["match"] is None
    assert found["processing_time_ms"] >= 0


def test_the_request_can_set_its_own_threshold(school: httpx.Client) -> None:
    assert recognize(school, 9, similarity_threshold=0)["match"] is not None
    assert recognize(school, 9, similarity_threshold=0.9)["match"] is None


def test_candidates_come_with_top_k_the_likest_first(school: httpx.Client) -> None:
    found = recognize(school, 2, top_k=3)
    scores = [candidate["similarity_score"] for candidate in found["candidates"]]
    assert found["candidates"][0] == found["match"]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)
    assert recognize(school, 2)["candidates"] is None


def test_a_person_with_several_faces_is_one_candidate(school: httpx.Client) -> None:
    enroll(school, "S001", 1, mode="add")
    codes = [candidate["person_code"] for candidate in recognize(school, 1, top_k=10)["candidates"]]
    assert sorted(codes) == ["S001", "S002", "S003", "T001"]


def test_several_faces_are_warned_of(school: httpx.Client) -> None:
    assert recognize(school, 1, 2)["warnings"] == ["MULTIPLE_FACES"]


def test_no_face_is_an_error_for_recognize(school: httpx.Client) -> None:
    answer = school.post("/api/face/recognize", files={"image": empty_picture()})
    assert error_of(answer, 422) == "NO_FACE_DETECTED"


def test_every_face_of_a_picture_is_named(school: httpx.Client) -> None:
    answer = school.post("/api/face/recognize-all", files={"image": picture(3, 9, 1)}).json()
    names = [face["match"] and face["match"]["person_code"] for face in answer["faces"]]
    assert sorted(map(str, names)) == ["None", "S001", "S003"]
    areas = [face["box"]["width"] * face["box"]["height"] for face in answer["faces"]]
    assert areas == sorted(areas, reverse=True)


def test_a_person_is_named_at_most_once(school: httpx.Client) -> None:
    answer = school.post("/api/face/recognize-all", files={"image": picture(1, 1)}).json()
    names = [face["match"] and face["match"]["person_code"] for face in answer["faces"]]
    assert sorted(map(str, names)) == ["None", "S001"]


def test_a_picture_without_faces_has_no_faces(school: httpx.Client) -> None:
    for path in ("/api/face/recognize-all", "/api/face/detect"):
        answer = school.post(path, files={"image": empty_picture()})
        assert answer.status_code == 200
        assert answer.json()["faces"] == []


def test_detected_faces_have_boxes_scores_and_landmarks(school: httpx.Client) -> None:
    [left, right] = sorted(
        school.post("/api/face/detect", files={"image": picture(5, 6)}).json()["faces"],
        key=lambda face: face["box"]["x"],
    )
    assert left["box"]["x"] + left["box"]["width"] <= right["box"]["x"] + 20
    for face in (left, right):
        assert face["score"] > 0.7
        assert len(face["landmarks"]) == 5


def test_two_pictures_of_one_person_verify(school: httpx.Client) -> None:
    body = {"image1_base64": base64_of(picture(7)), "image2_base64": base64_of(picture(7, 8))}
    answer = school.post("/api/face/verify", json=body).json()
    assert answer["verified"] is True
    assert answer["threshold"] == 0.6
    assert answer["warnings"] == ["MULTIPLE_FACES"]


def test_two_pictures_of_two_people_do_not_verify(school: httpx.Client) -> None:
    files = {"image1": picture(7), "image2": picture(8)}
    answer = school.post("/api/face/verify", files=files).json()
    assert answer["verified"] is False
    assert answer["confidence"] < 0.5


def test_a_picture_is_verified_against_an_enrolled_person(school: httpx.Client) -> None:
    fields = {"person_type": "student", "person_code": "s002 "}
    for person, expected in ((2, True), (3, False)):
        answer = school.post("/api/face/verify", data=fields, files={"image": picture(person)})
        assert answer.json()["verified"] is expected


def test_nobody_can_be_verified_against_an_unknown_person(school: httpx.Client) -> None:
    fields = {"person_type": "student", "person_code": "S999"}
    answer = school.post("/api/face/verify", data=fields, files={"image": picture(1)})
    assert error_of(answer, 404) == "PERSON_NOT_FOUND"


@pytest.mark.parametrize(
    "given", [("image1",), ("image",), ("image", "image1"), ("image1", "image2", "code")]
)
def test_verify_wants_two_pictures_or_a_picture_and_a_person(
    school: httpx.Client, given: tuple[str, ...]
) -> None:
    names = {"image": "image_base64", "image1": "image1_base64", "image2": "image2_base64"}
    body = {names.get(name, "person_code"): base64_of(picture(1)) for name in given}
    assert error_of(school.post("/api/face/verify", json=body), 422) == "VALIDATION_ERROR"


def test_a_good_picture_is_suited_for_enrolment(school: httpx.Client) -> None:
    quality = school.post("/api/face/quality-check", files={"image": picture(1)}).json()["quality"]
    assert quality["face_detected"] is True
    assert quality["face_count"] == 1
    assert quality["face_size"] == "adequate"
    assert 0 <= quality["score"] <= 1


def test_no_face_is_an_answer_of_the_quality_check(school: httpx.Client) -> None:
    quality = school.post("/api/face/quality-check", files={"image": empty_picture()}).json()["quality"]
    assert quality["face_detected"] is False
    assert quality["face_count"] == 0
    assert quality["score"] == 0
    assert quality["recommendation"] != "suitable_for_enrollment"
