"""Log lines: one format, to standard error, with the id of the request they belong to."""

import logging
import sys
from contextvars import ContextVar

OUR_PACKAGES = ("rollcall", "runners", "db")

request_id: ContextVar[str] = ContextVar("request_id", default="-")


class _WithRequestId(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


def configure_logs(level: str) -> None:
    """Send what our packages say to standard error. Calling it again replaces what it did."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"))
    handler.addFilter(_WithRequestId())
    for name in OUR_PACKAGES:
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(level)
        logger.propagate = False
