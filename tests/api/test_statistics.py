"""Figures of the last day."""

from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import insert

from db import tables
from db.engine import open_database
from rollcall.core.api_keys import Role
from tests.api.calls import enroll, error_of, recognize
from tests.api.conftest import StartApp
from tests.keys import make_key

STATISTICS = "/api/statistics"


def test_what_was_recognised_is_counted(api: httpx.Client) -> None:
    enroll(api, "S001", 1)
    for person in (1, 1, 2):
        recognize(api, person)
    answer = api.get(STATISTICS).json()
    assert answer["success"] is True
    assert answer["complete"] is True
    hours, similarity = answer["hours"], answer["similarity"]
    # At midnight they may be yesterday's; the hours know of them all the same.
    assert answer["today"]["recognitions"] in (0, 1, 2, 3)
    assert sum(hour["recognised"] for hour in hours) == 2
    assert sum(hour["not_recognised"] for hour in hours) == 1
    begun = [datetime.fromisoformat(hour["hour"]) for hour in hours]
    assert begun == [begun[0] + timedelta(hours=n) for n in range(24)]
    assert timedelta(0) <= datetime.fromisoformat(answer["as_of"]) - begun[-1] < timedelta(hours=1)
    for hour in hours:
        if hour["recognised"] + hour["not_recognised"]:
            assert 0 <= hour["median_ms"] <= hour["p95_ms"]
        else:
            assert hour["median_ms"] is hour["p95_ms"] is None
    assert [(each["from"], each["to"]) for each in similarity] == [
        (round(n / 20, 2), round((n + 1) / 20, 2)) for n in range(20)
    ]
    assert similarity[-1] == {"from": 0.95, "to": 1.0, "recognised": 2, "not_recognised": 0}
    assert sum(each["not_recognised"] for each in similarity) == 1


def test_nothing_is_told_as_nothing(api: httpx.Client) -> None:
    answer = api.get(STATISTICS).json()
    assert answer["today"] == {"recognitions": 0, "recognised": 0, "not_recognised": 0}
    assert {(hour["recognised"], hour["median_ms"]) for hour in answer["hours"]} == {(0, None)}


def test_they_are_counted_once_in_some_seconds(api: httpx.Client, tmp_path: Path) -> None:
    before = api.get(STATISTICS).json()
    database = open_database(f"sqlite:///{tmp_path}/rollcall.db", pool_size=1)
    with database.connection() as connection:
        rows = [{"RecognitionDate": datetime.fromisoformat(before["as_of"]), "Success": 1}]
        connection.execute(insert(tables.face_recognition_logs), rows)
    database.close()
    after = api.get(STATISTICS).json()
    # Either the same figures, or, on a machine that is very busy, later ones.
    assert after == before or after["as_of"] > before["as_of"]


def test_a_kiosk_may_not_see_them(start_app: StartApp) -> None:
    kiosk = make_key("door", role=Role.KIOSK)
    api = start_app(api_keys=kiosk.entry)
    assert error_of(api.get(STATISTICS), 401) == "UNAUTHORIZED"
    assert error_of(api.get(STATISTICS, headers=kiosk.headers), 403) == "FORBIDDEN"


@pytest.mark.parametrize("field", ["hours", "similarity"])
def test_the_document_names_the_fields_as_they_are_sent(api: httpx.Client, field: str) -> None:
    document = api.get("/openapi.json").json()["components"]["schemas"]
    name = document["StatisticsOut"]["properties"][field]["items"]["$ref"].split("/")[-1]
    assert set(document[name]["properties"]) == set(api.get(STATISTICS).json()[field][0])
