"""The official packs: what their archives are called, where they lie, and what their bytes must be."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

OFFICIAL_BASE = "https://github.com/deepinsight/insightface/releases/download"
# In the order in which they are tried.
OFFICIAL_RELEASES = (f"{OFFICIAL_BASE}/model-zoo", f"{OFFICIAL_BASE}/v0.7")
NON_COMMERCIAL = "non-commercial research only"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackFile:
    """A file and the SHA-256 of its bytes, in lower-case hexadecimal digits."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A pack that can be downloaded.

    `releases` are the addresses of the folders its archive may lie in; `licence` says what its authors allow.
    """

    name: str
    archive: PackFile
    detector: PackFile
    recogniser: PackFile
    releases: tuple[str, ...] = OFFICIAL_RELEASES
    licence: str = NON_COMMERCIAL

    def addresses(self, mirror: str | None = None) -> tuple[str, ...]:
        """Where to look for the archive, in this order. A mirror stands in for all releases.

        Raises:
            ValueError: the mirror's address is malformed.
        """
        folders = self.releases if mirror is None else (mirror,)
        return tuple(_below(folder, self.archive.name) for folder in folders)


def _below(folder: str, file_name: str) -> str:
    # A mirror's address may end in a query, such as an access token; the path ends before it.
    parts = urlsplit(folder)
    return parts._replace(path=f"{parts.path.rstrip('/')}/{file_name}", fragment="").geturl()


def _official(name: str, archive_sha256: str, detector: PackFile, recogniser: PackFile) -> Pack:
    archive = PackFile(name=f"{name}.zip", sha256=archive_sha256)
    return Pack(name=name, archive=archive, detector=detector, recogniser=recogniser)


_DET_10G = PackFile(
    name="det_10g.onnx", sha256="5838f7fe053675b1c7a08b633df49e7af5495cee0493c7dcf6697200b85b5b91"
)
_W600K_R50 = PackFile(
    name="w600k_r50.onnx", sha256="4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43"
)

OFFICIAL_PACKS: Mapping[str, Pack] = {
    pack.name: pack
    for pack in (
        _official(
            "buffalo_l",
            "80ffe37d8a5940d59a7384c201a2a38d4741f2f3c51eef46ebb28218a7b0ca2f",
            _DET_10G,
            _W600K_R50,
        ),
        _official(
            "buffalo_m",
            "d98264bd8f2dc75cbc2ddce2a14e636e02bb857b3051c234b737bf3b614edca9",
            PackFile(
                name="det_2.5g.onnx",
                sha256="041f73f47371333d1d17a6fee6c8ab4e6aecabefe398ff32cca4e2d5eaee0af9",
            ),
            _W600K_R50,
        ),
        _official(
            "buffalo_sc",
            "57d31b56b6ffa911c8a73cfc1707c73cab76efe7f13b675a05223bf42de47c72",
            PackFile(
                name="det_500m.onnx",
                sha256="5e4447f50245bbd7966bd6c0fa52938c61474a04ec7def48753668a9d8b4ea3a",
            ),
            PackFile(
                name="w600k_mbf.onnx",
                sha256="9cc6e4a75f0e2bf0b1aed94578f144d15175f357bdc05e815e5c4a02b319eb4f",
            ),
        ),
        _official(
            "antelopev2",
            "8e182f14fc6e80b3bfa375b33eb6cff7ee05d8ef7633e738d1c89021dcf0c5c5",
            PackFile(name="scrfd_10g_bnkps.onnx", sha256=_DET_10G.sha256),
            PackFile(
                name="glintr100.onnx",
                sha256="4ab1d6435d639628a6f3e5008dd4f929edf4c4124b1a7169e1048f9fef534cdf",
            ),
        ),
    )
}


def official(name: str) -> Pack | None:
    """The official pack of this name, if there is one."""
    return OFFICIAL_PACKS.get(name)


def networks(model_dir: Path, name: str) -> tuple[Path, ...]:
    """The ONNX files of a pack, by name; a pack may hold further ones than the two that are used.

    Some archives unpack into a folder within the folder, so that counts where the outer one has no networks.
    """
    folder = model_dir / name
    return _networks_in(folder) or _networks_in(folder / name)


def _networks_in(folder: Path) -> tuple[Path, ...]:
    try:
        return tuple(
            sorted(entry for entry in folder.iterdir() if entry.suffix == ".onnx" and entry.is_file())
        )
    except OSError:
        return ()


def present(model_dir: Path, name: str) -> bool:
    """Whether MODEL_DIR has a folder of this name with a detector's and a recogniser's worth of ONNX files.

    A cheap look, at names only: whether the networks are any good shows when they are loaded.
    """
    return len(networks(model_dir, name)) >= 2
