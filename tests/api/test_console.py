"""How the web console's files are served."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import httpx
import pytest
import yaml

from rollcall.api.app import create_app
from rollcall.api.console import FOLDER, TYPES
from tests.api.calls import error_of
from tests.api.conftest import StartApp, settings_for
from tests.keys import make_key
from tests.scrape import Difference
from tests.servers import ROOT

CONSOLE = "/console/"


def files() -> Iterator[Path]:
    yield from (path for path in sorted(FOLDER.rglob("*")) if path.is_file())


def directives(answer: httpx.Response) -> dict[str, list[str]]:
    parts = answer.headers["Content-Security-Policy"].split("; ")
    return {part.split()[0]: part.split()[1:] for part in parts}


@pytest.mark.parametrize("path", ["/", "/console"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_servers_address_leads_to_the_console(api: httpx.Client, path: str, method: str) -> None:
    answer = api.request(method, path)
    assert answer.status_code == 307
    # A relative one: a proxy may have put a prefix before the path.
    assert answer.headers["Location"] == "console/"
    led = api.request(method, path, follow_redirects=True)
    assert (led.status_code, led.url.path) == (200, CONSOLE)


def test_every_file_of_the_console_is_served(api: httpx.Client) -> None:
    found = {str(path.relative_to(FOLDER)): path for path in files()}
    assert "index.html" in found
    for name, path in found.items():
        answer = api.get(f"{CONSOLE}{name}")
        assert answer.status_code == 200, name
        assert answer.content == path.read_bytes(), name
        assert answer.headers["Content-Type"] == TYPES[path.suffix], name
    assert api.get(CONSOLE).content == found["index.html"].read_bytes()


def test_a_page_may_use_its_own_files_and_the_camera_and_no_more(api: httpx.Client) -> None:
    answer = api.get(CONSOLE)
    policy = directives(answer)
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == ["'self'"]
    assert policy["img-src"] == ["'self'", "data:", "blob:"]
    assert policy["media-src"] == ["'self'", "blob:"]
    assert policy["frame-ancestors"] == policy["base-uri"] == ["'none'"]
    assert len(answer.headers.get_list("Content-Security-Policy")) == 1
    assert answer.headers["Permissions-Policy"].startswith("camera=(self)")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_an_update_is_seen_at_once_and_what_is_known_is_not_sent_again(api: httpx.Client) -> None:
    answer = api.get(CONSOLE)
    assert answer.headers["Cache-Control"] == "no-cache"
    tag = answer.headers["ETag"]
    for known in (tag, f'"other", W/{tag}', "*"):
        again = api.get(CONSOLE, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == tag
        assert "Content-Security-Policy" in again.headers
    assert api.get(CONSOLE, headers={"If-None-Match": '"former"'}).status_code == 200


def test_it_works_below_a_prefix(model_dir: Path, tmp_path: Path) -> None:
    """As behind a proxy that hands the whole path on, and tells the server of the prefix."""
    app = create_app(settings_for(model_dir, tmp_path), lambda _app: nullcontext())

    async def led() -> httpx.Response:
        transport = httpx.ASGITransport(app, root_path="/school")
        async with httpx.AsyncClient(transport=transport, base_url="http://proxy") as client:
            return await client.get("/school/console", follow_redirects=True)

    answer = asyncio.run(led())
    assert (answer.status_code, answer.url.path) == (200, "/school/console/")
    assert answer.content == (FOLDER / "index.html").read_bytes()


def test_only_the_head_of_a_file_can_be_asked_for(api: httpx.Client) -> None:
    head, whole = api.head(CONSOLE), api.get(CONSOLE)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("Content-Length", "Content-Type", "ETag"):
        assert head.headers[name] == whole.headers[name]


@pytest.mark.parametrize(
    "path",
    [
        "nothing.js",
        "nothing",
        "index.html/x.js",
        "..%2fapi%2fconsole.py",
        "%2e%2e/__init__.py",
        "..%5cx.js",
        "%2fetc%2fhosts.txt",
        ".hidden.js",
        "x%00.js",
        "%ff.js",
        f"{'x' * 3000}.js",
        f"{'x/' * 300}x.js",
    ],
)
def test_what_is_no_file_of_it_is_not_found(api: httpx.Client, path: str) -> None:
    answer = api.get(f"{CONSOLE}{path}")
    assert error_of(answer, 404) == "NOT_FOUND"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/console", "/console/index.html"])
def test_it_can_only_be_read(api: httpx.Client, path: str) -> None:
    answer = api.post(path)
    assert error_of(answer, 405) == "METHOD_NOT_ALLOWED"
    assert answer.headers["Allow"] == "GET, HEAD"


def test_it_needs_no_key_and_counts_for_no_limit(start_app: StartApp) -> None:
    key = make_key()
    api = start_app(api_keys=key.entry, rate_limit_per_minute=2)
    for _ in range(5):
        assert api.get(CONSOLE).status_code == 200
    assert "X-RateLimit-Limit" not in api.get(CONSOLE).headers
    assert api.get("/api/people", headers=key.headers).headers["X-RateLimit-Remaining"] == "1"
    assert error_of(api.get("/api/people"), 401) == "UNAUTHORIZED"


def test_it_is_counted_by_its_routes(api: httpx.Client) -> None:
    grew = Difference(api)
    for path in ("/", "/console", CONSOLE, f"{CONSOLE}nothing.js"):
        api.get(path)
    counted = {route: grew.value("rollcall_requests_total", route=route) for route in ("/", "/console")}
    assert counted == {"/": 1, "/console": 1}
    assert grew.value("rollcall_requests_total", route="/console/{path}") == 2


def test_it_is_not_in_the_document(api: httpx.Client) -> None:
    assert not [path for path in api.get("/openapi.json").json()["paths"] if not path.startswith("/api/")]


def test_it_asks_nobody_else_and_its_addresses_are_relative() -> None:
    """So that it works without the internet, and behind a proxy that puts a prefix before the path."""
    for path in files():
        if path.suffix == ".html":
            text = path.read_text()
            for address in re.findall(r'(?:src|href)="([^"]*)"', text):
                assert not re.match(r"/|[a-z]+:", address), (path.name, address)
            assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", text), path.name


def test_the_bento_takes_all_of_its_files() -> None:
    packed = yaml.safe_load((ROOT / "bentofile.yaml").read_text())
    assert "/rollcall/" in packed["include"]
    assert packed["exclude"] == ["*.pyc"]
    # What the image must not have, as tests/e2e/test_container.py says: drawings are SVG.
    assert not [path.name for path in files() if path.suffix in (".png", ".jpg", ".jpeg", ".webp", ".md")]
