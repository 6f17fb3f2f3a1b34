"""What was measured, as values that cross between processes. Imports nothing large."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRun:
    """So many callers in a closed loop: each sends its next request when it has its answer."""

    callers: int
    requests: int
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    load_cpu_seconds: float  # spent by the load generator itself

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRun:
    """A load, and what it cost the server: all its processes together."""

    callers: int
    requests: int
    per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    peak_mb: float
    cpu_seconds: float  # a request
    load_cpu: float  # cores kept busy by the load generator

    @classmethod
    def median(cls, runs: Sequence["ServerRun"]) -> "ServerRun":
        """The median of each number over the rounds; the highest memory; all requests."""
        return cls(
            callers=runs[0].callers,
            requests=sum(run.requests for run in runs),
            per_second=median(run.per_second for run in runs),
            p50_ms=median(run.p50_ms for run in runs),
            p95_ms=median(run.p95_ms for run in runs),
            p99_ms=median(run.p99_ms for run in runs),
            peak_mb=max(run.peak_mb for run in runs),
            cpu_seconds=median(run.cpu_seconds for run in runs),
            load_cpu=median(run.load_cpu for run in runs),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BigRun:
    """A 36-megapixel picture, alone: the first one, the median of all, and the memory it took besides."""

    megapixels: float
    first_ms: float
    median_ms: float
    extra_mb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One server's results: a run for each number of callers."""

    name: str
    note: str
    runs: Sequence[ServerRun]
    big: BigRun
    rounds_per_second: Sequence[float]  # at 10 callers, in each round

    def at(self, callers: int) -> ServerRun:
        return next(run for run in self.runs if run.callers == callers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """How a network is run: `streams` at once, of `threads` threads together."""

    name: str
    streams: int
    threads: int

    def __str__(self) -> str:
        return f"{self.name}, {self.streams} x {self.threads // self.streams}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Items (pictures or crops) a second through one bare network."""

    network: str
    batch: int
    runtime: Runtime
    per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """Pictures a second through detector and recogniser: eight detections, then one run of eight crops."""

    detector: str
    runtime: Runtime
    per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RawResult:
    """The limit: nothing but the networks, and the decoding."""

    rates: Sequence[Rate]
    together: Sequence[Together]
    decode_ms: float
    decode_half_ms: float

    @property
    def best(self) -> Together:
        return max(self.together, key=lambda found: found.per_second)

    @property
    def decoding_ms(self) -> float:
        return min(self.decode_ms, self.decode_half_ms)

    @property
    def lone_networks_ms(self) -> float:
        """One picture with nothing beside it: the fastest detection and the fastest embedding."""
        return self._lone_ms("detector") + self._lone_ms("recogniser")

    def _lone_ms(self, network: str) -> float:
        return min(
            1000 / rate.per_second
            for rate in self.rates
            if rate.network.startswith(network) and rate.batch == 1 and rate.runtime.streams == 1
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    name: str
    ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PackResult:
    """Everything measured with one model pack."""

    pack: str
    raw: RawResult
    steps: Sequence[Step]
    baselines: Sequence[Contender]
    rollcall: Contender

    @property
    def baseline(self) -> Contender:
        """The faster of the baselines at 10 callers: the ratios are against this one."""
        return max(self.baselines, key=lambda contender: contender.at(10).per_second)

    @property
    def contenders(self) -> Sequence[Contender]:
        return (*self.baselines, self.rollcall)


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all does not exceed."""
    rank = -(-len(sorted_values) * share // 1)
    return sorted_values[max(0, int(rank) - 1)]
