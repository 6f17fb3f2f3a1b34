"""Everybody of the school, and who of them has faces."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from rollcall.core.people import PersonType


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A row of Student or Teacher, or a code that has faces and no such row.

    The code is as it stands there, perhaps one that cannot be enrolled. `group` is the form or department.
    """

    type: PersonType
    code: str
    name: str | None = None
    group: str | None = None
    campus: str | None = None
    face_count: int = 0
    last_enrolled: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Which entries; None stands for no restriction. `text` is a part of the code or the name."""

    type: PersonType | None = None
    text: str | None = None
    enrolled: bool | None = None
    limit: int
    offset: int = 0


class Directory(Protocol):
    """Student, Teacher and FaceData, put together."""

    def page(self, search: Search) -> tuple[Sequence[Entry], int]:
        """A page of entries in order of type and code, and how many there are on all pages."""
        ...
