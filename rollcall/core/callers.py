"""For whom the code that runs just now works."""

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who makes the server do something, from which address, and by which request.

    `name` is the API key's, or that of a part of Rollcall. `address` is "" where there is none.
    """

    name: str
    address: str = ""
    request_id: str = ""


UNKNOWN: Final = Caller(name="unknown")
ANONYMOUS: Final = "anonymous"  # the name of whoever calls a server that is open
SERVER: Final = Caller(name="server")  # its background work
ANOTHER_PROGRAM: Final = Caller(name="another program")  # whoever writes the tables beside us

# A ContextVar, because ten workflows would hand it on for nothing else than the audit. Tasks and the
# database's threads inherit it.
caller: ContextVar[Caller] = ContextVar("caller", default=UNKNOWN)
