"""A model whose files could not be compared with those of its embeddings stores none."""

import asyncio
from pathlib import Path

import pytest

from rollcall.compose import build
from rollcall.core.errors import DatabaseError
from rollcall.core.ports import FaceReader
from rollcall.core.settings import Settings
from rollcall.workflows.enroll import Enrollment
from tests.packs import picture
from tests.switching import FIRST, SECOND, enrol, server, student

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_no_embedding_is_stored_by_a_model_before_it_is_checked(
    database_url: str, model_dir: Path, reader: FaceReader
) -> None:
    async def scenario() -> None:
        async with server(database_url, model_dir, reader, insightface_model=SECOND) as former:
            await enrol(former, 1)
        settings = Settings(
            _env_file=None,
            model_dir=model_dir,
            insightface_model=FIRST,
            ab_model=SECOND,
            database_url=database_url,
            enable_face_quality_check=False,
        )
        parts = build(settings, reader)
        try:
            assert await parts.models.step()
            active = parts.models.active()
            assert (active.name, active.checked) == (FIRST, False)
            assert await parts.keep_embedded.round() == 0
            assert not parts.keep_embedded.is_complete(FIRST)
            enrollment = Enrollment(person=student("S2"), name="Name of S2", picture=picture(2))
            with pytest.raises(DatabaseError, match="cannot be told now"):
                await parts.workflows.enroll.one(enrollment)
            await parts.prepare_database.run()
            await parts.models.ensure(FIRST)
            await parts.workflows.enroll.one(enrollment)
            assert await parts.keep_embedded.round() == 1
        finally:
            parts.close()

    asyncio.run(scenario())
