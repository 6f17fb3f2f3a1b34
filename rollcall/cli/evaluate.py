"""`rollcall evaluate`: how well a model tells people apart, on pictures of known people."""

import argparse
import asyncio
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from db.migrate import migrate
from rollcall import compose
from rollcall.cli.evaluation_report import report
from rollcall.cli.patient_database import require_database
from rollcall.core.calibration import Calibration, Calibrations
from rollcall.core.errors import InvalidRequest, RollcallError
from rollcall.core.faces import FALLBACK_MODEL, Embedding
from rollcall.core.settings import Settings
from rollcall.workflows.evaluate import Evaluate, Pairs, Photo, calibrate, compare, photos_in


def add_command(commands: Any) -> None:
    command = commands.add_parser(
        "evaluate",
        help="measure a model's errors, and suggest a threshold",
        description="Compare all pictures in DIR/<person>/ (.jpg, .jpeg, .png, .webp; the largest face of "
        "each) with one another; print the false accept and false reject rates and the curve of confidence; "
        "suggest a threshold.",
    )
    command.add_argument("folder", type=Path, metavar="DIR", help="a folder with a folder per person")
    command.add_argument(
        "--model", metavar="NAME", help="a pack in MODEL_DIR, or face_recognition; default: INSIGHTFACE_MODEL"
    )
    command.add_argument("--png", type=Path, metavar="FILE", help="draw both rates over the threshold")
    command.add_argument(
        "--store",
        action="store_true",
        help="keep the threshold for SIMILARITY_THRESHOLD=auto, and the curve for confidence",
    )
    command.add_argument(
        "--max-false-accept-rate",
        type=_rate,
        default=0.001,
        metavar="RATE",
        help="what the suggested threshold has to keep to, 0 to below 1 (default: %(default)s)",
    )
    command.set_defaults(run=run)


def _rate(text: str) -> float:
    rate = float(text)
    if not 0 <= rate < 1:
        raise ValueError
    return rate


async def run(options: argparse.Namespace, settings: Settings) -> int:
    """Print the report, then draw and store what is asked for.

    Raises:
        InvalidRequest: the folder or an option cannot be used.
        ModelNotLoaded, DatabaseError: as they say.
    """
    photos = photos_in(options.folder)
    if options.store:
        require_database(settings)
    if options.png and not options.png.absolute().parent.is_dir():
        raise InvalidRequest("The folder for the PNG file does not exist.")
    chosen = _with_model(settings, options.model or settings.insightface_model)
    parts = compose.build(chosen, compose.local_reader(chosen))
    try:
        await parts.models.step()
        model = parts.models.active()
        print(f"Evaluating {model.name}, on {model.backend}")
        pairs = compare(model.name, await _read(parts.evaluate, photos))
        calibration = calibrate(pairs.rates, options.max_false_accept_rate)
        own = Calibrations().of(model.name)
        print("\n".join(report(pairs, calibration, own, options.max_false_accept_rate)))
        if options.png:
            _draw(pairs, calibration, options.png)
        if options.store:
            await asyncio.to_thread(migrate, parts.database)
            await asyncio.to_thread(parts.evaluate.store, pairs, calibration)
            print(_stored(model.name, await asyncio.to_thread(_threshold, parts, settings)))
    finally:
        parts.close()
    return 0


def _with_model(settings: Settings, name: str) -> Settings:
    """Settings by which this model answers and no other stands in for it."""
    fallback = "face_recognition" if name == FALLBACK_MODEL else "none"
    changed = {"insightface_model": name, "model_fallback": fallback}
    try:
        return Settings(**{**settings.model_dump(), **changed})
    except ValidationError as error:
        raise InvalidRequest("The model must be the plain name of a folder in MODEL_DIR.") from error


async def _read(evaluate: Evaluate, photos: list[Photo]) -> list[tuple[str, Embedding]]:
    """The faces and their people's codes; says which pictures are left out, and why."""
    faces = []
    async for result in evaluate.read(photos):
        if isinstance(result.outcome, RollcallError):
            where = f"{result.photo.code}/{result.photo.path.name}"
            print(f"{where}: left out, {result.outcome.code}: {result.outcome.message}")
        else:
            faces.append((result.photo.code, result.outcome))
    return faces


def _draw(pairs: Pairs, calibration: Calibration, file: Path) -> None:
    # Here, because Matplotlib takes a second to load.
    from rollcall.cli.evaluation_curves import draw

    try:
        file.write_bytes(draw(pairs, calibration.operating_point))
    except OSError as error:
        raise InvalidRequest(f"The PNG file cannot be written: {type(error).__name__}.") from error
    print(f"Curves drawn into {file}")


def _threshold(parts: compose.Parts, settings: Settings) -> float | Literal["auto"]:
    """The shared one before the environment's."""
    with parts.database.transaction() as records:
        shared = records.settings.all().similarity_threshold
    return settings.similarity_threshold if shared is None else shared


def _stored(model: str, threshold: float | Literal["auto"]) -> str:
    text = f"Stored for {model}. Running servers take it into use within seconds, without a restart."
    if threshold == "auto":
        return text
    return (
        f"{text}\nSIMILARITY_THRESHOLD is {threshold}, so only confidence changes; "
        "set it to auto to use the stored threshold."
    )
