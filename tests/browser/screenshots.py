"""Pictures of the console for the README, without faces: `make screenshots`.

The people are made up, and their faces are the cards of tests/packs.py.
"""

import io
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import ViewportSize, expect

from tests.browser.chromium import launched
from tests.browser.conftest import PATIENCE_MS
from tests.browser.school import MODELS, PUPILS, SESSION, STRANGER, School, running_school
from tests.browser.visitor import Visitor
from tests.packs import write_pack

MAX_BYTES: Final = 150_000
_COLOURS: Final = 128
WIDTH: Final = 1280
# Name of the file: page, words that are there when it is drawn, colours.
_PICTURES: Final = {
    "overview": ("overview", "Similarity", "light"),
    "overview-dark": ("overview", "Similarity", "dark"),
    "people": ("people", "Emmy Noether", "light"),
    "attendance": (f"attendance?session={SESSION}", "Emmy Noether", "light"),
    "models": ("models", "This model answers now.", "light"),
}


def main(folder: Path) -> None:
    """Write them into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        packs = Path(place) / "models"
        for seed, name in enumerate(MODELS, start=20):
            write_pack(packs / name, seed=seed)
        with running_school(Path(place), packs) as school:
            _fill(school)
            _draw(school, folder)


def _fill(school: School) -> None:
    school.add_people(enrolled=len(PUPILS) - 1)
    school.add_past(datetime.now(UTC).replace(tzinfo=None))
    for person in (1, 2, 4, STRANGER):
        school.recognise(person)
    school.mark(1, 2, 4, 7)
    school.mark(5, status="Late")


def _draw(school: School, folder: Path) -> None:
    with launched() as browser:
        for name, (page, words, theme) in _PICTURES.items():
            context = browser.new_context(
                viewport=ViewportSize(width=WIDTH, height=800),
                color_scheme="dark" if theme == "dark" else "light",
                reduced_motion="reduce",
            )
            context.set_default_timeout(PATIENCE_MS)
            visitor = Visitor(context.new_page(), school.url)
            visitor.open(page)
            expect(visitor.page.get_by_role("main")).to_contain_text(words)
            _show_whole(visitor)
            (folder / f"{name}.png").write_bytes(_small(visitor.page.screenshot()))
            context.close()


def _show_whole(visitor: Visitor) -> None:
    """In a window as high as the page, as if nobody had to scroll."""
    height = visitor.page.evaluate("() => document.documentElement.scrollHeight")
    visitor.page.set_viewport_size(ViewportSize(width=WIDTH, height=height))


def _small(png: bytes) -> bytes:
    """The same in so few colours that it weighs little; there are not many in it."""
    file = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(_COLOURS).save(file, "PNG", optimize=True)
    assert file.tell() < MAX_BYTES
    return file.getvalue()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
