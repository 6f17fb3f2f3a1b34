"""Memory that a process no longer needs goes back to the system."""

import ctypes
import gc
import sys


def give_back_memory() -> None:
    """Let the C library return what it keeps for later.

    Trying a 50-layer recogniser on ONNX Runtime leaves 370 MB behind in glibc's heap, which nothing will use
    again. Other C libraries give it back by themselves.
    """
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
