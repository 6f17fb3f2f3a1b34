"""A load test judges what answers say, not only their status."""

import json
from typing import Any

import pytest

from bench import answers
from bench.answers import Answer
from bench.visitors import Visitor

ADA = Visitor(mark="LAAAAA", pictures=())
GRACE = Visitor(mark="LBBBBB", pictures=())


def answer(status: int = 200, **body: Any) -> Answer:
    return Answer.of(status, json.dumps(body).encode())


def match(visitor: Visitor) -> Answer:
    return answer(match={"person_code": visitor.code})


def marked(*visitors: Visitor) -> Answer:
    return answer(marked=[{"student_code": visitor.code} for visitor in visitors])


def test_the_right_person_is_right() -> None:
    assert answers.recognized(match(ADA), ADA) is None
    assert answers.scanned(marked(ADA), ADA) is None


def test_a_double_has_the_same_face_and_is_right() -> None:
    assert answers.recognized(answer(match={"person_code": ADA.double(17)}), ADA) is None


def test_a_200_with_somebody_else_is_wrong() -> None:
    assert answers.recognized(match(GRACE), ADA) == "named somebody else"
    assert answers.scanned(marked(GRACE), ADA) == "named somebody else"
    assert answers.scanned(marked(ADA, GRACE), ADA) == "named somebody else"


def test_a_200_with_nobody_is_wrong_for_an_enrolled_picture() -> None:
    assert answers.recognized(answer(match=None), ADA) == "named nobody"
    assert answers.scanned(marked(), ADA) == "named nobody"


def test_an_empty_picture_may_be_refused_or_named_after_nobody() -> None:
    assert answers.empty(answer(422, error_code="NO_FACE_DETECTED")) is None
    assert answers.empty(answer(match=None)) is None
    assert answers.empty(marked()) is None


def test_somebody_in_an_empty_picture_is_wrong() -> None:
    assert answers.empty(match(ADA)) == "named somebody in an empty picture"
    assert answers.empty(marked(ADA)) == "named somebody in an empty picture"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (answer(503, error_code="OVERLOADED"), "503 OVERLOADED"),
        (answer(422, error_code="NO_FACE_DETECTED"), "422 NO_FACE_DETECTED"),
        (Answer.of(502, b"<html>"), "502"),
        (Answer.of(0, None), "no answer"),
    ],
)
def test_anything_but_a_200_is_an_error(given: Answer, said: str) -> None:
    for judged in (
        answers.refused(given),
        answers.recognized(given, ADA),
        answers.scanned(given, ADA),
        answers.verified(given),
        answers.one_face(given),
        answers.listed(given, 50),
    ):
        assert judged == said


def test_a_body_that_is_no_object_is_wrong() -> None:
    assert answers.recognized(Answer.of(200, b"[1]"), ADA) == "named nobody"
    assert answers.verified(Answer.of(200, b"true")) == "not verified"


def test_a_teacher_who_is_not_verified_is_an_error() -> None:
    assert answers.verified(answer(verified=False)) == "not verified"
    assert answers.verified(answer(verified=True)) is None


def test_another_number_of_faces_than_one_is_an_error() -> None:
    assert answers.one_face(answer(faces=[{}])) is None
    assert answers.one_face(answer(faces=[])) == "not one face"
    assert answers.one_face(answer(faces=[{}, {}])) == "not one face"


def test_a_page_has_some_faces_and_not_too_many() -> None:
    assert answers.listed(answer(faces=[{}], total_count=9), 2) is None
    assert answers.listed(answer(faces=[], total_count=9), 2) == "a wrong page"
    assert answers.listed(answer(faces=[{}] * 3, total_count=9), 2) == "a wrong page"
