"""The two packs: the real one of ../shared, and one with the compute of buffalo_m."""

import os
from dataclasses import dataclass
from pathlib import Path

SHARED = Path(__file__).resolve().parents[2] / "shared"
GENERATED = Path(__file__).resolve().parent / ".cache" / "models"  # not under version control
_VERSION = 1  # of what bench/iresnet.py generates; raise it when that changes


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchPack:
    """A model pack in `model_dir`/`name`, whose embeddings have so many numbers."""

    name: str
    model_dir: Path
    detector: Path
    recogniser: Path
    dimensions: int

    @property
    def folder(self) -> Path:
        return self.model_dir / self.name


def find_pack(name: str) -> BenchPack:
    """scrfd_mbf or r50; the latter is generated when it is not there yet, which takes some seconds."""
    real = SHARED / "models" / "scrfd_mbf"
    if name == "scrfd_mbf":
        return BenchPack(
            name=name,
            model_dir=real.parent,
            detector=real / "det_2.5g.onnx",
            recogniser=real / "mobilefacenet.onnx",
            dimensions=128,
        )
    folder = GENERATED / "r50"
    pack = BenchPack(
        name="r50",
        model_dir=GENERATED,
        detector=folder / "det_2.5g.onnx",
        recogniser=folder / "iresnet50.onnx",
        dimensions=512,
    )
    _generate(pack, real / "det_2.5g.onnx")
    return pack


def _generate(pack: BenchPack, detector: Path) -> None:
    pack.folder.mkdir(parents=True, exist_ok=True)
    # A link: the weights are not ours to copy.
    if not pack.detector.exists():
        pack.detector.unlink(missing_ok=True)
        pack.detector.symlink_to(detector)
    version = pack.folder / "version"
    if pack.recogniser.exists() and version.exists() and version.read_text() == str(_VERSION):
        return
    import onnx

    from bench.iresnet import iresnet50

    unfinished = pack.recogniser.with_suffix(f".{os.getpid()}")
    onnx.save(iresnet50(), unfinished)
    unfinished.replace(pack.recogniser)
    version.write_text(str(_VERSION))


def big_photo() -> Path:
    """The largest photograph of T001: 36 megapixels."""
    return max((SHARED / "photos" / "people" / "T001").iterdir(), key=lambda path: path.stat().st_size)


def people_photos() -> list[bytes]:
    """All photographs of ../shared's people, as they are: 40 kB to 2.5 MB, 0.1 to 36 megapixels."""
    return [path.read_bytes() for path in sorted((SHARED / "photos" / "people").glob("*/*"))]
