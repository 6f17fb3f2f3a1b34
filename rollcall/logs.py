"""Log lines: one format, to standard error, with the id of the request they belong to."""

import logging
import sys
from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="-")


class _WithRequestId(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


def configure_logs(level: str) -> None:
    """Send everything under the name `rollcall` to standard error. Calling it again replaces what it did."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"))
    handler.addFilter(_WithRequestId())
    logger = logging.getLogger("rollcall")
    logger.handlers = [handler]
    logger.setLevel(level)
    logger.propagate = False
