"""Dates of the users' tables, which may hold anything."""

from datetime import datetime


def date_of(value: object) -> datetime | None:
    """What was read as text, or what the driver made of it: a naive date; None where it is none."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    return value.replace(tzinfo=None) if isinstance(value, datetime) else None
