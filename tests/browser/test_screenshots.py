"""`make screenshots` draws the pictures of the README."""

import subprocess
import sys
from pathlib import Path

from PIL import Image

from tests.browser.chromium import needs_chromium
from tests.browser.screenshots import MAX_BYTES, WIDTH
from tests.servers import ROOT

LIMIT_SECONDS = 300


@needs_chromium
def test_the_pictures_of_the_readme_can_be_drawn_anew(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.browser.screenshots", str(tmp_path)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {path.name for path in (ROOT / "docs/screenshots").iterdir()}
    for path in tmp_path.iterdir():
        with Image.open(path) as image:
            assert image.width == WIDTH
        assert path.stat().st_size < MAX_BYTES
