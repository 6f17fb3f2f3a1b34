"""Log lines: one shape for all of a process, to standard error, with the id of their request."""

import json
import logging
import os
import re
import sys
import threading
import traceback
from bisect import bisect_right
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import PurePath
from types import TracebackType
from typing import Any, Final, Literal, TypeAlias

from opentelemetry.trace import get_current_span
from pythonjsonlogger.core import LogData
from pythonjsonlogger.json import JsonFormatter

from rollcall.core.requests import NO_REQUEST, request_id

Process: TypeAlias = Literal["api", "runner", "supervisor"]
Shape: TypeAlias = Literal["json", "text"]
_Raised: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None]
_ExcInfo: TypeAlias = _Raised | tuple[None, None, None]

OUR_PACKAGES: Final = ("rollcall", "runners", "db")
SET_BY_BENTOML: Final = ("uvicorn.error", "circus")
# Lines below 4 kB come through a pipe whole, whoever else writes into it. So these are bytes of JSON.
MAX_MESSAGE: Final = 2000
MAX_PLACES: Final = 1200
DEEPEST_PLACES: Final = 20
_LONGEST_LETTER: Final = 12  # two escapes, \ud83d\ude00
# Their further lines show the text of exceptions, and objects.
_FIRST_LINE_ONLY: Final = ("asyncio", "uvicorn.error")
_AFTER_SCHEME: Final = re.compile(r"(?<=://)\S+")


def configure_command_logs(level: str) -> None:
    """Send what our packages say to standard error, as text. Calling it again replaces what it did."""
    handler = _handler(_Text())
    for name in OUR_PACKAGES:
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(level)
        logger.propagate = False


def configure_server_logs(level: str, shape: Shape, process: Process) -> None:
    """Send everything that is said in this process to standard error, in one shape.

    Of other packages' loggers only warnings, for what they say below that may quote data. BentoML has set up
    its own handlers by now, which are taken away. Whatever ends a thread, or the process, is a line as well.
    """
    root = logging.getLogger()
    root.handlers = [_handler(_Json(process) if shape == "json" else _Text())]
    root.setLevel(max(logging.WARNING, logging.getLevelNamesMapping()[level]))
    for logger in list(logging.Logger.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            logger.handlers.clear()
            logger.propagate = True
    for name in SET_BY_BENTOML:
        logging.getLogger(name).setLevel(logging.NOTSET)
    for name in OUR_PACKAGES:
        logging.getLogger(name).setLevel(level)
    logging.getLogger("bentoml").setLevel(max(logging.INFO, logging.getLevelNamesMapping()[level]))
    logging.captureWarnings(True)
    # A line that cannot be made would be told with all that it was to be made of.
    logging.raiseExceptions = False
    sys.excepthook = _ended_by
    threading.excepthook = lambda ended: _ended_by(ended.exc_type, ended.exc_value, ended.exc_traceback)


def line_about(text: str) -> str:
    """What a library wrote to a server's output past all loggers, as a line of JSON."""
    record = logging.LogRecord("stderr", logging.WARNING, "", 0, text, None, None)
    return _Json(None).format(record)


def _handler(formatter: logging.Formatter) -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    return handler


def _ended_by(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt | SystemExit):
        return
    known = (kind, error, trace) if error is not None else None
    logging.getLogger("rollcall.crash").critical(
        "Ended by %s%s", kind.__name__, _reason(error), exc_info=known
    )


def _reason(error: BaseException | None) -> str:
    """Why the system refused something, such as a port: its own words, and no others, which may be data."""
    if isinstance(error, OSError) and error.errno and error.strerror:
        words = os.strerror(error.errno)
        # An error of a library may have a number that is none of the system's.
        return f": {words}" if error.strerror.startswith(words) else ""
    return ""


def _told(record: logging.LogRecord) -> str:
    """The message, without passwords of addresses in it, and not longer than a pipe takes whole."""
    message = record.getMessage()
    if record.name in _FIRST_LINE_ONLY:
        message = message.partition("\n")[0]
    if "://" in message:
        message = _AFTER_SCHEME.sub(_without_credentials, message)
    return _cut(message)


def _without_credentials(found: re.Match[str]) -> str:
    """A password may hold an `@` or a `/` as it is, so the last `@` of the word ends it."""
    before, _, rest = found[0].rpartition("@")
    return f"***@{rest}" if ":" in before else found[0]


def _cut(message: str) -> str:
    if len(message) * _LONGEST_LETTER <= MAX_MESSAGE:
        return message
    lengths = range(min(len(message), MAX_MESSAGE) + 1)
    kept = message[: bisect_right(lengths, MAX_MESSAGE, key=lambda length: _size(message[:length])) - 1]
    return message if len(kept) == len(message) else f"{kept}…"


def _size(text: str) -> int:
    """Bytes in a line of JSON; in one for people it has no more."""
    return len(json.dumps(text)) - 2


def _places(trace: TracebackType | None) -> list[str]:
    """The innermost places of a traceback, as many as there is room for, the outer ones first."""
    places = [
        f"{'/'.join(PurePath(frame.filename).parts[-3:])}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(trace)[-DEEPEST_PLACES:]
    ]
    while len(places) > 1 and sum(map(_size, places)) > MAX_PLACES:
        del places[0]
    return places


def _kind(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


class _Text(logging.Formatter):
    """For people. An exception is told by its type and places, for its text may quote what a caller sent."""

    def format(self, record: logging.LogRecord) -> str:
        about = f"{self.formatTime(record)} {record.levelname} {record.name} [{request_id.get()}]"
        head = f"{about} {_told(record)}"
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            return "\n  ".join([f"{head}: {_kind(error)}", *_places(error.__traceback__)])
        return head


class _Json(JsonFormatter):
    """One object a line. Of what a record has besides only our own `fields`: others may put data there."""

    def __init__(self, process: Process | None) -> None:
        super().__init__(json_default=str)
        self._process = process

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: ARG002
        """Never as text; see `add_fields`."""
        return ""

    def add_fields(
        self,
        log_data: LogData,
        record: logging.LogRecord,
        message_dict: dict[str, Any],  # noqa: ARG002
    ) -> None:
        current = request_id.get()
        log_data["time"] = _moment(record.created)
        log_data["level"] = record.levelname
        log_data["logger"] = record.name
        log_data["process"] = self._process
        log_data["request_id"] = None if current == NO_REQUEST else current
        log_data["message"] = _told(record)
        fields: Mapping[str, object] = getattr(record, "fields", {})
        log_data.update(fields)
        span = get_current_span().get_span_context()
        if span.is_valid:
            log_data["trace_id"] = f"{span.trace_id:032x}"
            log_data["span_id"] = f"{span.span_id:016x}"
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            log_data["exception"] = {"type": _kind(error), "places": _places(error.__traceback__)}


def _moment(seconds: float) -> str:
    """ISO 8601, in UTC, with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
