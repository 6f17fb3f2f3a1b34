"""The day of a school, for Locust: `locust --headless --users 10 --run-time 5m --host http://server:8000`.

Kiosks are crowded when the bell rings, teachers log in, an admin enrols and lists, a monitor looks at the
health. The people are enrolled first. Answers are judged by what they say: a 200 that names somebody else is
an error. The exit code is 1 when a limit was passed or an answer was wrong. `make load` does all this with a
fresh server.
"""

import logging
import random
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import httpx
from locust import FastHttpUser, between, constant, events, task
from locust.env import Environment
from locust.runners import LocalRunner

from bench import answers
from bench.answers import Answer
from bench.opening import ANSWER_LIMIT_SECONDS, NotReady, open_school
from bench.school_day import (
    ADMIN,
    DEFAULT_MIX,
    FIRST_PUPIL,
    KIOSK,
    MONITOR,
    TEACHER,
    above_zero,
    kiosk_pause,
    parse_mix,
)
from bench.verdict import Limits, Measured, Verdict, judge
from bench.visitors import MAX_DOUBLES, Cast, NoVisitors, Visitor, drawn_visitors, empty_room, visitors_of

PHOTOS = Path(__file__).resolve().parents[1] / "shared" / "photos" / "people"
RECOGNIZE, SCAN, DETECT = "/api/face/recognize", "/api/attendance/scan", "/api/face/detect"
EMPTY_SHARE = 0.05  # of a kiosk's pictures: nobody stands before it
PAGE = 50


class Caller(FastHttpUser):
    """What all callers share, set before the first of them begins."""

    abstract = True
    host = "http://localhost:8000"
    network_timeout = connection_timeout = ANSWER_LIMIT_SECONDS
    insecure = False  # certificates are checked; SSL_CERT_FILE names a school's own authority
    cast: ClassVar[Cast]
    empty_room: ClassVar[bytes]
    session_id: ClassVar[int | None]
    bell_every: ClassVar[float]
    first_bell: ClassVar[float]

    def ask(
        self, method: str, path: str, right: Callable[[Answer], str | None], *, name: str = "", **sent: Any
    ) -> None:
        """Send a request, and count its answer as a failure where `right` finds something wrong."""
        with self.client.request(method, path, name=name or path, catch_response=True, **sent) as response:
            answer = Answer.of(response.status_code, response.content)
            if problem := right(answer):
                response.failure(problem)
            else:
                response.success()

    def upload(self, path: str, picture: bytes, right: Callable[[Answer], str | None], **fields: str) -> None:
        """Send a picture as a form."""
        files = {"image": ("camera.jpg", picture, "image/jpeg")}
        self.ask("POST", path, right, data=fields, files=files)


class Kiosk(Caller):
    """A camera at a door. With a session it marks attendance every other time, else it only recognises."""

    dice: ClassVar = random.Random()

    def on_start(self) -> None:
        time.sleep(self.dice.uniform(*FIRST_PUPIL))

    def wait_time(self) -> float:
        return kiosk_pause(time.monotonic() - self.first_bell, self.bell_every, self.dice)

    @task
    def pupil(self) -> None:
        pupil, picture = _pick(self.cast.students)
        is_scan = self.session_id is not None and random.random() < 0.5
        path, right = (SCAN, answers.scanned) if is_scan else (RECOGNIZE, answers.recognized)
        fields = {"session_id": str(self.session_id)} if is_scan else {}
        if random.random() < EMPTY_SHARE:
            self.upload(path, self.empty_room, answers.empty, **fields)
        else:
            self.upload(path, picture, partial(right, visitor=pupil), **fields)


class Teacher(Caller):
    """Logs in by being recognised among the teachers, or by proving to be a certain one."""

    wait_time = between(2, 5)

    @task(2)
    def recognized(self) -> None:
        teacher, picture = _pick(self.cast.teachers)
        self.upload(RECOGNIZE, picture, partial(answers.recognized, visitor=teacher), person_type="teacher")

    @task(1)
    def verified(self) -> None:
        teacher, picture = _pick(self.cast.teachers)
        person = {"person_type": "teacher", "person_code": teacher.code}
        self.upload("/api/face/verify", picture, answers.verified, **person)


class Admin(Caller):
    """Enrols a newcomer, whose face goes again, and looks at lists and pictures."""

    wait_time = between(1, 3)
    numbers: ClassVar = count()

    def on_start(self) -> None:
        """Everything once, so that a short load has some of each."""
        self.enrol()
        self.look_for_faces()
        self.list_students()

    @task(1)
    def enrol(self) -> None:
        newcomer, picture = _pick(self.cast.newcomers)
        code = newcomer.double(next(self.numbers) % (MAX_DOUBLES + 1))  # each admin's own
        person = {"person_type": "student", "person_code": code}
        self.upload("/api/face/quality-check", picture, answers.refused)
        self.upload(
            "/api/face/enroll", picture, answers.refused, person_name="Load test", **person, mode="replace"
        )
        self.ask("DELETE", "/api/face/delete", answers.refused, json=person)

    @task(2)
    def look_for_faces(self) -> None:
        self.upload(DETECT, _pick(self.cast.students)[1], answers.one_face)

    @task(1)
    def list_students(self) -> None:
        path = "/api/face/list/student"
        self.ask("GET", f"{path}?limit={PAGE}", partial(answers.listed, at_most=PAGE), name=path)


