"""Lists and zips for tests of bulk import."""

import csv
import io
import time
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx

from tests.packs import picture

JOB_LIMIT_SECONDS: Final = 120.0


def zip_of(files: Mapping[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name, content in files.items():
            file.writestr(name, content)
    return made.getvalue()


def photos_of(*people: int) -> dict[str, bytes]:
    """A photo of each of these synthetic people: person 7 is S007."""
    return {f"{code(person)}.jpg": picture(person) for person in people}


def list_of(*people: int) -> str:
    return "code,name\n" + "".join(f"{code(person)},Name of {code(person)}\n" for person in people)


def code(person: int) -> str:
    return f"S{person:03}"


def begin(
    api: httpx.Client, files: Mapping[str, bytes], people: str | bytes | None = None, **fields: str
) -> Any:
    """Ask for an import; the answer."""
    sent: dict[str, Any] = {"photos": ("photos.zip", zip_of(files))}
    if people is not None:
        sent["csv"] = ("people.csv", people)
    return api.post("/api/jobs/import", data={"person_type": "student", **fields}, files=sent)


def begun(api: httpx.Client, files: Mapping[str, bytes], people: str | None = None, **fields: str) -> str:
    """The id of an import that was asked for."""
    answer = begin(api, files, people, **fields)
    assert answer.status_code == 202, answer.text
    id: str = answer.json()["job"]["id"]
    return id


def look(api: httpx.Client, id: str) -> dict[str, Any]:
    answer = api.get(f"/api/jobs/{id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ended(api: httpx.Client, id: str) -> dict[str, Any]:
    """A job with its errors, once it has ended."""
    deadline = time.monotonic() + JOB_LIMIT_SECONDS
    while (found := look(api, id))["job"]["state"] in ("waiting", "running"):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


def rows(content: bytes) -> Sequence[dict[str, str]]:
    """A report's rows."""
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
