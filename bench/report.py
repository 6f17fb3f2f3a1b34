"""The results as Markdown."""

from collections.abc import Iterable, Sequence

from bench.targets import PACK, Target, targets
from bench.values import Contender, PackResult, RawResult, Runtime, Step

TITLES = {
    "r50": "det_2.5g and a 50-layer recogniser (the compute of buffalo_m)",
    "scrfd_mbf": "det_2.5g and MobileFaceNet (scrfd_mbf)",
}
PLOT = "results.png"


def markdown(results: Sequence[PackResult], *, machine: Iterable[tuple[str, str]], how: str) -> str:
    """The whole of RESULTS.md."""
    parts = [
        "# Results\n",
        "Written by `make bench`; [README.md](README.md) says what is measured and how.\n",
        table(["", ""], machine),
        f"{how}\n",
        f"![Requests a second and p95 over callers]({PLOT})\n",
    ]
    for result in results:
        parts += [f"## {TITLES[result.pack]}\n", *_sections(result)]
    return "\n".join(parts)


def _sections(result: PackResult) -> Iterable[str]:
    if result.pack == PACK:
        yield "### Targets\n"
        yield target_table(result)
    yield "### Servers over HTTP\n"
    yield _servers(result)
    yield f"Requests a second at 10 callers, round by round: {_rounds(result.contenders)}.\n"
    yield f"### A picture of {result.rollcall.big.megapixels:.0f} megapixels, alone\n"
    yield _big(result.contenders)
    yield "### Bare networks, items a second\n"
    yield _rates(result.raw)
    yield "### Detector and recogniser together, pictures a second, eight at a time\n"
    yield _together(result.raw)
    yield f"### Where the time goes, {result.rollcall.note}\n"
    yield _steps(result)


def target_table(result: PackResult) -> str:
    def row(target: Target) -> list[str]:
        verdict = ("reached" if target.reached else "**missed**") if result.pack == PACK else "-"
        return [target.name, target.limit, target.measured, verdict, target.detail]

    return table(["target", "limit", "measured", "", ""], (row(target) for target in targets(result)))


def _servers(result: PackResult) -> str:
    head = ["server", "callers", "requests/s", "p50 ms", "p95 ms", "p99 ms"]
    head += ["memory MB", "CPU s/request", "requests", "load's cores"]
    rows = [
        [
            contender.name,
            str(run.callers),
            f"{run.per_second:.1f}",
            f"{run.p50_ms:.0f}",
            f"{run.p95_ms:.0f}",
            f"{run.p99_ms:.0f}",
            f"{run.peak_mb:.0f}",
            f"{run.cpu_seconds:.3f}",
            str(run.requests),
            f"{run.load_cpu:.3f}",
        ]
        for contender in result.contenders
        for run in contender.runs
    ]
    rows.append(["bare networks (the limit)", "-", f"{result.raw.best.per_second:.1f}", *["-"] * 7])
    notes = "; ".join(f"{contender.name}: {contender.note}" for contender in result.contenders)
    return f"{table(head, rows)}\n{notes}.\n"


def _rounds(contenders: Sequence[Contender]) -> str:
    return "; ".join(
        f"{contender.name} {', '.join(f'{rate:.1f}' for rate in contender.rounds_per_second)}"
        for contender in contenders
    )


def _big(contenders: Sequence[Contender]) -> str:
    rows = (
        [c.name, f"{c.big.first_ms:.0f}", f"{c.big.median_ms:.0f}", f"{c.big.extra_mb:.0f}"]
        for c in contenders
    )
    return table(["server", "first ms", "median ms", "memory besides, MB"], rows)


def _rates(raw: RawResult) -> str:
    runtimes = _runtimes(rate.runtime for rate in raw.rates)
    found = {(rate.network, rate.batch, rate.runtime): rate.per_second for rate in raw.rates}
    inputs = dict.fromkeys((rate.network, rate.batch) for rate in raw.rates)
    rows = [
        [f"{network}, batch {batch}", *(f"{found[network, batch, runtime]:.1f}" for runtime in runtimes)]
        for network, batch in inputs
    ]
    return (
        f"{table(['network', *map(str, runtimes)], rows)}\n"
        f"`streams x threads of each`. Decoding the JPEG takes {raw.decode_ms:.1f} ms, at half its size "
        f"{raw.decode_half_ms:.1f} ms, in one thread.\n"
    )


def _together(raw: RawResult) -> str:
    runtimes = _runtimes(found.runtime for found in raw.together)
    found = {(one.detector, one.runtime): one.per_second for one in raw.together}
    rows = [
        [detector, *(f"{found[detector, runtime]:.1f}" for runtime in runtimes)]
        for detector in dict.fromkeys(one.detector for one in raw.together)
    ]
    return table(["", *map(str, runtimes)], rows)


def _runtimes(all_of_them: Iterable[Runtime]) -> list[Runtime]:
    return list(dict.fromkeys(all_of_them))


def _steps(result: PackResult) -> str:
    lone = result.rollcall.at(1).p50_ms
    known = sum(step.ms for step in result.steps)
    steps = [
        *result.steps,
        Step(name="the rest: HTTP, the hop between the processes, JSON, waiting", ms=lone - known),
        Step(name="**a lone request over HTTP (p50)**", ms=lone),
    ]
    rows = ([step.name, f"{step.ms:.2f}", f"{100 * step.ms / lone:.0f} %"] for step in steps)
    return table(["step, in its turn and alone", "ms", "share"], rows)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
