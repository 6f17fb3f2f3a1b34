"""Whether a load test kept the limits of SPEC section 5."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`max_p95_ms` by the name of the requests; the error rate is a share, 0 to 1, of all requests.

    `recognizing`: names of the requests that recognise somebody. A load without any has shown nothing.
    """

    max_p95_ms: Mapping[str, float]
    max_error_rate: float
    recognizing: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All requests of one name."""

    name: str
    requests: int
    failures: int
    p95_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A line for each limit; those that were passed are in `failed`."""

    lines: Sequence[str]
    failed: Sequence[str]

    def __str__(self) -> str:
        end = f"FAILED: {'; '.join(self.failed)}." if self.failed else "Passed: within all limits."
        return "\n".join([*self.lines, end])


def judge(measured: Sequence[Measured], limits: Limits, *, crashes: int) -> Verdict:
    """Compare with the limits. `crashes`: faults of the load test itself, which leave everything open."""
    lines: list[str] = []
    failed: list[str] = []
    found = {of.name: of for of in measured if of.requests}

    def note(what: str, kept: bool, detail: str) -> None:
        lines.append(f"{what}: {detail}: {'reached' if kept else 'MISSED'}")
        if not kept:
            failed.append(what)

    for name, limit_ms in limits.max_p95_ms.items():
        if name in found:
            p95_ms = found[name].p95_ms
            note(f"p95 of {name}", p95_ms < limit_ms, f"{p95_ms:g} ms, limit {limit_ms:g} ms")
        else:
            lines.append(f"p95 of {name}: nobody asked")
    if limits.recognizing and not limits.recognizing & found.keys():
        note("recognising", False, "nobody was recognised")
    requests = sum(of.requests for of in measured)
    failures = sum(of.failures for of in measured)
    rate = failures / requests if requests else 1.0
    note(
        "error rate",
        rate <= limits.max_error_rate,
        f"{failures} of {requests} requests ({100 * rate:.3g} %), limit {100 * limits.max_error_rate:g} %",
    )
    if crashes:
        note("the load test itself", False, f"{crashes} faults, see above")
    return Verdict(lines=lines, failed=failed)
