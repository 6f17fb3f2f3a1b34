"""What the head of an HTTP answer says about a file."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

_CONTENT_RANGE: Final = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\*)")
_NUMBER: Final = re.compile(r"[0-9]{1,18}")


def length(headers: httpx.Headers) -> int | None:
    """How many bytes the answer has; None where it does not say it."""
    said = headers.get("Content-Length", "")
    return int(said) if _NUMBER.fullmatch(said) else None


def part(headers: httpx.Headers) -> tuple[int, int | None] | None:
    """Where the part of the file begins that the answer holds, and how long the whole file is, if it is said.

    None if there is no such header that can be understood.
    """
    said = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
    if said is None:
        return None
    return int(said[1]), None if said[2] == "*" else int(said[2])


def validator(headers: httpx.Headers) -> str | None:
    """What another file at the same address would have otherwise."""
    tag: str | None = headers.get("ETag")
    # A weak one stays the same when the bytes change but mean the same.
    if tag is not None and not tag.startswith("W/"):
        return tag
    changed: str | None = headers.get("Last-Modified")
    return changed


def asked_wait_seconds(headers: httpx.Headers) -> float:
    """Retry-After: a number of seconds, or a date; 0 where nothing is asked."""
    asked = headers.get("Retry-After", "")
    if _NUMBER.fullmatch(asked):
        return float(asked)
    try:
        return max(0.0, (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):  # no date, or one without a time zone
        return 0.0
