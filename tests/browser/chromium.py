"""Debian's Chromium."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

_PROGRAM = shutil.which("chromium")
_WHY_NOT = "Chromium is not installed (apt-get install chromium)"
needs_chromium = pytest.mark.skipif(_PROGRAM is None, reason=_WHY_NOT)


@contextmanager
def launched(*options: str) -> Iterator[Browser]:
    """Chromium, started with these options; skips the test where there is none."""
    if _PROGRAM is None:
        pytest.skip(_WHY_NOT)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=_PROGRAM, args=["--no-sandbox", "--disable-dev-shm-usage", *options]
        )
        try:
            yield browser
        finally:
            browser.close()
