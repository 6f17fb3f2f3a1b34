"""The tests' synthetic pack, and pictures of the people that it knows: for loads without ../shared."""

from pathlib import Path

from bench.packs import BenchPack
from bench.visitors import PICTURE_SIZE
from tests.packs import DIMENSIONS, picture, write_pack

PEOPLE = 12


def build(folder: Path) -> BenchPack:
    """Write the pack to `models` and a folder for each person to `people`."""
    models = folder / "models"
    write_pack(models / "synthetic")
    write_people(folder / "people")
    return BenchPack(
        name="synthetic",
        model_dir=models,
        detector=models / "synthetic" / "det_synthetic.onnx",
        recogniser=models / "synthetic" / "rec_synthetic.onnx",
        dimensions=DIMENSIONS,
    )


def write_people(folder: Path) -> None:
    for person in range(PEOPLE):
        (folder / f"P{person:02}").mkdir(parents=True)
        (folder / f"P{person:02}" / "1.jpg").write_bytes(picture(person, size=PICTURE_SIZE))
