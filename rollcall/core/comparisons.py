"""What two models said of the same pictures, and how often they agreed."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rollcall.core.people import PersonKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one model said of the largest face of a picture.

    `person` is the best match, accepted or not, and `similarity` how alike they are. Both are None where the
    model found no face or had nobody to compare it with. `milliseconds`: how long reading the picture took.
    """

    model: str
    person: PersonKey | None
    similarity: float | None
    accepted: bool
    milliseconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The outcome that was answered with, and what the shadow model said of the same picture."""

    answer: Outcome
    shadow: Outcome


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcomes:
    """One model's outcomes. `nobody` of them have no similarity. Times are milliseconds a picture."""

    model: str
    accepted: NDArray[np.float64]  # similarities
    refused: NDArray[np.float64]  # similarities
    nobody: int
    milliseconds: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognitions:
    """How two models recognised the same pictures: one of the five counts for each of them."""

    same_person: int  # accepted by both
    different_persons: int  # accepted by both
    only_old: int  # accepted by the old model alone
    only_new: int
    neither: int
    old: Outcomes
    new: Outcomes

    @property
    def count(self) -> int:
        return self.same_person + self.different_persons + self.only_old + self.only_new + self.neither

    @property
    def agreed(self) -> int:
        """In how many cases a caller would have got the same answer."""
        return self.same_person + self.neither


def tally(old: str, new: str, comparisons: Iterable[Comparison]) -> Recognitions | None:
    """Count comparisons of these two models, whichever of them answered; None if there are none."""
    by_old, by_new = _Gathered(old), _Gathered(new)
    verdicts = {"same_person": 0, "different_persons": 0, "only_old": 0, "only_new": 0, "neither": 0}
    for each in comparisons:
        straight = each.answer.model == old
        first, second = (each.answer, each.shadow) if straight else (each.shadow, each.answer)
        by_old.add(first)
        by_new.add(second)
        verdicts[_verdict(first, second)] += 1
    if not any(verdicts.values()):
        return None
    return Recognitions(old=by_old.outcomes(), new=by_new.outcomes(), **verdicts)


def _verdict(old: Outcome, new: Outcome) -> str:
    if old.accepted and new.accepted:
        return "same_person" if old.person == new.person else "different_persons"
    if old.accepted:
        return "only_old"
    return "only_new" if new.accepted else "neither"


class _Gathered:
    """The numbers of one model's outcomes; there may be a million of them."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._similarities: dict[bool, list[float]] = {True: [], False: []}
        self._milliseconds: list[float] = []
        self._nobody = 0

    def add(self, outcome: Outcome) -> None:
        self._milliseconds.append(outcome.milliseconds)
        if outcome.similarity is None:
            self._nobody += 1
        else:
            self._similarities[outcome.accepted].append(outcome.similarity)

    def outcomes(self) -> Outcomes:
        return Outcomes(
            model=self._model,
            accepted=np.array(self._similarities[True], dtype=np.float64),
            refused=np.array(self._similarities[False], dtype=np.float64),
            nobody=self._nobody,
            milliseconds=np.array(self._milliseconds, dtype=np.float64),
        )
