"""Which answers of a server are right, not only those with status 200.

Each function returns what is wrong, in a few words without anybody's code or name, or None.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.visitors import Visitor

NO_FACE = "NO_FACE_DETECTED"
SOMEBODY_ELSE = "named somebody else"
NOBODY = "named nobody"
NOT_THERE = "named somebody in an empty picture"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Status 0: there was none. The body is empty where it was no JSON object."""

    status: int
    body: dict[str, Any]

    @classmethod
    def of(cls, status: int, content: bytes | None) -> "Answer":
        try:
            body = json.loads(content or b"")
        except ValueError:
            body = {}
        return cls(status=status, body=body if isinstance(body, dict) else {})

    @property
    def error_code(self) -> str:
        return str(self.body.get("error_code", ""))


def refused(answer: Answer) -> str | None:
    """Any answer but a 200."""
    if answer.status == 200:
        return None
    return f"{answer.status} {answer.error_code}".strip() if answer.status else "no answer"


def recognized(answer: Answer, visitor: Visitor) -> str | None:
    """The picture is enrolled, so it must be found."""
    return refused(answer) or _named(_matches(answer), visitor)


def scanned(answer: Answer, visitor: Visitor) -> str | None:
    """Exactly this student must be marked."""
    return refused(answer) or _named(_marked(answer), visitor)


def empty(answer: Answer) -> str | None:
    """A picture of nobody: no face was found, or nobody is named."""
    if answer.status == 422 and answer.error_code == NO_FACE:
        return None
    return refused(answer) or (NOT_THERE if _matches(answer) or _marked(answer) else None)


def verified(answer: Answer) -> str | None:
    """The picture was compared with the person whose it is."""
    return refused(answer) or (None if answer.body.get("verified") is True else "not verified")


def one_face(answer: Answer) -> str | None:
    return refused(answer) or (None if len(answer.body.get("faces", ())) == 1 else "not one face")


def listed(answer: Answer, at_most: int) -> str | None:
    faces, total = answer.body.get("faces", ()), answer.body.get("total_count", 0)
    return refused(answer) or (None if 0 < len(faces) <= min(at_most, total) else "a wrong page")


def _matches(answer: Answer) -> Sequence[object]:
    match = answer.body.get("match")
    return [match.get("person_code")] if isinstance(match, dict) else []


def _marked(answer: Answer) -> Sequence[object]:
    return [student.get("student_code") for student in answer.body.get("marked", ())]


def _named(codes: Sequence[object], visitor: Visitor) -> str | None:
    if not codes:
        return NOBODY
    return None if all(visitor.is_meant_by(code) for code in codes) else SOMEBODY_ELSE
