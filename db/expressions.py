"""SQL that differs between SQLite and MySQL."""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

from sqlalchemy import String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from rollcall.core.people import fold_code

T = TypeVar("T")

CHUNK: Final = 500  # values in one IN list; well below SQLite's limit on parameters

SQLITE_FOLD: Final = "rollcall_fold_code"


class code_key(FunctionElement[str]):
    """A code as it is compared: without regard to case or trailing blanks, whatever the column's collation.

    Both sides of a comparison are wrapped, so that a code always equals itself: MySQL's LOWER and Python's
    lower() disagree on a few letters (a Greek sigma at the end of a word).
    """

    name = "code_key"
    type = String()
    inherit_cache = True


@compiles(code_key, "mysql")
def _code_key_on_mysql(element: code_key, compiler: SQLCompiler, **kw: Any) -> str:
    argument = compiler.process(element.clauses, **kw)
    # CONVERT first: LOWER does nothing to binary strings, and other character sets could not be compared.
    return f"LOWER(RTRIM(CONVERT({argument} USING utf8mb4))) COLLATE utf8mb4_bin"


@compiles(code_key, "sqlite")
def _code_key_on_sqlite(element: code_key, compiler: SQLCompiler, **kw: Any) -> str:
    # SQLite's own lower() knows ASCII only.
    return f"{SQLITE_FOLD}({compiler.process(element.clauses, **kw)})"


def sqlite_fold_code(value: object) -> str | None:
    """The function behind `code_key` on SQLite, where a CHAR column may hold anything."""
    return None if value is None else fold_code(str(value))


def sqlite_crc32(value: bytes | None) -> int | None:
    """MySQL's CRC32 of bytes, which SQLite lacks."""
    return None if value is None else zlib.crc32(value)


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """Cut into pieces of at most `size`."""
    rest = iter(values)
    while piece := list(islice(rest, size)):
        yield piece
