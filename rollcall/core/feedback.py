"""Which answers were right, by those who know who was before the camera."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol
from uuid import uuid4

from rollcall.core.errors import InvalidRequest
from rollcall.core.matching import Match
from rollcall.core.observing import FeedbackOutcome
from rollcall.core.people import fold_code, valid_code

MAX_MISSED: Final = 100  # people of one picture whom feedback may add; nobody may fill the table with them


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredFace:
    """Whom a face was taken for, None for nobody.

    `similarity` is that of the likest person; None where there was nobody to compare the face with.
    """

    match: Match | None
    similarity: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredPicture:
    """What a picture was answered with, by the model of that name; the largest face first, if any."""

    model: str
    faces: Sequence[AnsweredFace]
    recognition_id: str = field(default_factory=lambda: uuid4().hex)

    @classmethod
    def of(
        cls, model: str, chosen: Sequence[Match | None], rows: Sequence[Sequence[Match]]
    ) -> "AnsweredPicture":
        """`chosen`: whom each face was taken for. `rows`: for each the persons that are likest."""
        faces = []
        for match, row in zip(chosen, rows, strict=True):
            likest = match or next(iter(row), None)
            faces.append(AnsweredFace(match=match, similarity=likest.similarity if likest else None))
        return cls(model=model, faces=faces)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """Whether the answer of that id was right; about one person of the picture, where there is a code.

    Raises:
        InvalidRequest: the code cannot be one.
    """

    recognition_id: str
    correct: bool
    person_code: str | None = None

    def __post_init__(self) -> None:
        if self.person_code is not None:
            object.__setattr__(self, "person_code", valid_code(self.person_code))


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFace:
    """What the database holds of one face of a picture.

    `number` counts from 1, the largest face; 0 stands for a picture without a face, and None for somebody
    missed, whom feedback added. `correct` is None until feedback comes.
    """

    id: int
    number: int | None
    model: str
    person_code: str | None
    correct: bool | None
    actual_code: str | None

    def is_named(self, code: str) -> bool:
        return self.person_code is not None and fold_code(self.person_code) == fold_code(code)

    def was(self, code: str) -> bool:
        """Whether feedback said that this face is that person's."""
        return self.actual_code is not None and fold_code(self.actual_code) == fold_code(code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What feedback says of one face; `face` is None for somebody missed, who is to be added."""

    face: StoredFace | None
    model: str
    correct: bool
    actual_code: str | None = None

    @property
    def outcome(self) -> FeedbackOutcome:
        if self.face is not None and self.face.person_code is not None:
            return FeedbackOutcome.TRUE_MATCH if self.correct else FeedbackOutcome.FALSE_MATCH
        return FeedbackOutcome.TRUE_NON_MATCH if self.correct else FeedbackOutcome.FALSE_NON_MATCH

    @property
    def is_news(self) -> bool:
        """Whether it differs from what feedback said before."""
        return self.face is None or self.face.correct is not self.correct


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What feedback says of a picture. `withdrawn`: were added as missed, and were not after all."""

    judged: Sequence[Judged]
    withdrawn: Sequence[StoredFace] = ()


def judge(faces: Sequence[StoredFace], feedback: Feedback) -> Judgement:
    """Which of a picture's faces the feedback is about, and what it says of them. docs/api.md has a table.

    Raises:
        InvalidRequest: a person cannot be correct who was not named; or too many were missed.
    """
    code, correct = feedback.person_code, feedback.correct
    if code is None:
        return _of_all(faces, correct)
    if named := [face for face in faces if face.is_named(code)]:
        return Judgement(judged=[_said_of(face, correct) for face in named])
    if correct:
        raise InvalidRequest(
            "Nobody of this person_code was recognised in the picture, so that cannot be correct.",
            field="person_code",
        )
    return Judgement(judged=[_missed(faces, code)])


def _of_all(faces: Sequence[StoredFace], correct: bool) -> Judgement:
    if not correct:
        return Judgement(judged=[_said_of(face, correct) for face in faces])
    # Where all is right, nobody was missed.
    return Judgement(
        judged=[_said_of(face, correct) for face in faces if face.number is not None],
        withdrawn=[face for face in faces if face.number is None],
    )


def _said_of(face: StoredFace, correct: bool) -> Judged:
    # Who it was may have been told before, and is not taken back by saying once more that it was wrong.
    actual_code = None if correct else face.actual_code
    return Judged(face=face, model=face.model, correct=correct, actual_code=actual_code)


def _missed(faces: Sequence[StoredFace], code: str) -> Judged:
    """A person who was in the picture, and was not named."""
    face = _face_of(faces, code)
    if face is None and sum(face.number is None for face in faces) >= MAX_MISSED:
        raise InvalidRequest(f"At most {MAX_MISSED} people of one picture can have been missed.")
    actual_code = face.actual_code if face and face.was(code) else code
    return Judged(face=face, model=faces[0].model, correct=False, actual_code=actual_code)


def _face_of(faces: Sequence[StoredFace], code: str) -> StoredFace | None:
    """Whose answer was wrong about this person: of a single face that one, else one that is nobody's."""
    detected = [face for face in faces if face.number is not None]
    if len(detected) == 1 and detected[0].number:
        return detected[0]
    if told := [face for face in faces if face.was(code)]:
        return told[0]
    nobodys = [face for face in detected if face.person_code is None and face.actual_code is None]
    # First one of which it is known to be wrong but not who it was, last one that was said to be right.
    nobodys.sort(key=lambda face: (False, None, True).index(face.correct))
    return next(iter(nobodys), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """How one model's answers stand. `mean_similarity` is that of the matches."""

    model: str
    faces: int
    matches: int
    mean_similarity: float | None
    true_matches: int
    false_matches: int
    true_non_matches: int
    false_non_matches: int

    @property
    def told(self) -> int:
        """Of how many answers it is known whether they were right."""
        return self.right + self.false_matches + self.false_non_matches

    @property
    def right(self) -> int:
        return self.true_matches + self.true_non_matches


class Recognitions(Protocol):
    """What was answered to each recognition, and what feedback said of it."""

    def add(self, pictures: Iterable[AnsweredPicture]) -> None: ...

    def take(self, recognition_id: str) -> Sequence[StoredFace]:
        """A picture's faces, which nobody else judges until the transaction ends; none if it is unknown."""
        ...

    def store(self, recognition_id: str, judgement: Judgement) -> None:
        """Keep what feedback said of faces that `take` gave."""
        ...

    def accuracy(self, since: datetime | None) -> Sequence[Accuracy]:
        """By model, of the recognitions since a moment by the database's clock, or of all."""
        ...


class FeedbackCounter(Protocol):
    """Counts what feedback says, for whoever watches the server."""

    def feedback(self, model: str, outcome: FeedbackOutcome) -> None: ...
