"""The results as a picture."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes

from bench.report import TITLES
from bench.values import PackResult

mpl.use("Agg")
from matplotlib import pyplot as plt

_COLOURS = ("tab:orange", "tab:brown", "tab:blue")


def draw(results: Sequence[PackResult], path: Path) -> int:
    """Write a PNG: requests a second and p95 over callers, a row for each pack; returns how many rows."""
    figure, axes = plt.subplots(
        len(results), 2, figsize=(11, 4.2 * len(results)), squeeze=False, layout="constrained"
    )
    for result, (left, right) in zip(results, axes, strict=True):
        _rates(left, result)
        _latencies(right, result)
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return len(results)


def _rates(axes: Axes, result: PackResult) -> None:
    limit = result.raw.best.per_second
    for contender, colour in zip(result.contenders, _COLOURS, strict=True):
        callers = [run.callers for run in contender.runs]
        rates = [run.per_second for run in contender.runs]
        axes.plot(callers, rates, "o-", color=colour, label=contender.name)
    axes.axhline(limit, color="grey", linestyle="--", label="bare networks, batch 8")
    axes.set_ylim(0, limit * 1.1)
    _finish(axes, result, "requests a second")


def _latencies(axes: Axes, result: PackResult) -> None:
    for contender, colour in zip(result.contenders, _COLOURS, strict=True):
        callers = [run.callers for run in contender.runs]
        axes.plot(callers, [run.p95_ms for run in contender.runs], "o-", color=colour, label=contender.name)
    axes.set_yscale("log")
    _finish(axes, result, "p95, milliseconds")


def _finish(axes: Axes, result: PackResult, label: str) -> None:
    callers = [run.callers for run in result.rollcall.runs]
    axes.set_title(TITLES[result.pack], fontsize=9)
    axes.set_xscale("log", base=2)
    axes.set_xticks(callers, [str(number) for number in callers])
    axes.set_xlabel("callers")
    axes.set_ylabel(label)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
