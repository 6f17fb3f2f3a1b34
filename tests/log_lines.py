"""What a server under test has told."""

import json
from typing import Any, Final

from tests.servers import RollcallServer

FIELDS: Final = {"time", "level", "logger", "process", "request_id", "message"}


def lines_of(server: RollcallServer) -> list[dict[str, Any]]:
    """Every line that the server has written; fails where one is not an object with these fields."""
    found = []
    for text in server.log().splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            raise AssertionError(f"not a line of JSON: {text}") from None
        assert isinstance(line, dict), text
        assert set(line) >= FIELDS, text
        found.append(line)
    return found
