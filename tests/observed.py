"""What the work told its observer."""

from collections import Counter

from rollcall.core.observing import ComparisonOutcome, Unobserved


class Observed(Unobserved):
    """core.observing.Observer that remembers."""

    def __init__(self) -> None:
        self.recognitions = Counter[tuple[str, str | None]]()
        self.comparisons = Counter[ComparisonOutcome]()

    def known_by(self, model: str, matched_by: str | None) -> None:
        self.recognitions[model, matched_by] += 1

    def compared(self, outcome: ComparisonOutcome) -> None:
        self.comparisons[outcome] += 1
