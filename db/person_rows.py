"""What is shown of a row of Student or Teacher."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Connection, Select, null, select

from db.columns import column_names
from db.people import TABLES
from rollcall.core.people import PersonType

# The school's word for where a person belongs.
GROUPS: Final = {PersonType.STUDENT: "Form", PersonType.TEACHER: "Department"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """`name` is the nickname, or None, where there is no name. `group` is the form or the department."""

    id: int
    code: str
    name: str | None
    group: str | None
    campus: str | None

    @classmethod
    def of(cls, row: Any) -> "PersonRow":
        return cls(
            id=row.id,
            code=str(row.code).rstrip(" "),
            name=text_or_none(row.name) or text_or_none(row.nickname),
            group=text_or_none(row.group),
            campus=text_or_none(row.campus),
        )


def person_rows(connection: Connection, type: PersonType) -> Select[Any]:
    """A query for rows of which `PersonRow.of` can be made, in order of Id, and with a code.

    Form, Department and Campus may be missing in the users' tables. Images are never read.
    """
    table, there = TABLES[type], column_names(connection, TABLES[type])

    def column(name: str) -> ColumnElement[Any]:
        return table.c[name] if name.lower() in there else null()

    query = select(
        table.c.Id.label("id"),
        code_of(type).label("code"),
        table.c[f"{table.name}Name"].label("name"),
        table.c[f"{table.name}Nickname"].label("nickname"),
        column(GROUPS[type]).label("group"),
        column("Campus").label("campus"),
    )
    return query.where(code_of(type).is_not(None)).order_by(table.c.Id)


def code_of(type: PersonType) -> Column[str]:
    """The column of the code."""
    return TABLES[type].c[f"{TABLES[type].name}Code"]


def text_or_none(value: object) -> str | None:
    """Without blanks at its ends; None where nothing is left."""
    return (str(value).strip() or None) if value is not None else None
