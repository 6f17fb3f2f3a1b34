"""The items of a batch, each valid or not by itself."""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from rollcall.api.errors import invalid
from rollcall.api.schemas.enroll import EnrollIn
from rollcall.core.errors import RollcallError
from rollcall.workflows.enroll import Enrollment


def read_items(items: Sequence[Any]) -> tuple[list[str | None], list[Enrollment | RollcallError]]:
    """Each item's person_code as it was sent, and the enrolment or what is wrong with it."""
    return [_code(item) for item in items], [_read(item) for item in items]


def _code(item: Any) -> str | None:
    code = item.get("person_code") if isinstance(item, dict) else None
    return code if isinstance(code, str) else None


def _read(item: Any) -> Enrollment | RollcallError:
    try:
        return EnrollIn.model_validate(item).enrollment()
    except ValidationError as error:
        return invalid(error)
    except RollcallError as error:
        return error
