"""Which routes a key's role opens."""

from typing import Final

from rollcall.core.api_keys import ApiKey, Role
from rollcall.core.errors import Forbidden

# What is not named here needs an admin's key, a route added tomorrow too.
KIOSK_MAY: Final = frozenset(
    {
        ("POST", "/api/face/recognize"),
        ("POST", "/api/face/recognize-all"),
        ("POST", "/api/face/verify"),
        ("POST", "/api/face/quality-check"),
        ("POST", "/api/face/feedback"),
        ("POST", "/api/attendance/scan"),
    }
)


def required_role(method: str, route: str) -> Role:
    """The least role for a route, given by its template, such as `/api/face/list/{person_type}`."""
    return Role.KIOSK if (method, route) in KIOSK_MAY else Role.ADMIN


def require_role(key: ApiKey | None, role: Role) -> None:
    """Raises Forbidden if the key's role does not include this one. No key: the server is open."""
    if key is not None and not key.role.includes(role):
        raise Forbidden("This API key's role does not allow this.", required_role=role.value)
