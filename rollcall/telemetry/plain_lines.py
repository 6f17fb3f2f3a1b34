"""What libraries write to a server's output past all loggers, made into log lines.

libjpeg, ONNX Runtime and the interpreter itself write to the file descriptors. The supervisor's are a pipe
into this very process, which its workers inherit: so what a worker writes with its last breath is not lost.
"""

import os
import threading
from collections.abc import Callable
from typing import Final

_OUT, _ERR = 1, 2
_LINGER_SECONDS: Final = 5.0


class PlainLines:
    """From now on what this process and its children write goes to standard error in whole lines of JSON."""

    def __init__(self, made_of: Callable[[str], str]) -> None:
        """`made_of` makes a line of JSON of one that is not."""
        self._made_of = made_of
        self._kept = {descriptor: os.dup(descriptor) for descriptor in (_OUT, _ERR)}
        read, write = os.pipe()
        for descriptor in self._kept:
            os.dup2(write, descriptor)
        os.close(write)
        self._thread = threading.Thread(target=self._carry, args=(read,), name="plain lines", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Write what is still under way, and give the descriptors back."""
        for descriptor, kept in self._kept.items():
            os.dup2(kept, descriptor)
        # The pipe ends when the last worker has.
        self._thread.join(_LINGER_SECONDS)

    def _carry(self, read: int) -> None:
        with os.fdopen(read, "rb") as lines, os.fdopen(self._kept[_ERR], "wb", closefd=False) as out:
            for line in lines:
                whole = line if line.startswith(b"{") else self._wrapped(line)
                out.write(whole)
                out.flush()

    def _wrapped(self, line: bytes) -> bytes:
        text = line.decode(errors="replace").strip()
        return f"{self._made_of(text)}\n".encode() if text else b""
