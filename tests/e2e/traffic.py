"""Callers who write down what they were answered, to be compared with the database."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from types import TracebackType

import httpx

from db.engine import SqlDatabase, open_database
from tests.db.rows import read
from tests.packs import picture
from tests.servers import RollcallServer

FIGURES: list[str] = []  # told at the end of the run, see conftest.py
NO_ANSWER = 0
PATIENCE_SECONDS = 30.0  # a call that takes longer hangs


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`mark` is what the call leaves in the database; a status of 0 is a connection that broke."""

    kind: str
    mark: str
    status: int
    error_code: str | None
    began: float
    seconds: float


class Traffic:
    """While its block runs, callers recognise, enrol and scan, each as soon as it was answered.

    Student S0 must be enrolled with picture 0.
    """

    def __init__(self, server: RollcallServer) -> None:
        self._url = server.url
        self._ended = threading.Event()
        self._numbers = count(1)
        self.calls: list[Call] = []
        kinds = ("recognize", "recognize", "recognize", "enroll", "scan")
        self._callers = [threading.Thread(target=self._call, args=(kind,)) for kind in kinds]

    def __enter__(self) -> "Traffic":
        for caller in self._callers:
            caller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        for caller in self._callers:
            caller.join()

    def answered(self, since: float = 0.0) -> int:
        """How many calls that began at a `time.monotonic()` or later succeeded so far."""
        return sum(call.status == 200 and call.began >= since for call in self.calls)

    def _call(self, kind: str) -> None:
        with httpx.Client(base_url=self._url, timeout=PATIENCE_SECONDS) as client:
            while not self._ended.is_set():
                number = next(self._numbers)
                call = _one(client, kind, number)
                self.calls.append(call)
                if call.status != 200:
                    time.sleep(0.1)


def _one(client: httpx.Client, kind: str, number: int) -> Call:
    paths = {"recognize": "/api/face/recognize", "enroll": "/api/face/enroll", "scan": "/api/attendance/scan"}
    fields = {
        "recognize": {"source_image_name": f"probe-{number}"},
        "enroll": {"person_type": "teacher", "person_code": f"T{number}", "person_name": "Name"},
        "scan": {"session_id": str(number)},
    }
    marks = {"recognize": f"probe-{number}", "enroll": f"T{number}", "scan": str(number)}
    files = {"image": picture(number % 60 + 1 if kind == "enroll" else 0)}
    began = time.monotonic()
    status, error_code = NO_ANSWER, None
    try:
        answer = client.post(paths[kind], data=fields[kind], files=files)
    except httpx.TimeoutException:
        error_code = "HANGS"
    except httpx.TransportError:
        pass
    else:
        status, error_code = answer.status_code, answer.json().get("error_code")
    return Call(
        kind=kind,
        mark=marks[kind],
        status=status,
        error_code=error_code,
        began=began,
        seconds=time.monotonic() - began,
    )


_MARKS = {
    "recognize": "SELECT SourceImageName FROM FaceRecognitionLogs WHERE SourceImageName IS NOT NULL",
    "enroll": "SELECT f.PersonCode FROM FaceData f JOIN RollcallEmbeddings e ON e.FaceId = f.Id"
    " JOIN Teacher t ON t.TeacherCode = f.PersonCode",
    "scan": "SELECT SessionId FROM AttendanceRecords",
}


def settle(calls: Sequence[Call], url: str, story: str) -> None:
    """Compare what was answered with the database, and note the counts.

    Fails when an answered call is not in the database exactly once, when anything is half-written, and when a
    call hung or was answered with anything but 200 and 503.
    """
    database = open_database(url, pool_size=1)
    lost: list[str] = []
    for kind in _MARKS:
        marks = Counter(str(mark).strip() for (mark,) in read(database, _MARKS[kind]))
        answered = [call.mark for call in calls if call.kind == kind and call.status == 200]
        lost += [f"{kind} {mark}" for mark in answered if not marks[mark]]
        assert not [mark for mark, times in marks.items() if times > 1], f"{kind}: written twice"
    answered_count = sum(call.status == 200 for call in calls)
    others = Counter(call.error_code or call.status for call in calls if call.status != 200)
    slowest = max(call.seconds for call in calls)
    FIGURES.append(
        f"{story}: sent {len(calls)}, answered {answered_count}, found {answered_count - len(lost)}, "
        f"lost {len(lost)}; not served: {dict(others)}; slowest {slowest:.1f} s"
    )
    assert not lost
    assert_whole(database)
    database.close()
    assert "HANGS" not in others
    assert {call.status for call in calls} <= {200, 503, NO_ANSWER}
    assert answered_count > 0


def assert_whole(database: SqlDatabase) -> None:
    """Every face that was enrolled has its embedding and its person, and nothing is left of others."""
    faces = {face_id for (face_id,) in read(database, "SELECT Id FROM FaceData")}
    assert faces == {face_id for (face_id,) in read(database, "SELECT FaceId FROM RollcallEmbeddings")}
    assert faces <= {face_id for (face_id,) in read(database, "SELECT FaceId FROM RollcallChanges")}
    teachers = read(database, "SELECT COUNT(*) FROM Teacher")
    assert teachers == read(database, "SELECT COUNT(*) FROM FaceData WHERE PersonType = 'teacher'")
