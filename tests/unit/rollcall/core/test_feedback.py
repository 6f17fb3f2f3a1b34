"""What feedback says of a picture's faces."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import pytest

from rollcall.core.errors import InvalidRequest
from rollcall.core.feedback import (
    MAX_MISSED,
    AnsweredPicture,
    Feedback,
    Judged,
    Judgement,
    StoredFace,
    judge,
)
from rollcall.core.matching import Match
from rollcall.core.observing import FeedbackOutcome
from rollcall.core.people import PersonKey, PersonType

ID = "0" * 32
NOBODY = None
TRUE, FALSE = FeedbackOutcome.TRUE_MATCH, FeedbackOutcome.FALSE_MATCH
RIGHTLY_NOBODY, MISSED = FeedbackOutcome.TRUE_NON_MATCH, FeedbackOutcome.FALSE_NON_MATCH


def stored(
    number: int | None, code: str | None, correct: bool | None = None, actual: str | None = None
) -> StoredFace:
    return StoredFace(
        id=100 + (number or 0),
        number=number,
        model="buffalo_l",
        person_code=code,
        correct=correct,
        actual_code=actual,
    )


def picture(*codes: str | None) -> list[StoredFace]:
    """Faces that were taken for these persons, nobody has said anything yet; without any, an empty room."""
    return [stored(number, code) for number, code in enumerate(codes, start=1)] or [stored(0, NOBODY)]


def said(
    faces: Sequence[StoredFace], correct: bool, code: str | None = None
) -> dict[int | str | None, tuple[FeedbackOutcome, str | None]]:
    """What is said by number of the face, `added` for somebody who is added."""
    judgement = judge(faces, Feedback(recognition_id=ID, correct=correct, person_code=code))
    return {
        each.face.number if each.face else "added": (each.outcome, each.actual_code)
        for each in judgement.judged
    }


class Case(NamedTuple):
    named: tuple[str | None, ...]
    correct: bool
    code: str | None
    means: dict[int | str | None, tuple[FeedbackOutcome, str | None]]


CASES = [
    # One face.
    Case(("A",), True, None, {1: (TRUE, None)}),
    Case(("A",), True, "A", {1: (TRUE, None)}),
    Case(("A",), False, None, {1: (FALSE, None)}),
    Case(("A",), False, "A", {1: (FALSE, None)}),
    Case(("A",), False, "B", {1: (FALSE, "B")}),
    Case((NOBODY,), True, None, {1: (RIGHTLY_NOBODY, None)}),
    Case((NOBODY,), False, None, {1: (MISSED, None)}),
    Case((NOBODY,), False, "B", {1: (MISSED, "B")}),
    # Several.
    Case(("A", NOBODY, "C"), True, None, {1: (TRUE, None), 2: (RIGHTLY_NOBODY, None), 3: (TRUE, None)}),
    Case(("A", NOBODY, "C"), False, None, {1: (FALSE, None), 2: (MISSED, None), 3: (FALSE, None)}),
    Case(("A", NOBODY, "C"), True, "C", {3: (TRUE, None)}),
    Case(("A", NOBODY, "C"), False, "C", {3: (FALSE, None)}),
    Case(("A", NOBODY, NOBODY), False, "D", {2: (MISSED, "D")}),
    Case(("A", "C"), False, "D", {"added": (MISSED, "D")}),
    # No face was found.
    Case((), True, None, {0: (RIGHTLY_NOBODY, None)}),
    Case((), False, None, {0: (MISSED, None)}),
    Case((), False, "B", {0: (MISSED, "B")}),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_first_feedback_is_about_these_faces(case: Case) -> None:
    assert said(picture(*case.named), case.correct, case.code) == case.means


@pytest.mark.parametrize("named", [("A",), (NOBODY,), ("A", NOBODY), ()])
def test_who_was_not_named_cannot_be_correct(named: tuple[str | None, ...]) -> None:
    with pytest.raises(InvalidRequest):
        said(picture(*named), True, "B")


def test_codes_are_compared_as_everywhere() -> None:
    assert said(picture("ÉTÉ-1", "B"), True, "été-1 ") == {1: (TRUE, None)}


def test_a_code_that_cannot_be_one_is_refused() -> None:
    for code in ("", "  ", "12345678901", "a\nb"):
        with pytest.raises(InvalidRequest):
            Feedback(recognition_id=ID, correct=False, person_code=code)


def test_a_student_and_a_teacher_of_one_code_are_both_meant() -> None:
    assert said(picture("A", "a"), True, "A") == {1: (TRUE, None), 2: (TRUE, None)}


def after(faces: Sequence[StoredFace], judgement: Judgement) -> list[StoredFace]:
    """The faces as the database holds them then."""
    new = {
        each.face.id: replace(each.face, correct=each.correct, actual_code=each.actual_code)
        for each in judgement.judged
        if each.face
    }
    gone = {face.id for face in judgement.withdrawn}
    added = [
        StoredFace(
            id=1000 + len(faces),
            number=None,
            model=each.model,
            person_code=None,
            correct=each.correct,
            actual_code=each.actual_code,
        )
        for each in judgement.judged
        if each.face is None
    ]
    return [*(new.get(face.id, face) for face in faces if face.id not in gone), *added]


def tell(
    faces: Sequence[StoredFace], *told: tuple[bool, str | None]
) -> tuple[list[StoredFace], list[list[Judged]]]:
    """Feedback one after the other; the faces at the end, and what was news of each."""
    current, news = list(faces), []
    for correct, code in told:
        judgement = judge(current, Feedback(recognition_id=ID, correct=correct, person_code=code))
        news.append([each for each in judgement.judged if each.is_news])
        current = after(current, judgement)
    return current, news


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_is_said_twice_is_no_news(case: Case) -> None:
    feedback = (case.correct, case.code)
    once, _ = tell(picture(*case.named), feedback)
    twice, [first, second] = tell(picture(*case.named), feedback, feedback)
    assert twice == once
    assert (len(first), second) == (len(case.means), [])


def test_the_last_word_counts_and_is_counted_anew() -> None:
    faces, news = tell(picture("A"), (True, None), (False, "B"), (True, None))
    assert [[each.outcome for each in step] for step in news] == [[TRUE], [FALSE], [TRUE]]
    assert faces == [stored(1, "A", True, None)]


def test_another_person_for_a_wrong_answer_is_kept_and_not_counted_again() -> None:
    faces, news = tell(picture("A"), (False, "B"), (False, "C"))
    assert faces == [stored(1, "A", False, "C")]
    assert news[1] == []


def test_saying_once_more_that_it_was_wrong_does_not_take_back_who_it_was() -> None:
    faces, _ = tell(picture("A"), (False, "B"), (False, None))
    assert faces == [stored(1, "A", False, "B")]


def test_each_person_missed_takes_another_face_and_then_a_row_of_their_own() -> None:
    faces, news = tell(picture("A", NOBODY, NOBODY), *((False, code) for code in "BCDB"))
    assert [(face.number, face.actual_code) for face in faces] == [(1, None), (2, "B"), (3, "C"), (None, "D")]
    assert [len(step) for step in news] == [1, 1, 1, 0]


def test_in_a_room_without_a_face_several_can_have_been_missed() -> None:
    faces, _ = tell(picture(), (False, "B"), (False, "C"))
    assert [(face.number, face.actual_code) for face in faces] == [(0, "B"), (None, "C")]


def test_a_missed_person_takes_a_face_that_is_known_to_be_wrong_first() -> None:
    faces = [stored(1, NOBODY, True), stored(2, NOBODY), stored(3, NOBODY, False)]
    for number in (3, 2, 1):
        assert said(faces, False, "B") == {number: (MISSED, "B")}
        faces = [face for face in faces if face.number != number] + [stored(number, "X")]


def test_who_was_missed_is_withdrawn_when_all_was_right() -> None:
    faces, news = tell(picture("A", "B"), (False, "C"), (True, None))
    assert faces == [stored(1, "A", True), stored(2, "B", True)]
    assert [each.outcome for each in news[1]] == [TRUE, TRUE]


def test_nobody_can_fill_the_table_with_people_who_were_missed() -> None:
    faces, _ = tell(picture("A", "B"), *((False, f"M{n}") for n in range(MAX_MISSED)))
    with pytest.raises(InvalidRequest):
        said(faces, False, "ONE-MORE")
    assert said(faces, False, "M0") == {None: (MISSED, "M0")}


def test_a_face_that_is_nobodys_keeps_the_similarity_of_the_likest_person() -> None:
    def match(code: str, similarity: float) -> Match:
        person = PersonKey(type=PersonType.STUDENT, code=code)
        return Match(person=person, model="buffalo_l", similarity=similarity, confidence=0.5)

    ann, ben = match("A", 0.9), match("B", 0.3)
    answered = AnsweredPicture.of("buffalo_l", [ben, None, None], [[ann, ben], [ann], []])
    assert [(face.match, face.similarity) for face in answered.faces] == [
        (ben, 0.3),
        (None, 0.9),
        (None, None),
    ]


def test_every_answer_has_an_id_of_its_own() -> None:
    ids = {AnsweredPicture.of("buffalo_l", [], []).recognition_id for _ in range(100)}
    assert len(ids) == 100
    assert all(len(each) == 32 for each in ids)
