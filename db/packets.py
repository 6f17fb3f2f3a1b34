"""How large a statement MySQL takes."""

from typing import Final

from sqlalchemy import Connection

from rollcall.core.errors import ImageTooLarge

# Below this no server's limit matters: the least that MySQL ever had by default is 4 MB.
_SMALL: Final = 1_000_000
_BESIDE: Final = 100_000  # for the rest of the statement


def require_room(connection: Connection, picture: bytes) -> None:
    """Ask before a large picture is sent: MySQL answers what is beyond its limit by closing the connection.

    Raises:
        ImageTooLarge: the statement would be larger than max_allowed_packet.
    """
    if connection.dialect.name == "sqlite" or len(picture) < _SMALL:
        return
    limit = connection.exec_driver_sql("SELECT @@max_allowed_packet").scalar_one()
    # PyMySQL sends bytes as hexadecimal digits.
    if 2 * len(picture) + _BESIDE > limit:
        most = max(0, limit - _BESIDE) / 2 / 2**20
        raise ImageTooLarge(
            f"The database takes pictures of up to {most:.1f} MB, because of its max_allowed_packet."
        )
