"""The old server's pages go on working: their calls are replayed on a database of the old server."""

import re
from collections.abc import Iterator

import pytest

from tests.exchanges import Page
from tests.mariadb import MariaDBServer
from tests.packs import picture
from tests.servers import ROOT, RollcallServer, wait_for

pytestmark = pytest.mark.slow

FILES = sorted((ROOT / "tests/e2e/exchanges").glob("*.yaml"))
PAGES = [Page.read(path) for path in FILES]
DUMP = (ROOT / "tests/db/old_server.sql").read_text(encoding="utf-8")
# What issue 7 names of each page, as method and path; SPEC section 1 has the fields.
NEEDED = {
    "attendance-script.js": {
        "POST /api/face/recognize",
        "POST /api/face/recognize-all",
        "POST /api/attendance/scan",
    },
    "admin-script.js": {
        "POST /api/face/register",
        "POST /api/face/enroll",
        "POST /api/face/batch-enroll",
        "POST /api/face/quality-check",
        "GET /api/face-descriptors/student",
        "GET /api/face-descriptors/teacher",
        "GET /api/face-descriptors/all",
        "GET /api/face/list/all",
        "DELETE /api/admin/face/<cleos_face>",
        "DELETE /api/face/delete",
    },
    "script.js": {"POST /api/face/recognize", "POST /api/face/verify"},
}


@pytest.fixture(scope="module")
def server(
    mariadb: MariaDBServer, tmp_path_factory: pytest.TempPathFactory, pack_settings: dict[str, str]
) -> Iterator[RollcallServer]:
    """A server that has moved into the old server's database, where the pages' people are enrolled."""
    url = mariadb.new_database()
    mariadb.run_script(url, DUMP)
    for page in PAGES:
        for face_id, person in page.old_rows.items():
            image = picture(page.people[person]).hex()
            mariadb.run_script(url, f"UPDATE FaceData SET ImageData = 0x{image} WHERE Id = {face_id}")
    folder = tmp_path_factory.mktemp("drop-in")
    with RollcallServer(folder, **pack_settings, DATABASE_URL=url) as server:
        wait_for(lambda: server.health().get("status") == "healthy", "good health")
        yield server


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_of_the_old_server_works(server: RollcallServer, page: Page) -> None:
    wrong = {exchange.it: found for exchange, found in page.replay(server.client) if found}
    assert wrong == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_makes_the_calls_that_the_contract_names(page: Page) -> None:
    made = {f"{each.request.method} {each.request.path.split('?')[0]}" for each in page.exchanges}
    assert made >= NEEDED[page.name]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_asks_first_wherever_a_browser_does(page: Page) -> None:
    allowed = set()
    for exchange in page.exchanges:
        request = exchange.request
        if request.method == "OPTIONS":
            allowed.add((request.headers["Access-Control-Request-Method"], request.path))
        elif request.asked_first():
            assert (request.method, request.path) in allowed, exchange.it


def test_pages_share_no_people() -> None:
    numbers = [number for page in PAGES for number in page.people.values()]
    assert len(numbers) == len(set(numbers))
    assert {page.name for page in PAGES} == NEEDED.keys()


def test_every_placeholder_is_explained() -> None:
    told = (ROOT / "tests/e2e/exchanges/README.md").read_text()
    for path in FILES:
        for word in re.findall(r"<(\w+(?: others)?)(?:: [\w, ]+)?>", path.read_text(encoding="utf-8")):
            known = f"`<{word}>`" in told or f"`<{word}: " in told
            assert known or re.search(rf"^    remember: \{{{word}: ", path.read_text(encoding="utf-8"), re.M)
