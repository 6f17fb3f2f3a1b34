"""What Rollcall must reach, as ratios of one run."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.values import PackResult

PACK = "r50"  # the targets are for the recogniser with w600k_r50's compute
CALLERS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    name: str
    limit: str
    measured: str
    reached: bool
    detail: str


def targets(result: PackResult) -> Sequence[Target]:
    """All targets, with what was measured."""
    ours, theirs, raw = result.rollcall, result.baseline, result.raw
    busy = ours.at(CALLERS)
    peak_gb = max(run.peak_mb for run in ours.runs) / 1000
    return [
        _at_least(
            f"requests a second at {CALLERS} callers, against the baseline's",
            5,
            busy.per_second / theirs.at(CALLERS).per_second,
            f"{busy.per_second:.1f} against {theirs.at(CALLERS).per_second:.1f} ({theirs.name})",
        ),
        _under(f"p95 at {CALLERS} callers", 300, busy.p95_ms, "ms", f"p50 {busy.p50_ms:.0f} ms"),
        _at_least(
            f"requests a second at {CALLERS} callers, of the bare networks' at batch 8",
            0.65,
            busy.per_second / raw.best.per_second,
            f"{busy.per_second:.1f} of {raw.best.per_second:.1f} ({raw.best.detector}, {raw.best.runtime})",
        ),
        _lone(result),
        _under("memory of all processes, at the most", 1.5, peak_gb, "GB", "over all numbers of callers"),
        _under(
            f"a picture of {ours.big.megapixels:.0f} megapixels, alone",
            400,
            ours.big.median_ms,
            "ms",
            f"the first {ours.big.first_ms:.0f} ms; {theirs.name} {theirs.big.median_ms:.0f} ms",
        ),
        _under(
            "and its memory besides",
            300,
            ours.big.extra_mb,
            "MB",
            f"{theirs.name} {theirs.big.extra_mb:.0f} MB",
        ),
    ]


def _lone(result: PackResult) -> Target:
    raw, lone = result.raw, result.rollcall.at(1)
    limit_ms = raw.lone_networks_ms + raw.decoding_ms
    return _at_most(
        "a lone request (p50), against networks and decoding",
        1.35,
        lone.p50_ms / limit_ms,
        f"{lone.p50_ms:.1f} ms against {raw.lone_networks_ms:.1f} + {raw.decoding_ms:.1f} ms",
    )


def _at_least(name: str, limit: float, value: float, detail: str) -> Target:
    return Target(
        name=name, limit=f"≥ {limit:g} x", measured=f"{value:.2f} x", reached=value >= limit, detail=detail
    )


def _at_most(name: str, limit: float, value: float, detail: str) -> Target:
    return Target(
        name=name, limit=f"≤ {limit:g} x", measured=f"{value:.2f} x", reached=value <= limit, detail=detail
    )


def _under(name: str, limit: float, value: float, unit: str, detail: str) -> Target:
    places = 0 if limit >= 10 else 2
    return Target(
        name=name,
        limit=f"< {limit:g} {unit}",
        measured=f"{value:.{places}f} {unit}",
        reached=value < limit,
        detail=detail,
    )
