"""Draws the two error rates over the threshold."""

import io
from typing import Final

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from rollcall.workflows.evaluate import Pairs

SIZE_INCHES: Final = (8, 5)
DOTS_PER_INCH: Final = 120
POINTS: Final = 2001


def draw(pairs: Pairs, suggested: float) -> bytes:
    """A PNG file. Without pyplot, so that there is neither a display nor state that outlives the call."""
    rates = pairs.rates
    ends = (rates.same[0], rates.same[-1], rates.different[0], rates.different[-1], suggested)
    thresholds = np.linspace(min(*ends, 0.0), max(*ends, 1.0), POINTS)
    figure = Figure(figsize=SIZE_INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.plot(thresholds, 100 * rates.false_accepts(thresholds), color="tab:red", label="false accept rate")
    axes.plot(thresholds, 100 * rates.false_rejects(thresholds), color="tab:blue", label="false reject rate")
    axes.axvline(suggested, color="black", linestyle="--", label=f"suggested threshold {suggested:.4g}")
    axes.set_title(
        f"{pairs.model}: {len(rates.same)} pairs of one person, {len(rates.different)} pairs of two"
    )
    axes.set_xlabel("similarity threshold")
    axes.set_ylabel("pairs in error (%)")
    axes.grid(alpha=0.3)
    axes.legend()
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()
