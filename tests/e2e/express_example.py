"""The Express example with a server behind it, and how teachers log in to it."""

import base64
import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import psutil

from tests.keys import make_key
from tests.node import code_blocks, copy_package, done
from tests.packs import empty_picture, picture
from tests.servers import ANSWER_LIMIT_SECONDS, RollcallServer, clean_environment, free_port, wait_for

KEY: Final = make_key()
ADA, GRACE = 50, 51  # synthetic people; Ada is an administrator, Grace a teacher
PIN: Final = "246810"  # as in the example's README
EXIT_LIMIT_SECONDS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    folder: Path
    url: str
    server: RollcallServer


def encoded(*people: int) -> str:
    shown = picture(*people) if people else empty_picture()
    return f"data:image/jpeg;base64,{base64.b64encode(shown).decode()}"


@contextmanager
def started(folder: Path, *command: str, **settings: str) -> Iterator[str]:
    """The example's server; it must end by itself when it is told to."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (folder / "example.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=clean_environment({**settings, "PORT": str(port)}),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def answers() -> bool:
        assert process.poll() is None, (folder / "example.log").read_text()
        try:
            return httpx.get(f"{url}/api/teacher/me").status_code == 200
        except httpx.TransportError:
            return False

    family = [psutil.Process(process.pid)]
    try:
        wait_for(answers, "an answer of the example")
        family += family[0].children(recursive=True)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        left = psutil.wait_procs(family, timeout=EXIT_LIMIT_SECONDS)[1]
        for one in left:
            one.kill()
        process.wait()
    assert left == []


@contextmanager
def rollcall_with_teachers(folder: Path, settings: Mapping[str, str]) -> Iterator[RollcallServer]:
    with RollcallServer(folder, **settings, API_KEYS=KEY.entry) as server:
        people = {"T001": (ADA, "Ada Lovelace"), "T002": (GRACE, "Grace Hopper")}
        for code, (person, name) in people.items():
            body = {"person_type": "teacher", "person_code": code, "person_name": name}
            sent = {**body, "image_base64": encoded(person)}
            server.client.post("/api/face/enroll", json=sent, headers=KEY.headers).raise_for_status()
        yield server


@contextmanager
def running_example(folder: Path, server: RollcallServer) -> Iterator[Example]:
    """Set up and started by the commands of its README, with one teacher more."""
    example = copy_package(folder) / "examples" / "express"
    [block] = code_blocks((example / "README.md").read_text(encoding="utf-8"), "sh")
    *before, start = block.replace("http://localhost:8000", server.url).splitlines()
    assert start == "npm start"
    done("bash", "-ec", "\n".join(before), folder=example)
    teachers = json.loads((example / "teachers.json").read_text())
    teachers["T002"] = {**teachers["T001"], "name": "Grace Hopper", "admin": False}
    (example / "teachers.json").write_text(json.dumps(teachers))
    settings = {"TEACHERS_FILE": "teachers.json", "ROLLCALL_URL": server.url, "ROLLCALL_API_KEY": KEY.key}
    with started(example, *start.split(), **settings) as url:
        yield Example(folder=example, url=url, server=server)


def log_in(client: httpx.Client, code: str, person: int, pin: str = PIN) -> httpx.Response:
    body = {"teacher_code": code, "pin": pin, "image_base64": encoded(person)}
    return client.post("/api/teacher/login", json=body)


@contextmanager
def logged_in(example: Example, code: str, person: int) -> Iterator[httpx.Client]:
    """A caller with a teacher's cookie, which httpx would keep back, for it is for HTTPS."""
    with httpx.Client(base_url=example.url, timeout=ANSWER_LIMIT_SECONDS) as client:
        answer = log_in(client, code, person)
        assert answer.status_code == 200, answer.text
        client.headers["Cookie"] = answer.headers["Set-Cookie"].split(";")[0]
        yield client


def enroll(client: httpx.Client, code: str, person: int, **more: str) -> dict[str, Any]:
    body = {"person_type": "student", "person_code": code, "person_name": f"Pupil {code}", "mode": "replace"}
    answer = client.post("/api/face/register", json={**body, "image_base64": encoded(person), **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def refused(answer: httpx.Response, status: int, code: str) -> Mapping[str, Any]:
    found: dict[str, Any] = answer.json()
    assert (answer.status_code, found["success"], found["error_code"]) == (status, False, code), answer.text
    assert found["message"]
    assert found["details"]["suggestion"]
    return found
