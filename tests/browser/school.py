"""A server with the people of a small school, for the console to show."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx

from db import tables
from db.engine import open_database
from rollcall import compose
from rollcall.core.ports import FaceReader
from rollcall.core.settings import Settings
from tests.db.rows import put
from tests.live_app import LiveApp
from tests.packs import picture, write_pack

MODELS: Final = ("synthetic", "second")
BLIND: Final = "blind"
SESSION: Final = 12


class Pupil(NamedTuple):
    """A row of Student. The nth of them, from 1, is the nth synthetic person."""

    code: str
    name: str
    form: str
    campus: str


PUPILS: Final = (
    Pupil("S001", "Ada Lovelace", "7A", "North"),
    Pupil("S002", "Alan Turing", "7A", "North"),
    Pupil("S003", "Grace Hopper", "7A", "North"),
    Pupil("S004", "Edsger Dijkstra", "7B", "North"),
    Pupil("S005", "Mary Somerville", "7B", "North"),
    Pupil("S006", "Carl Gauss", "7B", "South"),
    Pupil("S007", "Emmy Noether", "8A", "South"),
    Pupil("S008", "Leonhard Euler", "8A", "South"),
    Pupil("S009", "Sofia Kovalevskaya", "8A", "South"),
)
TEACHER: Final = ("T001", "Hypatia")
TEACHER_IS: Final = 40  # which synthetic person
STRANGER: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class School:
    """A running server."""

    client: httpx.Client
    database_url: str

    @property
    def url(self) -> str:
        return str(self.client.base_url).rstrip("/")

    def put(self, table: Any, *rows: dict[str, Any]) -> None:
        """Write rows as the school's own programs would."""
        database = open_database(self.database_url, pool_size=1)
        try:
            put(database, table, *rows)
        finally:
            database.close()

    def add_people(self, *, enrolled: int = len(PUPILS)) -> None:
        """Everybody is in the tables; the first so many pupils, and the teacher, have a face."""
        columns = ("StudentCode", "StudentName", "Form", "Campus")
        self.put(tables.student, *(dict(zip(columns, pupil, strict=True)) for pupil in PUPILS))
        for number, pupil in enumerate(PUPILS[:enrolled], start=1):
            self.enrol(number, pupil.code, pupil.name)
        self.enrol(TEACHER_IS, *TEACHER, kind="teacher")

    def enrol(
        self, person: int, code: str, name: str, *, kind: str = "student", mode: str = "reject"
    ) -> None:
        fields = {"person_type": kind, "person_code": code, "person_name": name, "mode": mode}
        self.post("/api/face/enroll", data=fields, image=picture(person))

    def recognise(self, person: int) -> None:
        self.post("/api/face/recognize", data={}, image=picture(person))

    def mark(self, *people: int, status: str = "Present", session: int = SESSION) -> None:
        fields = {"session_id": str(session), "status": status}
        self.post("/api/attendance/scan", data=fields, image=picture(*people))

    def post(self, path: str, *, data: dict[str, str], image: bytes) -> None:
        answer = self.client.post(path, data=data, files={"image": image})
        assert answer.status_code == 200, answer.text

    def faces_of(self, code: str) -> int:
        answer = self.client.get("/api/face/list/all", params={"person_code": code})
        return int(answer.json()["total_count"])

    def name_of(self, person: int) -> str | None:
        """Whom the server takes this synthetic person for."""
        answer = self.client.post("/api/face/recognize", files={"image": picture(person)})
        match: dict[str, str] | None = answer.json()["match"]
        return match["person_name"] if match else None

    def add_past(self, now: datetime) -> None:
        """A day's recognitions, more of them in the morning, one in seven of nobody."""
        for hour in range(24):
            began = now - timedelta(hours=23 - hour)
            self._add_hour(began, how_many=60 if began.hour in (7, 8) else 14 if 9 <= began.hour < 16 else 0)

    def _add_hour(self, began: datetime, *, how_many: int) -> None:
        logs, recognitions = [], []
        for n in range(how_many):
            known = n % 7 != 6
            pupil = PUPILS[n % len(PUPILS)]
            named = {"PersonType": "student", "PersonCode": pupil.code} if known else {}
            logs.append(
                {
                    **named,
                    "Confidence": 0.99 if known else 0.0,
                    "ProcessingTimeMs": 58 + 17 * (n % 5) + began.hour,
                    "RecognitionDate": began,
                    "Success": int(known),
                }
            )
            similarity = 0.66 + 0.03 * (n % 9) - 0.012 * (n % 7) if known else 0.08 + 0.04 * (n % 6)
            recognitions.append(
                {
                    **named,
                    "RecognitionId": f"{began:%Y%m%d%H}{n:022d}",
                    "Face": 1,
                    "Model": MODELS[0],
                    "MatchedBy": MODELS[0] if known else None,
                    "Similarity": similarity,
                    "CreatedDate": began,
                }
            )
        self.put(tables.face_recognition_logs, *logs)
        self.put(tables.recognitions, *recognitions)


def write_packs(folder: Path) -> None:
    """Write two good packs, and one that takes everybody for one person."""
    for seed, name in enumerate(MODELS, start=20):
        write_pack(folder / name, seed=seed)
    write_pack(folder / BLIND, tells_people_apart=False)


def _unwrapped(reader: FaceReader) -> FaceReader:
    return reader


@contextmanager
def running_school(
    folder: Path, packs: Path, wrap: Callable[[FaceReader], FaceReader] = _unwrapped, **changed: Any
) -> Iterator[School]:
    """A server with these settings and an empty database in the folder; `wrap` comes before its reader."""
    chosen = {
        "model_dir": packs,
        "insightface_model": MODELS[0],
        "database_url": f"sqlite:///{folder}/rollcall.db",
        "rate_limit_per_minute": 0,
        "auto_download_models": False,
        "enable_face_quality_check": False,
        **changed,
    }
    settings = Settings(_env_file=None, **chosen)
    with LiveApp(settings, wrap(compose.local_reader(settings))) as client:
        yield School(client=client, database_url=str(chosen["database_url"]))
