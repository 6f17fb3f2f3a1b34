"""Work in a process of its own.

What the bench itself keeps in memory (libraries, networks) would be shared with the servers, and make them
look smaller than they are.
"""

from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from typing import Any, TypeVar

T = TypeVar("T")


def apart(wanted: type[T], function: str, *args: object) -> T:
    """Call `module:function` in a fresh process, which imports the module only there."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        result = processes.submit(_call, function, args).result()
    if not isinstance(result, wanted):
        raise TypeError(f"{function} gave {type(result).__name__}")
    return result


def _call(function: str, args: tuple[object, ...]) -> Any:
    module, name = function.split(":")
    return getattr(import_module(module), name)(*args)
