"""The database's part of an enrolment: one transaction, from the lock to the commit."""

import time
from statistics import median, quantiles

import numpy as np

from bench.school import enrol
from db.engine import open_database
from rollcall.core.database_ports import Records
from rollcall.core.people import Person, PersonKey, PersonType
from rollcall.core.records import NewFace

PICTURE_BYTES = 100_000
MODEL, DIMENSIONS = "buffalo_l", 512


def measure(url: str, enrolled: int, enrolments: int) -> tuple[float, float]:
    """Median and 95th percentile in milliseconds, of new people in a school of so many."""
    enrol(url, MODEL, DIMENSIONS, enrolled)
    database = open_database(url, 2)
    image = bytes(PICTURE_BYTES)

    def enrol_one(number: int) -> None:
        person = PersonKey(type=PersonType.STUDENT, code=f"E{number}")

        def write(records: Records) -> None:
            records.changes.lock()
            if records.people.find(person) is None:
                records.people.add(Person(key=person, name="Student"))
            if not records.faces.count(person):
                vector = np.eye(1, DIMENSIONS, number % DIMENSIONS, dtype=np.float32)[0]
                face = NewFace(
                    person=person, model=MODEL, embedding=vector, image=image, content_type="image/jpeg"
                )
                records.faces.add(face)

        database.run_sync(write)

    times = []
    try:
        for number in range(enrolments + 10):
            begun = time.perf_counter()
            enrol_one(number)
            times.append(1000 * (time.perf_counter() - begun))
    finally:
        database.close()
    kept = times[10:]  # the first ones warm up
    return median(kept), quantiles(kept, n=20)[-1]
