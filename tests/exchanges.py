"""HTTP exchanges of a page, from a file, replayed as a browser would send them.

`tests/e2e/exchanges/README.md` says what may stand in the files.
"""

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from tests.packs import picture

_FORMATS: Final = {"camera": "JPEG", "webp": "WEBP", "base64": "JPEG", "file": "JPEG"}
_PICTURE: Final = re.compile(rf"<({'|'.join(_FORMATS)}): ([\w, ]+)>")
AMONG_OTHERS: Final = "<among others>"
# What a browser sends from another origin without asking first.
_SIMPLE_METHODS: Final = {"GET", "HEAD", "POST"}
_SIMPLE_HEADERS: Final = {"accept", "accept-language", "content-language"}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_moment(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value) is not None
    except ValueError:
        return False


KINDS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "<text>": lambda value: isinstance(value, str) and value != "",
    "<integer>": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "<number>": _is_number,
    "<score>": lambda value: _is_number(value) and 0 <= value <= 1,
    "<moment>": _is_moment,
}


def differences(expected: Any, found: Any, at: str = "answer") -> list[str]:
    """Where the found value is not as expected; nothing where it is."""
    if isinstance(expected, dict):
        return _of_fields(expected, found, at)
    if isinstance(expected, list):
        return _of_items(expected, found, at)
    if isinstance(expected, str) and expected in KINDS:
        return [] if KINDS[expected](found) else [f"{at} is {found!r}, not {expected}"]
    # True would be equal to 1.
    same = found == expected and isinstance(found, bool) == isinstance(expected, bool)
    return [] if same else [f"{at} is {found!r}, not {expected!r}"]


def _of_fields(expected: dict[str, Any], found: Any, at: str) -> list[str]:
    if not isinstance(found, dict):
        return [f"{at} is {found!r}, not an object"]
    missing = [f"{at} has no {name}" for name in expected if name not in found]
    return missing + [
        difference
        for name, value in expected.items()
        if name in found
        for difference in differences(value, found[name], f"{at}.{name}")
    ]


def _of_items(expected: list[Any], found: Any, at: str) -> list[str]:
    if not isinstance(found, list):
        return [f"{at} is {found!r}, not a list"]
    if expected[:1] == [AMONG_OTHERS]:
        return [
            f"{at} has no {item}"
            for item in expected[1:]
            if all(differences(item, candidate) for candidate in found)
        ]
    if len(expected) != len(found):
        return [f"{at} has {len(found)} items, not {len(expected)}"]
    pairs = enumerate(zip(expected, found, strict=True))
    return [text for i, (want, have) in pairs for text in differences(want, have, f"{at}[{i}]")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    form: Mapping[str, str] | None = None

    def asked_first(self) -> bool:
        """Whether a browser sends an OPTIONS request before it: the Fetch standard's CORS preflight."""
        headers = {name.lower() for name in self.headers}
        return (
            self.method not in _SIMPLE_METHODS
            or self.headers.get("Content-Type") == "application/json"
            or not headers <= _SIMPLE_HEADERS | {"content-type"}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    it: str
    request: Request
    answer: Mapping[str, Any]
    remember: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    name: str
    origin: str
    people: Mapping[str, int]
    old_rows: Mapping[int, str]
    exchanges: tuple[Exchange, ...]

    @classmethod
    def read(cls, path: Path) -> "Page":
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
        exchanges = tuple(
            Exchange(
                it=each["it"],
                request=Request(**each["request"]),
                answer=each["answer"],
                remember=each.get("remember", {}),
            )
            for each in found.pop("exchanges")
        )
        return cls(name=found.pop("page"), exchanges=exchanges, **found)

    def replay(self, client: httpx.Client) -> Iterator[tuple[Exchange, list[str]]]:
        """Send the requests in their order; each with how its answer differs from the one expected."""
        remembered: dict[str, Any] = {}
        for exchange in self.exchanges:
            found = self._send(client, exchange.request, remembered)
            yield exchange, _compared(_recalled(exchange.answer, remembered), found)
            for name, key in exchange.remember.items():
                remembered[f"<{name}>"] = found.json()[key]

    def _send(self, client: httpx.Client, request: Request, remembered: Mapping[str, Any]) -> httpx.Response:
        sent: dict[str, Any] = {"headers": {**request.headers, "Origin": self.origin}}
        if request.json is not None:
            sent["json"] = self._drawn(request.json)
        if request.form is not None:
            files = {name for name, value in request.form.items() if _PICTURE.fullmatch(value)}
            sent["files"] = {name: (f"{name}.jpg", self._picture(request.form[name])) for name in files}
            sent["data"] = {name: value for name, value in request.form.items() if name not in files}
        path = request.path
        for name, value in remembered.items():
            path = path.replace(name, str(value))
        return client.request(request.method, path, **sent)

    def _drawn(self, value: Any) -> Any:
        """With pictures in place of what describes them."""
        if isinstance(value, dict):
            return {name: self._drawn(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self._drawn(each) for each in value]
        if isinstance(value, str) and (found := _PICTURE.fullmatch(value)):
            encoded = base64.b64encode(self._picture(value)).decode()
            kind = _FORMATS[found[1]].lower()
            return encoded if found[1] == "base64" else f"data:image/{kind};base64,{encoded}"
        return value

    def _picture(self, description: str) -> bytes:
        found = _PICTURE.fullmatch(description)
        assert found is not None
        shown = [] if found[2] == "nobody" else [self.people[name] for name in found[2].split(", ")]
        return picture(*shown, format="WEBP" if _FORMATS[found[1]] == "WEBP" else "JPEG")


def _recalled(value: Any, remembered: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {name: _recalled(each, remembered) for name, each in value.items()}
    if isinstance(value, list):
        return [_recalled(each, remembered) for each in value]
    return remembered.get(value, value) if isinstance(value, str) else value


def _compared(expected: Mapping[str, Any], found: httpx.Response) -> list[str]:
    told = [] if found.status_code == expected["status"] else [f"{found.status_code} {found.text[:500]}"]
    for name, value in expected.get("headers", {}).items():
        there = found.headers.get(name, "")
        word = re.fullmatch(r"<has (.+)>", value)
        words = [each.strip().lower() for each in there.split(",")]
        if (word[1].lower() not in words) if word else (there != value):
            told.append(f"{name} is {there!r}, not {value!r}")
    return told + (differences(expected["json"], found.json()) if "json" in expected else [])
