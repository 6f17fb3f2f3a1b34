"""What bulk imports cost, as Markdown."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import mean, median

from bench.pairs import TITLES
from bench.report import table

LEAST_SHARE = 0.8
# The gallery and the list of codes grow with the people; nothing else may.
_BYTES_A_NUMBER = 4
_KNOWN_BYTES_A_PERSON = 1500
_SLACK_MB = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Photos a second of each round, by a pack."""

    pack: str
    engine: Sequence[float]
    command: Sequence[float]
    server: Sequence[float]

    @property
    def command_share(self) -> float:
        return median(self.command) / median(self.engine)

    @property
    def server_share(self) -> float:
        return median(self.server) / median(self.engine)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryRun:
    """Memory of the command every few seconds, from the first stored rows on."""

    photos: int
    dimensions: int
    per_second: float
    mb: Sequence[float]

    @property
    def early_mb(self) -> float:
        return mean(self.mb[: max(1, len(self.mb) // 10)])

    @property
    def late_mb(self) -> float:
        return mean(self.mb[-max(1, len(self.mb) // 10) :])

    @property
    def growth_mb(self) -> float:
        return self.late_mb - self.early_mb

    @property
    def unavoidable_mb(self) -> float:
        """What the gallery has of so many faces, and the list of so many codes."""
        return self.photos * (self.dimensions * _BYTES_A_NUMBER + _KNOWN_BYTES_A_PERSON) / 1e6


def markdown(
    results: Sequence[Rates], memory: MemoryRun, *, machine: Iterable[tuple[str, str]], how: str
) -> str:
    """The whole of IMPORT.md."""
    return "\n".join(
        [
            "# What a bulk import costs\n",
            "Written by `make bench-import`; [README.md](README.md) says what is measured and how.\n",
            table(["", ""], machine),
            f"{how}\n",
            "## Targets\n",
            table(["target", "limit", "model", "measured", ""], _targets(results, memory)),
            "## Photos a second, when nothing else runs\n",
            table(
                ["model", "FaceEngine", "the command", "share", "the server's job", "share", "rounds"],
                map(_row, results),
            ),
            f"## Memory of the command over {memory.photos:,} photos\n",
            table(
                ["at first, MB", "at last, MB", "growth, MB", "gallery and codes, MB", "photos/s"],
                [
                    (
                        f"{memory.early_mb:.0f}",
                        f"{memory.late_mb:.0f}",
                        f"{memory.growth_mb:.0f}",
                        f"{memory.unavoidable_mb:.0f}",
                        f"{memory.per_second:.1f}",
                    )
                ],
            ),
        ]
    )


def _targets(results: Sequence[Rates], memory: MemoryRun) -> Iterator[Sequence[str]]:
    for of in results:
        for who, share in (("the command", of.command_share), ("the server's job", of.server_share)):
            target = f"{who}, of FaceEngine's rate"
            measured = f"{share:.0%}"
            yield target, f"≥ {LEAST_SHARE:.0%}", TITLES[of.pack], measured, _met(share >= LEAST_SHARE)
    most = memory.unavoidable_mb + _SLACK_MB
    grown = f"{memory.growth_mb:.0f} MB"
    target = f"growth over {memory.photos:,} photos"
    yield target, f"≤ {most:.0f} MB", "", grown, _met(memory.growth_mb <= most)


def _row(of: Rates) -> Sequence[str]:
    rounds = "; ".join(
        f"{engine:.1f} / {command:.1f} / {server:.1f}"
        for engine, command, server in zip(of.engine, of.command, of.server, strict=True)
    )
    return (
        TITLES[of.pack],
        f"{median(of.engine):.1f}",
        f"{median(of.command):.1f}",
        f"{of.command_share:.0%}",
        f"{median(of.server):.1f}",
        f"{of.server_share:.0%}",
        rounds,
    )


def _met(is_met: bool) -> str:
    return "reached" if is_met else "**missed**"
