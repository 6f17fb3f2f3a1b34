"""Draws the distributions of similarity: a row for each of two models."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from rollcall.core.calibration import Calibrations
from rollcall.core.comparisons import Outcomes
from rollcall.core.pairs import Separation
from rollcall.workflows.compare_models import ModelComparison

COLUMN_INCHES: Final = 8
ROW_INCHES: Final = 3.6
DOTS_PER_INCH: Final = 120
BARS: Final = 60
RED, BLUE = "tab:red", "tab:blue"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Panel:
    """Two distributions of one model, by their labels."""

    title: str
    high: tuple[str, NDArray[np.float64]]
    low: tuple[str, NDArray[np.float64]]
    operating_point: float
    bars: str
    in_percent: bool  # of each distribution by itself, since one may be a thousand times the other


def draw(found: ModelComparison) -> bytes:
    """A PNG file: the old model above the new one, with a column for each part that there is.

    Without pyplot, so that there is neither a display nor state that outlives the call.
    """
    columns = list(_columns(found))
    size = (COLUMN_INCHES * len(columns), 2 * ROW_INCHES)
    figure = Figure(figsize=size, dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(2, len(columns), squeeze=False)
    for column, panels in enumerate(columns):
        edges = _edges(panels)
        for row, panel in enumerate(panels):
            _draw_panel(grid[row, column], panel, edges)
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()


def _columns(found: ModelComparison) -> Iterator[tuple[_Panel, _Panel]]:
    if found.gallery is not None:
        yield _pairs(found.gallery.old), _pairs(found.gallery.new)
    if found.recognitions is not None:
        old, new = found.recognitions.old, found.recognitions.new
        yield _outcomes(old, found.calibrations), _outcomes(new, found.calibrations)


def _pairs(model: Separation) -> _Panel:
    return _Panel(
        title=f"{model.model}: pairs of faces of the gallery",
        high=("one person", model.same),
        low=("two people", model.different),
        operating_point=model.calibration.operating_point,
        bars="pairs of the kind (%)",
        in_percent=True,
    )


def _outcomes(model: Outcomes, calibrations: Calibrations) -> _Panel:
    return _Panel(
        title=f"{model.model}: the best match of each recognition",
        high=("accepted", model.accepted),
        low=("refused", model.refused),
        operating_point=calibrations.of(model.model).operating_point,
        bars="pictures",
        in_percent=False,
    )


def _edges(panels: Sequence[_Panel]) -> NDArray[np.float64]:
    """The same bars for both models, so that they can be compared at a glance."""
    seen = [values for panel in panels for _, values in (panel.high, panel.low)]
    points = np.array([panel.operating_point for panel in panels])
    ends = np.concatenate([*seen, points, [0.0, 1.0]])
    return np.linspace(ends.min(), ends.max(), BARS + 1)


def _draw_panel(axes: Axes, panel: _Panel, edges: NDArray[np.float64]) -> None:
    for (label, values), colour in ((panel.low, "tab:red"), (panel.high, "tab:blue")):
        counts = np.histogram(values, bins=edges)[0]
        heights = counts * (100 / max(len(values), 1) if panel.in_percent else 1)
        axes.stairs(heights, edges, fill=True, color=colour, alpha=0.6, label=f"{label} ({len(values)})")
    point = panel.operating_point
    axes.axvline(point, color="black", linestyle="--", label=f"operating point {point:.4g}")
    axes.set_title(panel.title)
    axes.set_xlabel("similarity")
    axes.set_ylabel(panel.bars)
    axes.grid(alpha=0.3)
    axes.legend()
