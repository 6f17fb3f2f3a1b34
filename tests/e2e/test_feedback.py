"""Feedback to a real server, and what `rollcall feedback` makes of it."""

import re
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.api.calls import enroll, recognize
from tests.docs import commands
from tests.packs import picture
from tests.servers import ROOT, RollcallServer, clean_environment

pytestmark = pytest.mark.slow


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=clean_environment({"DATABASE_URL": f"sqlite:///{folder}/rollcall.db"}),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def figures(output: str) -> dict[str, str]:
    """The one row of the table, by the titles of its columns."""
    titles, row = (re.split(r"\s{2,}", line.strip()) for line in output.splitlines()[:2])
    return dict(zip(titles, row, strict=True))


def tell(client: httpx.Client, recognition_id: str, correct: bool, code: str | None = None) -> int:
    body = {"recognition_id": recognition_id, "correct": correct, "person_code": code}
    answer = client.post("/api/face/feedback", json=body)
    assert answer.status_code == 200, answer.text
    counted: int = answer.json()["counted"]
    return counted


def test_feedback_to_a_real_server_is_in_the_summary(tmp_path: Path, pack_settings: dict[str, str]) -> None:
    (tmp_path / "bin").symlink_to(ROOT / "bin")
    with RollcallServer(tmp_path, **pack_settings) as server:
        client = server.client
        enroll(client, "S001", 1)
        enroll(client, "S002", 2)
        matches = [recognize(client, 1)["recognition_id"] for _ in range(3)]
        nobody = recognize(client, 9)["recognition_id"]
        scan = client.post("/api/attendance/scan", data={"session_id": "1"}, files={"image": picture(1, 2)})
        assert tell(client, matches[0], True) == 1
        assert tell(client, matches[1], False, "S002") == 1
        assert tell(client, nobody, False, "S002") == 1
        assert tell(client, scan.json()["recognition_id"], True) == 2
    # Afterwards: what counts is in the database.
    summary = figures(run("bin/rollcall feedback", tmp_path).stdout)
    assert float(summary.pop("similarity")) > 0.6
    assert summary == {
        "model": "synthetic",
        "faces": "6",
        "matches": "5",
        "told": "5",
        "true matches": "3",
        "false matches": "1",
        "missed": "1",
        "rightly nobody": "0",
        "right": "60.00%",
    }
    for command in commands("docs/api.md", "Accuracy in production"):
        done = run(command, tmp_path)
        assert (done.returncode, done.stdout.split()[0]) == (0, "model"), done.stderr
    assert run("bin/rollcall feedback --since 2100-01-01", tmp_path).stdout == "No recognition is stored.\n"


def test_the_summary_says_so_where_nobody_has_told_anything(
    tmp_path: Path, pack_settings: dict[str, str]
) -> None:
    with RollcallServer(tmp_path, **pack_settings) as server:
        recognize(server.client, 1)
    told = run(f"{ROOT}/bin/rollcall feedback", tmp_path)
    assert figures(told.stdout)["told"] == "0"
    assert "Nobody has told yet" in told.stdout


@pytest.mark.parametrize("date", ["yesterday", "2026-13-01", "2026-01-01T00:00+01:00"])
def test_a_date_that_is_none_is_refused(tmp_path: Path, date: str) -> None:
    done = run(f"{ROOT}/bin/rollcall feedback --since {date}", tmp_path)
    assert done.returncode == 2
    assert "--since" in done.stderr
