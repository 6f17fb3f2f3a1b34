"""API keys for tests."""

from typing import NamedTuple

from rollcall.core.api_keys import ApiKey, Role, digest_of, new_key


class MadeKey(NamedTuple):
    """A key, and what API_KEYS holds of it."""

    key: str
    entry: str

    @property
    def headers(self) -> dict[str, str]:
        return {"X-API-Key": self.key}


def make_key(name: str = "tests", role: Role = Role.ADMIN) -> MadeKey:
    key = new_key()
    return MadeKey(key, ApiKey(name=name, role=role, digest=digest_of(key)).entry)
