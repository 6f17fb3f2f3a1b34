"""One line about each request."""

import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from rollcall.api.access import logger
from tests.api.calls import base64_of, enroll
from tests.api.conftest import StartApp
from tests.keys import make_key
from tests.packs import picture
from tests.servers import wait_for


class Kept(logging.Handler):
    """A handler that keeps records."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def about(self, route: str, count: int = 1) -> list[Mapping[str, Any]]:
        """The fields of the lines about a route, when so many have come: they are told after the answer."""

        def found() -> list[Mapping[str, Any]]:
            told: list[Mapping[str, Any]] = [vars(record)["fields"] for record in list(self.records)]
            return [fields for fields in told if fields["route"] == route]

        wait_for(lambda: len(found()) >= count, f"{count} lines about {route}", limit=30)
        return found()


@pytest.fixture
def kept() -> Iterator[Kept]:
    """The access lines from INFO on."""
    handler = Kept()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(before)


def test_a_request_is_told_by_what_was_asked_and_answered(api: httpx.Client, kept: Kept) -> None:
    body = {"image_base64": base64_of(picture(1))}
    sent = api.build_request("POST", "/api/face/recognize?who=Zebulon", json=body)
    assert api.send(sent).status_code == 200
    [fields] = kept.about("/api/face/recognize")
    assert fields["method"] == "POST"
    assert fields["status"] == 200
    assert fields["bytes_in"] == len(sent.read())
    assert fields["client"] == "127.0.0.1"
    assert fields["duration_ms"] > 0
    [record] = kept.records
    assert re.fullmatch(r"POST /api/face/recognize 200 in [0-9.]+ ms", record.getMessage())


def test_the_path_as_sent_is_never_told(api: httpx.Client, kept: Kept) -> None:
    enroll(api, "S1", 1)
    api.get("/api/face/list/student", params={"person_code": "S1"})
    api.delete("/api/admin/face/123456")
    api.get("/Zebulon/Quux")
    assert [line["status"] for line in kept.about("/api/face/list/{person_type}")] == [200]
    assert [line["status"] for line in kept.about("/api/admin/face/{id}")] == [404]
    assert [line["status"] for line in kept.about("unmatched")] == [404]
    told = " ".join(f"{record.getMessage()} {vars(record)['fields']}" for record in kept.records)
    for secret in ("S1", "123456", "Zebulon", "Quux"):
        assert secret not in told


def test_the_documentation_has_a_route_too(api: httpx.Client, kept: Kept) -> None:
    assert api.get("/docs").status_code == 200
    assert kept.about("/docs")


def test_refusals_are_told_too(start_app: StartApp, kept: Kept) -> None:
    office = make_key("office")
    api = start_app(api_keys=office.entry)
    api.get("/api/face/list/all")
    api.get("/api/face/list/all", headers=office.headers)
    api.put("/api/face/recognize")
    told = [(line["status"], line["key"]) for line in kept.about("/api/face/list/{person_type}")]
    assert told == [(401, None), (200, "office")]
    assert [line["status"] for line in kept.about("unmatched")] == [405]


def test_health_and_metrics_are_told_when_debugging_alone(api: httpx.Client, kept: Kept) -> None:
    api.get("/api/health")
    api.get("/metrics")
    api.post("/api/face/detect", files={"image": picture(1)})
    kept.about("/api/face/detect")
    assert len(kept.records) == 1
    logger.setLevel(logging.DEBUG)
    api.get("/api/health")
    api.get("/metrics")
    assert kept.about("/api/health")
    assert kept.about("/metrics")


def test_an_unknown_method_is_not_quoted(api: httpx.Client, kept: Kept) -> None:
    api.request("PROPFIND", "/api/face/recognize")
    assert [line["method"] for line in kept.about("/api/face/recognize")] == ["_OTHER"]
