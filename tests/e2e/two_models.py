"""Packs whose embeddings cannot be compared, servers that switch between them, and callers meanwhile."""

import threading
import time
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.traffic import PATIENCE_SECONDS
from tests.packs import picture, write_pack
from tests.servers import RollcallServer, wait_for

FIRST, SECOND = "first", "second"


def write_models(folder: Path) -> dict[str, str]:
    """Write both packs; returns settings by which the first one answers."""
    write_pack(folder / FIRST)
    write_pack(folder / SECOND, dimensions=128, seed=21)
    return {"MODEL_DIR": str(folder), "INSIGHTFACE_MODEL": FIRST, "SIMILARITY_THRESHOLD": "auto"}


def enrol(server: RollcallServer, person: int, *, mode: str = "reject") -> None:
    """Person 7 becomes student S7."""
    fields = {"person_type": "student", "person_code": f"S{person}", "person_name": "Name", "mode": mode}
    answer = server.client.post("/api/face/enroll", data=fields, files={"image": picture(person)})
    assert answer.status_code == 200, answer.text


def recognized(server: RollcallServer, person: int) -> dict[str, Any]:
    answer = server.client.post("/api/face/recognize", files={"image": picture(person)})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def code(answer: dict[str, Any]) -> str | None:
    found: str | None = answer["match"] and answer["match"]["person_code"]
    return found


def stands(server: RollcallServer) -> dict[str, Any]:
    answer = server.client.get("/api/models")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def begin(server: RollcallServer, model: str, **more: bool) -> httpx.Response:
    return server.client.post("/api/models/switch", json={"model": model, **more})


def switch(server: RollcallServer, model: str) -> dict[str, Any]:
    """Begin to switch, and wait until it is over."""
    answer = begin(server, model)
    assert answer.status_code in (200, 202), answer.text
    return ended(server)


def ended(server: RollcallServer) -> dict[str, Any]:
    """The last switch, once it is over."""
    wait_for(lambda: stands(server)["switch"]["state"] != "running", "the end of the switch")
    found: dict[str, Any] = stands(server)["switch"]
    return found


def figure(server: RollcallServer, name: str) -> float:
    """A figure of /metrics, by its name and labels; 0 where there is none."""
    answer = server.client.get("/metrics")
    assert answer.status_code == 200, answer.text
    found = [line.rpartition(" ") for line in answer.text.splitlines()]
    return sum(float(value) for key, _, value in found if key == name)


class Load:
    """While its block runs, callers recognise the people, each as soon as they were answered."""

    def __init__(self, *servers: RollcallServer, callers: int, people: int) -> None:
        self._ended = threading.Event()
        self._step, self._people = callers, people
        self.wrong: list[str] = []
        self.seconds: list[float] = []
        self.models: list[str] = []
        self._callers = [
            threading.Thread(target=self._call, args=(servers[number % len(servers)].url, number))
            for number in range(callers)
        ]

    def __enter__(self) -> "Load":
        for caller in self._callers:
            caller.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        for caller in self._callers:
            caller.join()

    def _call(self, url: str, person: int) -> None:
        with httpx.Client(base_url=url, timeout=PATIENCE_SECONDS) as client:
            while not self._ended.is_set():
                person = (person + self._step) % self._people
                began = time.monotonic()
                try:
                    answer = client.post("/api/face/recognize", files={"image": picture(person)})
                except httpx.HTTPError as error:
                    self.wrong.append(type(error).__name__)
                    continue
                self.seconds.append(time.monotonic() - began)
                if answer.status_code != 200 or code(answer.json()) != f"S{person}":
                    self.wrong.append(answer.text)
                else:
                    self.models.append(answer.json()["model"])
