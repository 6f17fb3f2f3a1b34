"""`python -m bench.database`: what the database costs, on SQLite and on MariaDB, into DATABASE.md."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.apart import apart
from bench.gallery_load import GalleryCost
from bench.journal import CALLERS, PAUSE_SECONDS, JournalCost
from bench.machine import describe
from bench.report import table
from tests.mariadb import MariaDBServer, is_installed

ENROLLED = 1_000
MANY = 100_000
GALLERY = ["database", "faces", "loading ms", "MB at the most", "looking for changes ms", "the nearest ms"]
RESULTS = Path(__file__).resolve().parent / "DATABASE.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much of each."""

    writes: int = 200
    enrolments: int = 100
    many: int = MANY
    loads: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A database server, or none for SQLite: gives addresses of empty databases."""

    name: str
    folder: Path
    mariadb: MariaDBServer | None = None

    def new_database(self, name: str) -> str:
        return self.mariadb.new_database() if self.mariadb else f"sqlite:///{self.folder}/{name}.db"


@contextmanager
def places(folder: Path) -> Iterator[list[Place]]:
    """Both kinds of database, on the same disk."""
    with MariaDBServer(durable=True) as mariadb:
        yield [
            Place(name="SQLite", folder=folder),
            Place(name="MariaDB", folder=folder, mariadb=mariadb),
        ]


def fsync_ms(folder: Path, times: int = 200) -> float:
    """The median time until 4 kB more of a file are on the disk."""
    found = []
    with (folder / "fsync").open("wb", buffering=0) as file:
        for _ in range(times):
            file.write(bytes(4096))
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            found.append(1000 * (time.perf_counter() - begun))
    return median(found)


def journal_table(place: Place, plan: Plan) -> list[list[str]]:
    url = place.new_database("journal")
    server = place.mariadb.pid if place.mariadb else None
    costs = apart(list, "bench.journal:measure", url, ENROLLED, plan.writes, server)
    lone = apart(float, "bench.journal:lone_write_ms", url, plan.writes)
    return [
        [place.name, cost.way, *_ms(cost.cpu_ms, cost.server_cpu_ms, cost.median_ms, cost.longest_ms, lone)]
        for cost in costs
        if isinstance(cost, JournalCost)
    ]


def enrolment_row(place: Place, plan: Plan) -> list[str]:
    url = place.new_database("enrolment")
    middle, high = apart(tuple, "bench.enrolment:measure", url, ENROLLED, plan.enrolments)
    return [place.name, *_ms(middle, high)]


def gallery_rows(place: Place, plan: Plan) -> Iterator[list[str]]:
    for faces in (ENROLLED, plan.many):
        url = place.new_database(f"gallery{faces}")
        apart(int, "bench.fill:fill", url, faces)
        costs = [apart(GalleryCost, "bench.gallery_load:measure", url) for _ in range(plan.loads)]
        yield [
            place.name,
            f"{faces:,}",
            f"{1000 * median(cost.load_seconds for cost in costs):,.0f}",
            f"{max(cost.load_mb for cost in costs):,.0f}",
            f"{median(cost.follow_ms for cost in costs):.2f}",
            f"{median(cost.nearest_ms for cost in costs):.2f}",
        ]


def _ms(*values: float) -> list[str]:
    return [f"{value:.2f}" for value in values]


def report(folder: Path, plan: Plan) -> str:
    """The whole of DATABASE.md."""
    with places(folder) as found:
        journals = [row for place in found for row in journal_table(place, plan)]
        enrolments = [enrolment_row(place, plan) for place in found]
        galleries = [row for place in found for row in gallery_rows(place, plan)]
        disk = fsync_ms(folder)
    head = ["database", "way", "CPU ms", "the server's CPU ms", "median wait ms", "longest ms", "alone ms"]
    return "\n".join(
        [
            "# What the database costs\n",
            "Written by `make bench-database`; [README.md](README.md) says what is measured and how.\n",
            table(["", ""], describe()),
            f"fsync of 4 kB on this disk: {disk:.2f} ms (median).\n",
            f"## A recognition written down: {CALLERS} callers, pausing for {1000 * PAUSE_SECONDS:.0f} ms\n",
            table(head, journals),
            f"## The database's part of an enrolment, {ENROLLED:,} enrolled\n",
            table(["database", "median ms", "p95 ms"], enrolments),
            "## The gallery, 512 numbers a face\n",
            table(GALLERY, galleries),
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.database", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a little of each only: does it run?")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the file to write")
    arguments = parser.parse_args()
    if not is_installed():
        print("The bench needs MariaDB.", file=sys.stderr)
        return 1
    plan = Plan(writes=5, enrolments=20, many=2_000, loads=1) if arguments.quick else Plan()
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as folder:
        text = report(Path(folder), plan)
    arguments.out.write_text(text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
