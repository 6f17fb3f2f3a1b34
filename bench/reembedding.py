"""Faces a second of a switch: by a server, and by FaceEngine on the same pictures in one process."""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import TracebackType

from sqlalchemy import func, select

from bench.packs import people_photos
from bench.pairs import AFTER, Pair, school
from db import tables
from db.engine import open_database
from rollcall.compose import cores, model_cache
from rollcall.core.errors import RollcallError
from rollcall.core.faces import ReadRequest, Subjects
from rollcall.core.settings import Settings
from runners.backends import streams_of
from runners.engine import Engine
from runners.face_runner import MAX_BATCH_SIZE

SWITCH_SECONDS = 1800.0
_LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineRates:
    """Faces a second: batches on as many threads as there are streams, and one after the other."""

    side_by_side: float
    alone: float

    @property
    def best(self) -> float:
        return max(self.side_by_side, self.alone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reembedded:
    """Faces a second of each round."""

    engine: Sequence[EngineRates]
    server: Sequence[float]

    @property
    def side_by_side(self) -> float:
        return median(rates.side_by_side for rates in self.engine)

    @property
    def alone(self) -> float:
        return median(rates.alone for rates in self.engine)

    @property
    def by_server(self) -> float:
        return median(self.server)

    @property
    def share(self) -> float:
        """Of the rate of FaceEngine in the way that is faster."""
        return self.by_server / max(self.side_by_side, self.alone)

    @property
    def rounds(self) -> Iterator[tuple[float, EngineRates]]:
        return zip(self.server, self.engine, strict=True)


def in_process(model_dir: Path, faces: int) -> EngineRates:
    """Let FaceEngine embed so many faces with AFTER, in both ways. For a fresh process."""
    settings = Settings(model_dir=model_dir, insightface_model=AFTER, auto_download_models=False)
    engine = model_cache(settings).engine(AFTER)
    photos = people_photos()
    requests = [
        ReadRequest(picture=photos[i % len(photos)], model=AFTER, embed=Subjects.LARGEST)
        for i in range(faces)
    ]
    streams = streams_of(cores(settings))
    _read(engine, requests[: len(photos)], streams)  # each size of picture once
    return EngineRates(side_by_side=_read(engine, requests, streams), alone=_read(engine, requests, 1))


def _read(engine: Engine, requests: list[ReadRequest], threads: int) -> float:
    """Faces a second, with so many batches at a time."""
    batches = [requests[i : i + MAX_BATCH_SIZE] for i in range(0, len(requests), MAX_BATCH_SIZE)]
    begun = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        for results in pool.map(engine.read, batches):
            for result in results:
                if isinstance(result, RollcallError):
                    raise result
    return len(requests) / (time.perf_counter() - begun)


def by_server(of: Pair, faces: int) -> float:
    """Faces a second of a switch on a fresh server, from its first write to its last, so without loading."""
    with school(of, faces) as here, Written(here.url) as written:
        here.switch_to(AFTER, SWITCH_SECONDS)
    return written.per_second


class Written:
    """`with Written(url) as written: ...; written.per_second` — how fast AFTER's embeddings come."""

    def __init__(self, url: str) -> None:
        self._database = open_database(url, 1)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._before = 0
        self._seen: list[tuple[float, int]] = []  # when, and how many there were then

    def __enter__(self) -> "Written":
        self._before = self._count()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._database.close()

    @property
    def faces(self) -> int:
        """How many came."""
        return self._seen[-1][1] - self._before if self._seen else 0

    @property
    def per_second(self) -> float:
        """Between the first write and the last; 0 where there were fewer than two."""
        if len(self._seen) < 2:
            return 0.0
        (begun, first), (ended, last) = self._seen[0], self._seen[-1]
        return (last - first) / (ended - begun)

    def _watch(self) -> None:
        former = self._before
        while not self._over.wait(_LOOK_SECONDS):
            if (now := self._count()) != former:
                self._seen.append((time.perf_counter(), now))
                former = now

    def _count(self) -> int:
        table = tables.embeddings
        query = select(func.count()).where(table.c.Model == AFTER, table.c.Vector.is_not(None))
        with self._database.connection() as connection:
            return connection.execute(query).scalar_one()
