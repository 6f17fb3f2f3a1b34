"""Who a face belongs to."""

from dataclasses import dataclass, field
from enum import StrEnum

from rollcall.core.errors import InvalidRequest

MAX_CODE_LENGTH = 10
MAX_NAME_LENGTH = 200


class PersonType(StrEnum):
    STUDENT = "student"
    TEACHER = "teacher"


def fold_code(code: str) -> str:
    """The form in which two codes are compared: without regard to case or trailing blanks."""
    code = code.rstrip(" ")
    if code.isascii():
        return code.lower()
    # Letter by letter, as databases do it: Python's lower() looks at a Greek sigma's neighbours.
    return "".join(letter.lower() for letter in code)


def valid_code(code: str) -> str:
    """The code without trailing blanks.

    Raises:
        InvalidRequest: it is blank, longer than 10 characters or not printable.
    """
    code = code.rstrip(" ")
    if not 1 <= len(code) <= MAX_CODE_LENGTH or not code.isprintable():
        raise InvalidRequest(
            f"person_code must have 1 to {MAX_CODE_LENGTH} printable characters.", field="person_code"
        )
    return code


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonKey:
    """A person's type and code. Equal when the codes are equal but for case and trailing blanks.

    Raises:
        InvalidRequest: as valid_code.
    """

    type: PersonType
    code: str = field(compare=False)
    folded: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        code = valid_code(self.code)
        object.__setattr__(self, "code", code)
        object.__setattr__(self, "folded", fold_code(code))


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A row of Student or Teacher; `key.code` is spelt as it is there."""

    key: PersonKey
    name: str
