"""Pictures of enrolled faces, made small."""

import asyncio
from pathlib import Path

from db.engine import open_database
from db.migrate import migrate
from rollcall.workflows.show_picture import AT_ONCE, ShowPicture
from tests.db.rows import old_face


class SlowPictures:
    """Notes how many it is asked for at once."""

    def __init__(self) -> None:
        self._now = self.most = 0

    async def reduced(self, image: bytes, max_side: int) -> bytes:
        self._now += 1
        self.most = max(self.most, self._now)
        await asyncio.sleep(0.02)
        self._now -= 1
        return image[:max_side]


def test_a_page_of_thumbnails_does_not_hold_all_their_files_at_once(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path}/rollcall.db", pool_size=3)
    migrate(database)
    face_id = old_face(database, ImageData=b"a picture")
    pictures = SlowPictures()

    async def a_page() -> list[bytes]:
        show = ShowPicture(database=database, pictures=pictures)
        return await asyncio.gather(*(show.reduced(face_id, 3) for _ in range(20)))

    assert asyncio.run(a_page()) == [b"a p"] * 20
    assert 1 < pictures.most <= AT_ONCE
    database.close()
