"""The pages as a whole: links lead somewhere, and no command is there that no test runs."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.docs import Page, pages, parse, read_page
from tests.servers import ROOT

HERE = "tests/e2e/test_docs_commands.py"
# Which test runs the commands of a page, or of one of its sections.
RUN_BY: dict[tuple[str, str | None], str] = {
    ("README.md", None): "tests/e2e/test_readme.py",
    ("bench/README.md", None): HERE,
    ("clients/node/README.md", None): "tests/e2e/test_node_client.py",
    ("clients/node/examples/express/README.md", None): "tests/e2e/express_example.py",
    ("docs/accuracy.md", None): HERE,
    ("docs/api.md", "By example"): HERE,
    ("docs/api.md", "Accuracy in production"): "tests/e2e/test_feedback.py",
    ("docs/bulk-import.md", None): "tests/e2e/test_import_docs.py",
    ("docs/comparing-models.md", "Compare"): HERE,
    ("docs/contributing.md", None): HERE,
    ("docs/deployment.md", "The image"): "tests/unit/test_deployment_docs.py",
    ("docs/deployment.md", "Keys and TLS"): "tests/e2e/test_keys_docs.py",
    ("docs/deployment.md", "Compose and Kubernetes"): "tests/unit/deploy/test_deploy_docs.py",
    ("docs/incidents.md", None): HERE,
    ("docs/models.md", None): "tests/e2e/test_models_docs.py",
    ("docs/moving-from-face-recognition.md", None): "tests/e2e/test_moving_docs.py",
    ("docs/moving-in.md", "The account"): "tests/e2e/test_moving_in_docs.py",
    ("docs/moving-in.md", "Moving the old embeddings"): "tests/e2e/test_moving_in_docs.py",
    ("docs/operations.md", "Audit"): "tests/e2e/test_audit.py",
    ("docs/operations.md", "Backups"): "tests/e2e/test_backup_docs.py",
    ("docs/operations.md", "Log retention"): "tests/e2e/test_moving_in_docs.py",
    ("docs/operations.md", "Shared settings"): "tests/e2e/test_moving_in_docs.py",
    ("docs/privacy.md", "Erasing a person"): "tests/e2e/test_backup_docs.py",
    ("docs/quick-start.md", None): HERE,
}
# Docker and Kubernetes are not here: the tests hold these commands to what can be known without them.
ELSEWHERE = {"sh docker", "sh compose", "sh kubectl"}
NO_COMMANDS = {"", "json", "sql", "yaml", "html", "js", "ts", "ini", "csv", "http", "nginx"}
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"(`+)(?:(?!\1).)+\1")


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def anchors(page: Page) -> set[str]:
    found: list[str] = []
    for name in map(slug, page.headings):
        found.append(f"{name}-{times}" if (times := found.count(name)) else name)
    return set(found)


def broken_links(page: str, text: str) -> list[str]:
    """The relative links that lead nowhere."""
    this = parse(page, text)
    targets = [unquote(each) for each in LINK.findall(CODE.sub("", this.text))]
    return [each for each in targets if not re.match(r"https?:", each) and not _leads(page, this, each)]


def _leads(page: str, this: Page, target: str) -> bool:
    path, _, anchor = target.partition("#")
    if not path:
        return anchor in anchors(this)
    at = ((ROOT / page).parent / path).resolve()
    if not (at.exists() and at.is_relative_to(ROOT)):
        return False
    return not anchor or anchor in anchors(read_page(str(at.relative_to(ROOT))))


@pytest.mark.parametrize("page", pages())
def test_every_link_leads_somewhere(page: str) -> None:
    assert broken_links(page, (ROOT / page).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("[a](api.md) [b](api.md#by-example) [c](../README.md#settings)", []),
        ("# Here\n[a](#here) [b](#there)", ["#there"]),
        ("# Twice\n# Twice\n[a](#twice-1) [b](#twice-2)", ["#twice-2"]),
        ("[a](missing.md) ![b](missing.png)", ["missing.md", "missing.png"]),
        ("[a](api.md#nowhere)", ["api.md#nowhere"]),
        ("[a](../../elsewhere)", ["../../elsewhere"]),
        ("`[a](missing.md)` [b](https://school.example/missing)", []),
        ("```\n[a](missing.md)\n# Not a heading\n```\n[b](#not-a-heading)", ["#not-a-heading"]),
    ],
)
def test_a_link_that_leads_nowhere_is_found(text: str, broken: list[str]) -> None:
    assert broken_links("docs/example.md", text) == broken


@pytest.mark.parametrize("page", pages())
def test_every_command_is_run_by_a_test(page: str) -> None:
    for block in read_page(page).blocks:
        if block.kind in NO_COMMANDS:
            looks_run = block.text.startswith(("bin/rollcall", "curl", "docker", "make ", "npm ", "node "))
            assert not looks_run, f"{page}: mark as sh what is to be run: {block.text}"
        elif block.kind in ELSEWHERE:
            assert page == "docs/deployment.md", f"{page}: {block.kind} is tested in docs/deployment.md alone"
        else:
            assert block.kind == "sh", f"{page}: {block.kind}"
            run_by = {(page, None), (page, block.section)} & RUN_BY.keys()
            assert run_by, f"{page}: no test runs what is under {block.section!r}: {block.text}"


@pytest.mark.parametrize(("page", "section"), RUN_BY)
def test_the_test_that_is_named_for_a_section_reads_it(page: str, section: str | None) -> None:
    assert any(block.kind == "sh" and section in (None, block.section) for block in read_page(page).blocks), (
        "there is nothing to run"
    )
    test = (ROOT / RUN_BY[page, section]).read_text(encoding="utf-8")
    assert Path(page).name in test
    assert section is None or section in test


def test_every_page_of_the_docs_is_in_their_index() -> None:
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    for path in (ROOT / "docs").glob("*.md"):
        assert path.name == "README.md" or f"]({path.name})" in index, path.name


def test_the_tables_of_accuracy_are_right() -> None:
    text = (ROOT / "docs/accuracy.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (0\.0+1) \| ([\d.]+) % \| ([\d.]+) % \| ([\d.]+) % \|$", text, re.MULTILINE)
    assert len(rows) == 4
    for rate, *chances in rows:
        for people, chance in zip((100, 1_000, 10_000), chances, strict=True):
            assert f"{100 * (1 - (1 - float(rate)) ** people):.1f}" == chance, (rate, people)
    distances, similarities = (
        [float(cell) for cell in re.findall(r"\d\.\d\d", row)]
        for row in re.findall(r"^\| (?:distance of dlib|`similarity_score`) \|.*$", text, re.MULTILINE)
    )
    assert len(distances) == 5
    assert similarities == pytest.approx([1 - distance * 2 / 3 for distance in distances])
