import asyncio
from pathlib import Path
from typing import Literal

import pytest

from rollcall.core.calibration import Calibration, Calibrations, CalibrationSource
from rollcall.core.faces import FALLBACK_MODEL, Reading, ReadRequest
from rollcall.core.models import LoadedModel
from rollcall.core.shared_settings import SharedSettings
from rollcall.modelstore.catalog import Pack
from rollcall.modelstore.choice import ModelChoice
from rollcall.modelstore.keeper import ModelKeeper, Progress
from tests.packs import write_pack

PACK = "pack"


class AnyModel:
    """core.ports.FaceReader that loads whatever it is asked for."""

    async def read(self, request: ReadRequest) -> Reading:
        raise AssertionError(f"{request.model} was asked to read")

    async def load(self, model: str) -> LoadedModel:
        return LoadedModel(name=model, backend=f"backend of {model}", dimension=512)

    async def unload(self, model: str) -> None:
        raise AssertionError(f"{model} was asked to go")


async def nothing_to_fetch(pack: Pack, _progress: Progress) -> None:
    raise AssertionError(pack)


async def nothing_to_check(_model: LoadedModel) -> None:
    pass


class Stored:
    """Calibrations and shared settings that a test can change."""

    def __init__(self) -> None:
        self.now = Calibrations()
        self.shared = SharedSettings()

    def put(self, model: str, operating_point: float) -> None:
        new = Calibration(
            midpoint=0.3, slope=20, operating_point=operating_point, source=CalibrationSource.STORED
        )
        self.now = Calibrations(stored={**self.now.stored, model: new})


def switch(
    folder: Path,
    stored: Stored,
    min_similarity: float | Literal["auto"],
    *,
    has_pack: bool = True,
    loaded_before: str | None = None,
) -> ModelKeeper:
    """After its first step: with the pack, or with the fallback where there is none."""
    for name in (PACK if has_pack else None, loaded_before):
        if name is not None:
            write_pack(folder / name)
    choice = ModelChoice(
        name=PACK, model_dir=folder, download=False, fallback=True, min_similarity=min_similarity
    )
    made = ModelKeeper(
        choice=choice,
        faces=AnyModel(),
        fetch=nothing_to_fetch,
        calibrations=lambda: stored.now,
        shared=lambda: stored.shared,
        check=nothing_to_check,
        needed=lambda _model: frozenset(),
    )
    if loaded_before is not None:
        asyncio.run(made.ensure(loaded_before))
    asyncio.run(made.step())
    return made


def test_auto_is_the_operating_point_of_the_calibration_that_is_stored_last(tmp_path: Path) -> None:
    stored = Stored()
    models = switch(tmp_path, stored, "auto")
    assert models.active().min_similarity == 0.4
    assert models.active().calibration.source is CalibrationSource.GENERIC
    stored.put(PACK, 0.33)
    assert models.active().min_similarity == 0.33
    assert models.active().calibration.source is CalibrationSource.STORED


def test_a_threshold_that_is_set_stays_whatever_is_stored(tmp_path: Path) -> None:
    stored = Stored()
    models = switch(tmp_path, stored, 0.5)
    stored.put(PACK, 0.33)
    assert models.active().min_similarity == 0.5


@pytest.mark.parametrize(("setting", "expected"), [(0.4, 0.6), (0.7, 0.7), ("auto", 0.6)])
def test_the_fallback_has_its_own_operating_point_at_least(
    tmp_path: Path, setting: float | Literal["auto"], expected: float
) -> None:
    models = switch(tmp_path, Stored(), setting, has_pack=False)
    assert (models.active().name, models.active().min_similarity) == (FALLBACK_MODEL, expected)


def test_the_fallbacks_stored_operating_point_counts_for_it(tmp_path: Path) -> None:
    stored = Stored()
    models = switch(tmp_path, stored, 0.4, has_pack=False)
    stored.put(FALLBACK_MODEL, 0.62)
    assert models.active().min_similarity == 0.62


@pytest.mark.parametrize(("shared", "expected"), [(0.0, 0.0), (0.7, 0.7), ("auto", 0.4)])
def test_a_shared_threshold_counts_in_place_of_the_configured_one(
    tmp_path: Path, shared: float | Literal["auto"], expected: float
) -> None:
    stored = Stored()
    models = switch(tmp_path, stored, 0.5)
    stored.shared = SharedSettings(similarity_threshold=shared)
    assert models.active().min_similarity == expected
    stored.shared = SharedSettings()
    assert models.active().min_similarity == 0.5


def test_a_shared_threshold_is_no_lower_for_the_fallback_than_its_operating_point(tmp_path: Path) -> None:
    stored = Stored()
    models = switch(tmp_path, stored, 0.9, has_pack=False)
    stored.shared = SharedSettings(similarity_threshold=0.3)
    assert models.active().min_similarity == 0.6


def test_the_model_before_stands_in_from_the_start(tmp_path: Path) -> None:
    stored = Stored()
    stored.shared = SharedSettings(previous_model="before")
    models = switch(tmp_path, stored, "auto", has_pack=False, loaded_before="before")
    assert models.active().name == "before"
    assert models.why_degraded() == f"The former model before answers: {PACK} is not in the model folder."


def test_a_model_beside_the_one_that_answers_does_not_keep_the_fallback_away(tmp_path: Path) -> None:
    models = switch(tmp_path, Stored(), "auto", has_pack=False, loaded_before="second")
    assert models.active().name == FALLBACK_MODEL
