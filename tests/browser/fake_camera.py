"""A camera for Chromium that shows pictures."""

from collections.abc import Sequence
from pathlib import Path


def camera_options(folder: Path, pictures: Sequence[bytes]) -> list[str]:
    """Options by which Chromium shows these JPEGs, all of one size, over and over, and asks nobody."""
    film = folder / "camera.mjpeg"
    film.write_bytes(b"".join(pictures))
    return [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    ]
