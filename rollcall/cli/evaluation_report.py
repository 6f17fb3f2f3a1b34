"""What `rollcall evaluate` prints. People appear by their folders' names alone."""

from collections.abc import Iterator
from typing import Final

from rollcall.core.calibration import Calibration
from rollcall.core.error_rates import ErrorRates
from rollcall.workflows.evaluate import Pairs

THRESHOLDS: Final = tuple(round(0.20 + 0.05 * i, 2) for i in range(13))  # 0.20 to 0.80
FALSE_ACCEPT_RATES: Final = (1e-1, 1e-2, 1e-3, 1e-4)
# With this many trials and no error, the rate is below 3 / trials, with 95 % confidence.
RULE_OF_THREE: Final = 3
FEW_SAME_PAIRS: Final = 60  # by the same rule, 5 %


def report(pairs: Pairs, fitted: Calibration, own: Calibration, max_false_accept: float) -> Iterator[str]:
    """The lines; `own` is the calibration that the model has without a stored one."""
    rates = pairs.rates
    yield (
        f"{pairs.people} people, {pairs.pictures} pictures; pairs of one person: {len(rates.same)}, "
        f"of two: {len(rates.different)}"
    )
    least, most = pairs.least_alike, pairs.most_alike
    yield f"Least alike of one person: {least.similarity:.4f} ({', '.join(least.codes)})"
    yield f"Most alike of two people: {most.similarity:.4f} ({', '.join(most.codes)})"
    yield ""
    yield from _rate_table(rates, fitted.operating_point)
    yield ""
    yield from _roc(rates)
    yield ""
    yield from _summary(rates, fitted, own, max_false_accept)
    yield from _warnings(rates, fitted.operating_point, max_false_accept)


def _rate_table(rates: ErrorRates, suggested: float) -> Iterator[str]:
    yield f"{'threshold':>10} {'false accept':>14} {'false reject':>14}"
    for threshold in sorted({*THRESHOLDS, suggested}):
        mark = "  suggested" if threshold == suggested else ""
        shown = f"{threshold:.2f}" if threshold in THRESHOLDS else f"{threshold:.4f}"
        accepted, rejected = rates.false_accept(threshold), rates.false_reject(threshold)
        yield f"{shown:>10} {accepted:>14.2%} {rejected:>14.2%}{mark}"


def _roc(rates: ErrorRates) -> Iterator[str]:
    yield "ROC (receiver operating characteristic)"
    yield f"{'false accept at most':>21} {'true accept':>12}"
    for rate in FALSE_ACCEPT_RATES:
        needed = round(1 / rate)
        measured = len(rates.different) >= needed
        shown = f"{rates.true_accept_at(rate):.2%}" if measured else f"needs {needed} pairs of two"
        yield f"{rate:>21.2%} {shown:>12}"


def _summary(
    rates: ErrorRates, fitted: Calibration, own: Calibration, max_false_accept: float
) -> Iterator[str]:
    equal = rates.equal_error()
    yield f"Equal error rate: {equal.rate:.2%}, at threshold {equal.threshold:.4f}"
    yield (
        f"Suggested threshold: {fitted.operating_point}, for a false accept rate of at most "
        f"{max_false_accept:.2%}, then the fewest false rejects, then the widest margin"
    )
    yield (
        f"Confidence: logistic curve with midpoint {fitted.midpoint:.4f} and slope {fitted.slope:.2f}, "
        "where one person and two are equally likely beforehand"
    )
    yield (
        f"Without a stored one this model has a {own.source} calibration: midpoint {own.midpoint}, "
        f"slope {own.slope}, threshold {own.operating_point}"
    )


def _warnings(rates: ErrorRates, threshold: float, max_false_accept: float) -> Iterator[str]:
    if rates.false_accept(threshold) > max_false_accept:
        yield "Warning: no threshold keeps to that rate. Is one person's picture in another's folder?"
    trials = len(rates.different)
    if trials * max_false_accept < RULE_OF_THREE:
        needed = f"{RULE_OF_THREE / max_false_accept:.0f} or more" if max_false_accept else "more"
        yield (
            f"Warning: {trials} pairs of two people are too few to be sure. Even without an error they only "
            f"show a false accept rate below {_shown_by(trials):.2%} (with 95 % confidence); take {needed}."
        )
    if len(rates.same) < FEW_SAME_PAIRS:
        yield (
            f"Warning: {len(rates.same)} pairs of one person are few. Even without an error they only show a "
            f"false reject rate below {_shown_by(len(rates.same)):.2%} (with 95 % confidence)."
        )


def _shown_by(trials: int) -> float:
    """The rate that this many trials without an error stay below, with 95 % confidence."""
    return min(1.0, RULE_OF_THREE / trials)
