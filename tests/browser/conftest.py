"""Debian's Chromium before a real server: one of each for all tests of a module.

Not for the whole run: while Playwright is up, its event loop is the thread's, and no other test could run
one.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from rollcall import compose
from rollcall.core.ports import FaceReader
from rollcall.core.settings import Settings
from tests.browser.fake_camera import camera_options
from tests.browser.school import BLIND, MODELS, School
from tests.browser.visitor import Visitor
from tests.live_app import LiveApp
from tests.packs import picture, write_pack

PATIENCE_MS = 30_000  # a busy machine may be slow
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


@contextmanager
def launched(*options: str) -> Iterator[Browser]:
    """Chromium, started with these options."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage", *options]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def packs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A MODEL_DIR with two good packs, and one that takes everybody for one person."""
    folder = tmp_path_factory.mktemp("models")
    for seed, name in enumerate(MODELS, start=20):
        write_pack(folder / name, seed=seed)
    write_pack(folder / BLIND, tells_people_apart=False)
    return folder


@pytest.fixture(scope="module")
def open_school(tmp_path_factory: pytest.TempPathFactory, packs: Path) -> Iterator[OpenSchool]:
    """Start servers with these settings, each with an empty database of its own; perhaps with a reader that
    is wrapped."""
    with ExitStack() as schools:

        def start(wrap: Callable[[FaceReader], FaceReader] = lambda reader: reader, **changed: Any) -> School:
            chosen = {
                "model_dir": packs,
                "insightface_model": MODELS[0],
                "database_url": f"sqlite:///{tmp_path_factory.mktemp('school')}/rollcall.db",
                "rate_limit_per_minute": 0,
                "auto_download_models": False,
                "enable_face_quality_check": False,
                **changed,
            }
            settings = Settings(_env_file=None, **chosen)
            reader = wrap(compose.local_reader(settings))
            client = schools.enter_context(LiveApp(settings, reader))
            return School(client=client, database_url=settings.database_url)

        yield start


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
