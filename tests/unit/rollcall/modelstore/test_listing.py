"""The list of all models that could be used."""

from pathlib import Path

import pytest

from rollcall.core.faces import FALLBACK_MODEL
from rollcall.modelstore.listing import stored_models
from rollcall.modelstore.model_folder import _warn_of_name
from tests.packs import write_pack


@pytest.mark.parametrize("fallback", [True, False])
def test_a_folder_of_the_fallback_engines_name_is_no_pack(tmp_path: Path, *, fallback: bool) -> None:
    write_pack(tmp_path / FALLBACK_MODEL)
    write_pack(tmp_path / "mine")
    found = [model for model in stored_models(tmp_path, fallback=fallback) if model.present]
    assert [(model.name, model.verified) for model in found] == [
        ("mine", "unknown"),
        *([(FALLBACK_MODEL, None)] if fallback else []),
    ]


def test_the_log_says_so_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _warn_of_name.cache_clear()
    write_pack(tmp_path / FALLBACK_MODEL)
    for _ in range(3):
        stored_models(tmp_path, fallback=True)
    warned = [record for record in caplog.records if "fallback engine's name" in record.getMessage()]
    assert len(warned) == 1
