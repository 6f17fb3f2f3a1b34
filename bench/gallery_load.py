"""`python -m bench.gallery_load URL`: how long the gallery takes to load and to search, and its memory.

Only reads. Each run is a fresh process whose connection is open already; the memory is the growth of the peak
resident set, which the kernel keeps. `python -m bench.fill` makes a database.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import psutil

from bench.fill import MODEL, random_embeddings
from bench.memory import Growth
from db.engine import open_database
from rollcall.core.matching import Thresholds
from rollcall.gallery.gallery import FaceGallery

_REPETITIONS = 30


def measure(url: str) -> None:
    """Print what was found."""
    database = open_database(url, 1)
    database.ping()
    gallery = FaceGallery(database)
    growth = Growth([psutil.Process()])
    seconds = _seconds(gallery.refresh)
    print(f"loading: {seconds:.3f} s, {growth.mb():.0f} MB")
    print(f"looking for changes: {_median_ms(gallery.refresh):.2f} ms")
    probe = {MODEL: random_embeddings(1)[0]}
    thresholds = Thresholds(active_model=MODEL, min_similarity=0.5)
    for limit in (1, 100):
        search = partial(gallery.rank, probe, thresholds, limit=limit)
        print(f"the nearest {limit}: {_median_ms(search):.2f} ms")
    comparing = partial(gallery.compare, probe, gallery.rank(probe, thresholds)[0].person, thresholds)
    print(f"comparing with one person: {_median_ms(comparing):.2f} ms")
    database.close()


def _seconds(step: Callable[[], object]) -> float:
    begun = time.perf_counter()
    step()
    return time.perf_counter() - begun


def _median_ms(step: Callable[[], object]) -> float:
    return 1000 * median(_seconds(step) for _ in range(_REPETITIONS))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.gallery_load", description=__doc__)
    parser.add_argument("url", help="the DATABASE_URL")
    measure(parser.parse_args().url)


if __name__ == "__main__":
    main()
