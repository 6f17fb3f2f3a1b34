"""Debian's Chromium before a real server: one of each for all tests of a module.

Not for the whole run: while Playwright is up, its event loop is the thread's, and no other test could run
one.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chromium import launched
from tests.browser.fake_camera import camera_options
from tests.browser.school import School, running_school, write_packs
from tests.browser.visitor import Visitor
from tests.packs import picture

PATIENCE_MS = 60_000  # a busy machine may be slow
Visit = Callable[..., Visitor]
OpenSchool = Callable[..., School]

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def camera_pictures() -> list[bytes]:
    """What the camera sees, one picture after the other. A module that wants others has its own."""
    return [picture(1, 2)]


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory, camera_pictures: list[bytes]) -> Iterator[Browser]:
    """Chromium with a camera that shows `camera_pictures`, which every page may use."""
    with launched(*camera_options(tmp_path_factory.mktemp("camera"), camera_pictures)) as browser:
        yield browser


@pytest.fixture(scope="session")
def packs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A MODEL_DIR with the synthetic packs."""
    folder = tmp_path_factory.mktemp("models")
    write_packs(folder)
    return folder


@pytest.fixture(scope="module")
def open_school(tmp_path_factory: pytest.TempPathFactory, packs: Path) -> Iterator[OpenSchool]:
    """Start servers as `running_school` does, each with an empty database of its own."""
    with ExitStack() as schools:
        yield lambda *wrap, **changed: schools.enter_context(
            running_school(tmp_path_factory.mktemp("school"), packs, *wrap, **changed)
        )


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Visit]:
    """Somebody before the console. After the test nothing may be in the browser's console of errors."""
    with ExitStack() as contexts:
        visitors = []

        def arrive(school: School, **context: Any) -> Visitor:
            opened = chromium.new_context(**{"reduced_motion": "reduce", **context})
            contexts.callback(opened.close)
            opened.set_default_timeout(PATIENCE_MS)
            visitor = Visitor(opened.new_page(), school.url)
            visitors.append(visitor)
            return visitor

        yield arrive
        for visitor in visitors:
            assert visitor.problems == []
