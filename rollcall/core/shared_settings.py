"""Settings that all replicas share, and that override each one's environment."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import StringConstraints, TypeAdapter, ValidationError

from rollcall.core.errors import InvalidRequest
from rollcall.core.settings import MODEL_NAME, Days, Threshold

logger = logging.getLogger("rollcall.settings")

_MODEL: Final = TypeAdapter(Annotated[str, StringConstraints(pattern=f"^{MODEL_NAME.pattern}$")])
_RULES: Final[Mapping[str, TypeAdapter[Any]]] = {
    "similarity_threshold": TypeAdapter(Threshold),
    "log_retention_days": TypeAdapter(Days),
    "insightface_model": _MODEL,
    "previous_model": _MODEL,
    "next_model": _MODEL,
}
NAMES: Final = tuple(_RULES)
# Only a switch of models may write the others.
FOR_OPERATORS: Final = ("similarity_threshold", "log_retention_days")


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedSettings:
    """None where nothing is shared, so that the environment's value counts.

    `insightface_model` answers since the last switch, `previous_model` before it; `next_model` is what a
    switch under way goes to, and every server loads it ahead.
    """

    similarity_threshold: float | Literal["auto"] | None = None
    log_retention_days: int | None = None
    insightface_model: str | None = None
    previous_model: str | None = None
    next_model: str | None = None


def read_shared(stored: Mapping[str, str]) -> SharedSettings:
    """The stored texts as values. What another version or hand has stored wrongly is told and left out."""
    values: dict[str, Any] = {}
    for name in NAMES:
        if name in stored:
            try:
                values[name] = valid_shared(name, stored[name])
            except InvalidRequest as error:
                logger.warning("A shared setting is left out: %s", error.message)
    return SharedSettings(**values)


def valid_shared(name: str, value: str) -> float | int | str:
    """The value of a text that is to be stored, by the same rules as in the environment.

    Raises:
        InvalidRequest: no such setting is shared, or the value is wrong; the message says why.
    """
    if name not in _RULES:
        raise InvalidRequest(
            f"There is no shared setting of that name; there are {' and '.join(FOR_OPERATORS)}."
        )
    try:
        valid: float | int | str = _RULES[name].validate_strings(value.strip())
    except ValidationError as error:
        reasons = dict.fromkeys(problem["msg"] for problem in error.errors())
        raise InvalidRequest(f"{name.upper()}: {'; '.join(reasons)}.") from None
    return valid
