"""The files of prometheus_client's multi-process mode, with their room on the disk taken beforehand.

Left to itself, the library makes files with holes and writes to them as memory: on a full disk, and in a full
/tmp, the system then ends the process by SIGBUS in the middle of a request.
"""

import os
from contextlib import suppress
from typing import Any, Final

from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict

_FIRST_BYTES: Final = 1 << 16  # as prometheus_client begins
_ENTRY_BYTES: Final = 4096  # one name with its labels and its help has less


class AllocatedDict(MmapedDict):
    """What finds no room is kept in memory, and written as soon as there is some."""

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        """Raises OSError if there is no room for a new file: a server must not start so."""
        if not read_mode:
            descriptor = os.open(filename, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                os.posix_fallocate(descriptor, 0, _FIRST_BYTES)
            finally:
                os.close(descriptor)
        super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]

    def read_value(self, key: str) -> tuple[float, float]:
        try:
            value, timestamp = super().read_value(key)  # type: ignore[no-untyped-call]
        except OSError:
            return 0.0, 0.0
        return value, timestamp

    def write_value(self, key: str, value: float, timestamp: float) -> None:
        with suppress(OSError):
            super().write_value(key, value, timestamp)  # type: ignore[no-untyped-call]

    def _init_value(self, key: str) -> None:
        if self._capacity - self._used < _ENTRY_BYTES:
            # The library doubles the file when it is full: by then it has that size.
            os.posix_fallocate(self._f.fileno(), 0, 2 * self._capacity)
        super()._init_value(key)  # type: ignore[no-untyped-call]


def allocate_beforehand() -> None:
    """For all metrics of this process that are made from now on."""
    library: dict[str, Any] = vars(values)
    library["MmapedDict"] = AllocatedDict
