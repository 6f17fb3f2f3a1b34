"""`python -m bench.gallery_load URL`: how long the gallery takes to load and to search, and its memory.

Only reads. Each run is a fresh process whose connection is open already; the memory is the growth of the peak
resident set, which the kernel keeps. `python -m bench.fill` makes a database.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median

import psutil

from bench.fill import MODEL, random_embeddings
from bench.memory import Growth
from db.engine import open_database
from rollcall.core.matching import Thresholds
from rollcall.gallery.gallery import FaceGallery

_REPETITIONS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryCost:
    """Times of one process: seconds for loading, milliseconds for the rest."""

    load_seconds: float
    load_mb: float
    follow_ms: float
    nearest_ms: float
    nearest_100_ms: float
    compare_ms: float


def measure(url: str) -> GalleryCost:
    """Load the gallery from this database and search it. For a fresh process."""
    database = open_database(url, 1)
    database.ping()
    gallery = FaceGallery(database, limit=60)
    growth = Growth([psutil.Process()])
    load_seconds = _seconds(gallery.follow)
    load_mb = growth.mb()
    probe = {MODEL: random_embeddings(1)[0]}
    thresholds = Thresholds(active_model=MODEL, min_similarity=0.5)
    person = gallery.rank(probe, thresholds)[0].person
    cost = GalleryCost(
        load_seconds=load_seconds,
        load_mb=load_mb,
        follow_ms=_median_ms(gallery.follow),
        nearest_ms=_median_ms(partial(gallery.rank, probe, thresholds)),
        nearest_100_ms=_median_ms(partial(gallery.rank, probe, thresholds, limit=100)),
        compare_ms=_median_ms(partial(gallery.compare, probe, person, thresholds)),
    )
    database.close()
    return cost


def _seconds(step: Callable[[], object]) -> float:
    begun = time.perf_counter()
    step()
    return time.perf_counter() - begun


def _median_ms(step: Callable[[], object]) -> float:
    return 1000 * median(_seconds(step) for _ in range(_REPETITIONS))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.gallery_load", description=__doc__)
    parser.add_argument("url", help="the DATABASE_URL")
    cost = measure(parser.parse_args().url)
    print(f"loading: {cost.load_seconds:.3f} s, {cost.load_mb:.0f} MB")
    print(f"looking for changes: {cost.follow_ms:.2f} ms")
    print(f"the nearest 1: {cost.nearest_ms:.2f} ms")
    print(f"the nearest 100: {cost.nearest_100_ms:.2f} ms")
    print(f"comparing with one person: {cost.compare_ms:.2f} ms")


if __name__ == "__main__":
    main()
