"""Real servers, started once for all tests that can share them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.express_example import Example, rollcall_with_teachers, running_example
from tests.e2e.traffic import FIGURES
from tests.packs import write_pack
from tests.servers import RollcallServer

PACK_NAME = "synthetic"
HERE = Path(__file__).parent


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `--share 1/2` every second file, with `--share 2/2` the others: most of them mostly wait."""
    if collection_path.parent != HERE or not collection_path.name.startswith("test_"):
        return None
    number, of = map(int, config.getoption("share").split("/"))
    files = sorted(path.name for path in HERE.glob("test_*.py"))
    return True if files.index(collection_path.name) % of != number - 1 else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the tests of faults counted."""
    for line in FIGURES:
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def pack_settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Settings that name the synthetic pack."""
    models = tmp_path_factory.mktemp("models")
    write_pack(models / PACK_NAME)
    return {"MODEL_DIR": str(models), "INSIGHTFACE_MODEL": PACK_NAME}


@pytest.fixture(scope="session")
def server(
    tmp_path_factory: pytest.TempPathFactory, pack_settings: dict[str, str]
) -> Iterator[RollcallServer]:
    """A server on SQLite with the synthetic pack."""
    with RollcallServer(tmp_path_factory.mktemp("server"), **pack_settings) as server:
        yield server


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory, pack_settings: dict[str, str]) -> Iterator[Example]:
    """The Express example, with a server of its own."""
    with (
        rollcall_with_teachers(tmp_path_factory.mktemp("example-server"), pack_settings) as server,
        running_example(tmp_path_factory.mktemp("example"), server) as example,
    ):
        yield example
