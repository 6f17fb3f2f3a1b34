"""What it costs to write each recognition down before it is answered.

Ten callers write, pause as long as a recognition takes, and write again: each in a transaction of its own,
and through `Journal`. What the same callers cost with no database at all is taken off.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median
from typing import TypeAlias

import psutil

from bench.school import enrol
from db.engine import open_database
from rollcall.core.database_ports import Records
from rollcall.core.feedback import AnsweredPicture
from rollcall.core.matching import Match
from rollcall.core.people import PersonKey, PersonType
from rollcall.core.records import RecognitionAttempt
from rollcall.workflows.journal import Journal

CALLERS = 10
PAUSE_SECONDS = 0.05  # on average
POOL_SIZE = 5
MODEL, DIMENSIONS = "buffalo_l", 512

Write: TypeAlias = Callable[[], Awaitable[object]]

_PERSON = PersonKey(type=PersonType.STUDENT, code="B00001")
_ATTEMPT = RecognitionAttempt(person=_PERSON, confidence=0.9, processing_time_ms=50)
_MATCH = Match(person=_PERSON, model=MODEL, similarity=0.7, confidence=0.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalCost:
    """CPU milliseconds a request, of this process and of the database server; waits in milliseconds."""

    way: str
    cpu_ms: float
    server_cpu_ms: float
    median_ms: float
    longest_ms: float


def measure(url: str, enrolled: int, writes: int, server: int | None) -> list[JournalCost]:
    """Each caller writes so often. `server` is the database server's process id, if it has one."""
    enrol(url, MODEL, DIMENSIONS, enrolled)
    database = open_database(url, POOL_SIZE)
    journal = Journal(database=database, limit=60)

    def alone(records: Records) -> None:
        records.people.names([_PERSON])
        records.log.add([_ATTEMPT])
        records.recognitions.add([_answered()])

    ways: list[tuple[str, Write]] = [
        ("no database", lambda: asyncio.sleep(0)),
        ("a transaction each", lambda: database.run(alone)),
        ("group commit", lambda: journal.write([_ATTEMPT], [_PERSON], _answered())),
    ]

    async def turns() -> list[JournalCost]:
        for name, write in ways:
            await _cost(name, write, 10, server)  # warms up
        return [await _cost(name, write, writes, server) for name, write in ways]

    try:
        idle, *costs = asyncio.run(turns())
    finally:
        database.close()
    return [_less(cost, idle) for cost in costs]


def lone_write_ms(url: str, writes: int) -> float:
    """The median time of a write with nobody beside it, in a database that `measure` has filled."""
    database = open_database(url, POOL_SIZE)
    journal = Journal(database=database, limit=60)

    async def one_by_one() -> list[float]:
        return [
            await _timed(lambda: journal.write([_ATTEMPT], [_PERSON], _answered())) for _ in range(writes)
        ]

    try:
        return 1000 * median(asyncio.run(one_by_one()))
    finally:
        database.close()


def _answered() -> AnsweredPicture:
    return AnsweredPicture.of(MODEL, [_MATCH], [[_MATCH]])


async def _cost(way: str, write: Write, writes: int, server: int | None) -> JournalCost:
    pauses = random.Random(1)

    async def caller() -> list[float]:
        waits = []
        for _ in range(writes):
            await asyncio.sleep(pauses.uniform(0, 2 * PAUSE_SECONDS))
            waits.append(await _timed(write))
        return waits

    cpu, server_cpu = time.process_time(), _cpu_seconds(server)
    waits = [wait for found in await asyncio.gather(*(caller() for _ in range(CALLERS))) for wait in found]
    return JournalCost(
        way=way,
        cpu_ms=1000 * (time.process_time() - cpu) / len(waits),
        server_cpu_ms=1000 * (_cpu_seconds(server) - server_cpu) / len(waits),
        median_ms=1000 * median(waits),
        longest_ms=1000 * max(waits),
    )


async def _timed(write: Write) -> float:
    begun = time.perf_counter()
    await write()
    return time.perf_counter() - begun


def _cpu_seconds(process: int | None) -> float:
    if process is None:
        return 0.0
    times = psutil.Process(process).cpu_times()
    return float(times.user + times.system)


def _less(cost: JournalCost, idle: JournalCost) -> JournalCost:
    return JournalCost(
        way=cost.way,
        cpu_ms=cost.cpu_ms - idle.cpu_ms,
        server_cpu_ms=max(0.0, cost.server_cpu_ms - idle.server_cpu_ms),
        median_ms=cost.median_ms,
        longest_ms=cost.longest_ms,
    )
