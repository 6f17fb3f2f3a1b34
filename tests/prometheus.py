"""A real Prometheus that scrapes a real server, for tests."""

import subprocess
from pathlib import Path
from shutil import which
from types import TracebackType
from typing import Any, Final

import httpx
import yaml

from tests.servers import ROOT, free_port, wait_for

# The configuration that schools get; the job's targets become the test's server.
CONFIGURATION: Final = ROOT / "deploy" / "prometheus" / "prometheus.yml"
JOB: Final = "rollcall"
_STOP_LIMIT_SECONDS: Final = 60


def is_installed() -> bool:
    return which("prometheus") is not None and which("promtool") is not None


class Prometheus:
    """`with Prometheus(folder, "127.0.0.1:8000") as prometheus:` scrapes that address each second."""

    def __init__(self, folder: Path, target: str) -> None:
        self._folder = folder
        self._target = target
        port = free_port()
        self._address = f"127.0.0.1:{port}"
        self._client = httpx.Client(base_url=f"http://{self._address}", timeout=60)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Prometheus":
        configuration = self._folder / "prometheus.yml"
        configuration.write_text(yaml.safe_dump(self._configuration()))
        with (self._folder / "prometheus.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={configuration}",
                    f"--storage.tsdb.path={self._folder / 'tsdb'}",
                    f"--web.listen-address={self._address}",
                ],
                stdout=log,
                stderr=log,
            )
        try:
            wait_for(self._is_ready, "a ready Prometheus")
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()
        self._stop()

    def value(self, query: str) -> float | None:
        """The one value that a query gives now; None where it gives none."""
        answer = self._client.get("/api/v1/query", params={"query": query})
        assert answer.status_code == 200, answer.text
        found = answer.json()["data"]["result"]
        assert len(found) <= 1, found
        return float(found[0]["value"][1]) if found else None

    def targets(self) -> list[dict[str, Any]]:
        """What it scrapes, with how the last scrape went."""
        found: list[dict[str, Any]] = self._client.get("/api/v1/targets").json()["data"]["activeTargets"]
        return found

    def rules(self) -> list[dict[str, Any]]:
        """All rules, with how their last evaluation went."""
        groups = self._client.get("/api/v1/rules").json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def _configuration(self) -> dict[str, Any]:
        found: dict[str, Any] = {"scrape_configs": [{"job_name": JOB}]}
        if CONFIGURATION.exists():
            found = yaml.safe_load(CONFIGURATION.read_text())
        found["global"] = {**found.get("global", {}), "scrape_interval": "1s", "evaluation_interval": "1s"}
        found["rule_files"] = [
            self._hurried(CONFIGURATION.parent / name) for name in found.get("rule_files", ())
        ]
        found.pop("alerting", None)
        [job] = [job for job in found["scrape_configs"] if job["job_name"] == JOB]
        kept = {name: job[name] for name in ("job_name", "metrics_path", "scheme") if name in job}
        found["scrape_configs"] = [{**kept, "static_configs": [{"targets": [self._target]}]}]
        return found

    def _hurried(self, rules: Path) -> str:
        """A copy of a file of rules that are evaluated each second, and not only every few minutes."""
        found = yaml.safe_load(rules.read_text())
        for group in found["groups"]:
            group.pop("interval", None)
        copy = self._folder / rules.name
        copy.write_text(yaml.safe_dump(found))
        return str(copy)

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "prometheus.log").read_text()[-3000:]
        try:
            return self._client.get("/-/ready").status_code == 200
        except httpx.TransportError:
            return False

    def _stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
