"""API keys: named, with a role, and known to the server by their hash alone."""

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

NAME: Final = re.compile(r"[a-z0-9._-]{1,40}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
# So that a key is known as one where it turns up, by people and by programs that look for leaked secrets.
_PREFIX: Final = "rollcall_"
_RANDOM_BYTES: Final = 32
_HOW_TO: Final = "`rollcall keys create NAME` makes a key and its entry"


class Role(StrEnum):
    """What a key may do."""

    KIOSK = "kiosk"
    ADMIN = "admin"

    def includes(self, other: "Role") -> bool:
        """Whether this role may do what the other may."""
        return self is Role.ADMIN or self is other


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """One entry of API_KEYS. `digest` is the SHA-256 of the key, 64 hexadecimal digits in lower case.

    A slow hash would add nothing: it protects passwords, which can be guessed; 256 random bits cannot. It
    would cost each request its time.
    """

    name: str
    role: Role
    digest: str = field(repr=False)

    @property
    def entry(self) -> str:
        """As it stands in API_KEYS."""
        return f"{self.name}:{self.role}:{self.digest}"


def new_key() -> str:
    """A key of 256 random bits."""
    return _PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)


def digest_of(key: str) -> str:
    """The SHA-256 of a key, 64 hexadecimal digits."""
    return hashlib.sha256(key.encode()).hexdigest()


def parse_api_keys(text: str) -> tuple[ApiKey, ...]:
    """Read API_KEYS: `name:role:hash`, separated by commas.

    Raises:
        ValueError: an entry is wrong. The text says which by its number, and never what is in it.
    """
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    if not entries:
        # "," must not open the server to everybody.
        raise ValueError("is set, but holds no key")
    keys = tuple(_parse(number, entry) for number, entry in enumerate(entries, 1))
    for what, of_keys in (("name", [key.name for key in keys]), ("key", [key.digest for key in keys])):
        for number, value in enumerate(of_keys, 1):
            first = of_keys.index(value) + 1
            if first != number:
                raise ValueError(f"entry {number} has the same {what} as entry {first}")
    return keys


def _parse(number: int, entry: str) -> ApiKey:
    parts = [part.strip() for part in entry.split(":")]
    if len(parts) == 1:
        raise ValueError(
            f"entry {number} is a key itself, as this setting held before, and not name:role:hash. {_HOW_TO}"
        )
    if len(parts) != 3:
        raise ValueError(f"entry {number} is not name:role:hash. {_HOW_TO}")
    name, role, digest = parts
    if not NAME.fullmatch(name):
        raise ValueError(f"entry {number} has a wrong name: 1 to 40 of a-z, 0-9, dot, dash and underscore")
    if role not in set(Role):
        raise ValueError(f"entry {number} has a wrong role: it is kiosk or admin")
    if not _DIGEST.fullmatch(digest.lower()):
        raise ValueError(
            f"entry {number} has a wrong hash: it is the key's SHA-256, 64 hexadecimal digits. {_HOW_TO}"
        )
    return ApiKey(name=name, role=Role(role), digest=digest.lower())
