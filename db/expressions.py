"""SQL that differs between SQLite and MySQL."""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

from sqlalchemy import BigInteger, ColumnElement, String, false, literal, or_
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


class plain_code_key(code_key):
    """The same, to be compared with ASCII only: SQLite then needs no call of Python for each row."""

    inherit_cache = True


@compiles(code_key, "mysql")
def _code_key_on_mysql(element: code_key, compiler: SQLCompiler, **kw: Any) -> str:
    argument = compiler.process(element.clauses, **kw)
    # CONVERT first: LOWER does nothing to binary strings, and other character sets could not be compared.
    text = f"RTRIM(CONVERT({argument} USING utf8mb4))"
    # A capital I with a dot, U+0130: small it is an i and a dot above, of which LOWER loses the dot.
    return f"LOWER(REPLACE({text}, _utf8mb4 X'C4B0', _utf8mb4 X'69CC87')) COLLATE utf8mb4_bin"


@compiles(code_key, "sqlite")
def _code_key_on_sqlite(element: code_key, compiler: SQLCompiler, **kw: Any) -> str:
    # SQLite's own lower() knows ASCII only.
    return f"{SQLITE_FOLD}({compiler.process(element.clauses, **kw)})"


@compiles(plain_code_key, "sqlite")
def _plain_code_key_on_sqlite(element: plain_code_key, compiler: SQLCompiler, **kw: Any) -> str:
    # The Kelvin sign, U+212A, is the one letter beyond ASCII whose small letter is in it.
    return f"lower(replace(rtrim({compiler.process(element.clauses, **kw)}), char(8490), 'k'))"


class exact_text(FunctionElement[str]):
    """A text that is compared and grouped letter by letter, whatever the column's collation."""

    name = "exact_text"
    type = String()
    inherit_cache = True


@compiles(exact_text, "mysql")
def _exact_text_on_mysql(element: exact_text, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CONVERT({compiler.process(element.clauses, **kw)} USING utf8mb4) COLLATE utf8mb4_bin"


@compiles(exact_text, "sqlite")
def _exact_text_on_sqlite(element: exact_text, compiler: SQLCompiler, **kw: Any) -> str:
    # SQLite compares text exactly by itself.
    return compiler.process(element.clauses, **kw)


class unix_now(FunctionElement[int]):
    """Seconds since 1970 by the database's clock, whatever its time zone."""

    name = "unix_now"
    type = BigInteger()
    inherit_cache = True


@compiles(unix_now, "mysql")
def _unix_now_on_mysql(_element: unix_now, _compiler: SQLCompiler, **_kw: Any) -> str:
    return "UNIX_TIMESTAMP()"


@compiles(unix_now, "sqlite")
def _unix_now_on_sqlite(_element: unix_now, _compiler: SQLCompiler, **_kw: Any) -> str:
    return "CAST(strftime('%s', 'now') AS INTEGER)"


def has_code(column: ColumnElement[Any], codes: Iterable[str]) -> ColumnElement[bool]:
    """Whether a column holds one of these codes, or words that are compared like codes."""
    plain, others = list[str](), list[code_key]()
    for code in codes:
        if code.isascii():
            plain.append(fold_code(code))
        else:
            others.append(code_key(literal(code)))
    return or_(plain_code_key(column).in_(plain), code_key(column).in_(others) if others else false())


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
