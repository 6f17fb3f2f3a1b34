"""All models that could be used: official packs, those in MODEL_DIR, and the fallback engine."""

import logging
from pathlib import Path
from typing import Final

from rollcall.core.faces import FALLBACK_MODEL
from rollcall.core.models import StoredModel
from rollcall.core.settings import MODEL_NAME
from rollcall.modelstore.catalog import OFFICIAL_PACKS, official, present
from rollcall.modelstore.errors import PackMissing
from rollcall.modelstore.model_folder import packs_in
from rollcall.modelstore.verification import verify

_log = logging.getLogger(__name__)

UNKNOWN_LICENCE: Final = "unknown; ask whoever made it"
FALLBACK_LICENCE: Final = "public domain (CC0)"


def stored_models(model_dir: Path, *, fallback: bool) -> list[StoredModel]:
    """In the order of their names, packs first. Blocks."""
    names = sorted({*OFFICIAL_PACKS, *packs_in(model_dir)})
    found = [_stored(model_dir, name) for name in names]
    if fallback:
        found.append(
            StoredModel(
                name=FALLBACK_MODEL,
                present=True,
                downloadable=False,
                verified=None,
                licence=FALLBACK_LICENCE,
            )
        )
    return found


def is_known(model_dir: Path, name: str, *, download: bool, fallback: bool) -> bool:
    """Whether a model of this name is there or could be downloaded. Blocks."""
    if name == FALLBACK_MODEL:
        return fallback
    if not MODEL_NAME.fullmatch(name):
        return False  # whatever is there is outside the folder
    return present(model_dir, name) or (download and official(name) is not None)


def sha256_of(model_dir: Path, model: str, file: str) -> str | None:
    """The SHA-256 of one of a pack's networks, read only where it is not known; None if it cannot be read.

    Blocks.
    """
    try:
        files = verify(model_dir, model).files
    except PackMissing:
        return None
    return next((found.sha256 for found in files if found.name == file), None)


def _stored(model_dir: Path, name: str) -> StoredModel:
    pack = official(name)
    try:
        verified = verify(model_dir, name).origin.value
    except PackMissing:
        verified = None
    return StoredModel(
        name=name,
        present=verified is not None,
        downloadable=pack is not None,
        verified=verified,
        licence=pack.licence if pack else UNKNOWN_LICENCE,
    )