class Monitor(Caller):
    """Looks every five seconds, as Prometheus and a load balancer do."""

    wait_time = constant(5)

    @task
    def look(self) -> None:
        self.ask("GET", "/api/health", answers.refused)
        self.ask("GET", "/metrics", answers.refused)


ROLES: dict[str, type[Caller]] = {KIOSK: Kiosk, TEACHER: Teacher, ADMIN: Admin, MONITOR: Monitor}


def _pick(visitors: Any) -> tuple[Visitor, bytes]:
    visitor: Visitor = random.choice(visitors)
    return visitor, random.choice(visitor.pictures)


@events.init_command_line_parser.add_listener
def _add_options(parser: ArgumentParser) -> None:
    def add(name: str, **how: Any) -> None:
        parser.add_argument(name, include_in_web_ui=False, **how)

    add("--image-folder", type=Path, help="a folder of pictures for each person (or one picture each)")
    add("--gallery-size", type=int, default=1000, help="faces enrolled before the load begins (1000)")
    add("--mix", type=parse_mix, default=DEFAULT_MIX, help=f"who calls ({DEFAULT_MIX})")
    add("--api-key", default="", env_var="LOAD_API_KEY", help="an admin's; better by LOAD_API_KEY than here")
    add("--session-id", type=int, help="kiosks mark attendance in this session; unset: they recognise")
    add("--bell-every", type=above_zero, default=60.0, help="seconds from bell to bell (60)")
    add("--max-p95-recognize-ms", type=float, default=300.0, help="limit for recognising and scanning (300)")
    add("--max-p95-detect-ms", type=float, default=500.0, help="limit for detecting (500)")
    add("--max-error-rate", type=float, default=0.0, help="share of requests that may fail (0)")


@events.init.add_listener
def _open(environment: Environment, **_: object) -> None:
    """Before the time of the load begins to run. What is wrong here ends the process, with exit code 1."""
    options = environment.parsed_options
    if options is None or not isinstance(environment.runner, LocalRunner):
        sys.exit(
            "One process is enough for any one server: --processes, --master and --worker are not supported."
        )
    _choose_callers(environment, options.mix)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells of each enrolment
    key = {"X-API-Key": options.api_key} if options.api_key else {}
    host = environment.host or Caller.host
    try:
        with httpx.Client(base_url=host, headers=key, timeout=ANSWER_LIMIT_SECONDS) as client:
            Caller.cast = open_school(client, Cast.of(_visitors(options.image_folder)), options.gallery_size)
    except (NotReady, NoVisitors) as error:
        sys.exit(str(error))
    Caller.default_headers = key
    Caller.empty_room = empty_room()
    Caller.session_id = options.session_id
    Caller.bell_every = options.bell_every


def _choose_callers(environment: Environment, mix: Mapping[str, int]) -> None:
    for role, caller in ROLES.items():
        caller.weight = mix[role]
    environment.user_classes[:] = [caller for caller in environment.user_classes if caller.weight]


def _visitors(folder: Path | None) -> list[Visitor]:
    if folder is None:
        return visitors_of(PHOTOS) if PHOTOS.is_dir() else drawn_visitors()
    return visitors_of(folder)


@events.test_start.add_listener
def _ring(**_: object) -> None:
    Caller.first_bell = time.monotonic()


def _verdict(environment: Environment) -> Verdict:
    options, runner = environment.parsed_options, environment.runner
    assert options is not None
    assert runner is not None
    limit_ms = options.max_p95_recognize_ms
    limits = Limits(
        max_p95_ms={RECOGNIZE: limit_ms, SCAN: limit_ms, DETECT: options.max_p95_detect_ms},
        max_error_rate=options.max_error_rate,
        recognizing=frozenset({RECOGNIZE, SCAN}),
    )
    measured = [
        Measured(
            name=entry.name,
            requests=entry.num_requests,
            failures=entry.num_failures,
            p95_ms=entry.get_response_time_percentile(0.95),
        )
        for entry in environment.stats.entries.values()
    ]
    return judge(measured, limits, crashes=len(runner.exceptions))


@events.quitting.add_listener
def _decide(environment: Environment, **_: object) -> None:
    verdict = _verdict(environment)
    environment.process_exit_code = 1 if verdict.failed else 0
    # After Locust's own tables.
    environment.events.quit.add_listener(lambda **_: sys.stdout.write(f"\n{verdict}\n"))
