"""Lists and zips that cannot be used."""

from rollcall.core.errors import InvalidRequest


def unusable(reason: str, what_to_do: str) -> InvalidRequest:
    """The message has both, for the command line shows nothing else."""
    return InvalidRequest(f"{reason} {what_to_do}", suggestion=what_to_do)
