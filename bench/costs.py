"""What requests of each variant cost, compared within each round."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import TypeVar

T = TypeVar("T")
_SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """CPU microseconds a request, of all threads of the process.

    `saved`: by this variant, against everything in place in the same round; the median of the rounds.
    Half of the rounds lie between `low` and `high`.
    """

    variant: str
    all_in: float
    saved: float
    low: float
    high: float


def shuffled(variants: Sequence[T], rounds: int) -> Iterator[list[T]]:
    """All of them each round, each time in another order, so that none has a place of its own."""
    order = random.Random(_SEED)
    for _ in range(rounds):
        yield order.sample(variants, len(variants))


def compared(spent: Mapping[str, Sequence[float]]) -> list[Cost]:
    """Of each variant the CPU microseconds, for two rounds or more; the first has everything in place."""
    full = next(iter(spent.values()))
    return [_cost(variant, full, of) for variant, of in spent.items()]


def _cost(variant: str, full: Sequence[float], spent: Sequence[float]) -> Cost:
    saved = [everything - rest for everything, rest in zip(full, spent, strict=True)]
    low, middle, high = quantiles(saved, n=4, method="inclusive")
    return Cost(variant=variant, all_in=median(spent), saved=middle, low=low, high=high)
