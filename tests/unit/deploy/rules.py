"""deploy/prometheus/alerts.yml, and Prometheus' own tool to check rules with."""

import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.servers import ROOT

DEPLOY: Final = ROOT / "deploy"
RULES: Final = DEPLOY / "prometheus" / "alerts.yml"


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """What Debian's Prometheus says."""
    if shutil.which("promtool") is None:
        pytest.skip("Prometheus is not installed (apt-get install prometheus)")
    return subprocess.run(
        ["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False
    )


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def recorded() -> set[str]:
    """The names of recording rules."""
    return {rule["record"] for rule in rules() if "record" in rule}


def assert_valid(expressions: list[str], folder: Path) -> None:
    """Prometheus can read each of them."""
    file = folder / "expressions.yml"
    made = [{"record": f"checked_{number}", "expr": one} for number, one in enumerate(expressions)]
    file.write_text(yaml.safe_dump({"groups": [{"name": "checked", "rules": made}]}))
    checked = promtool("check", "rules", file)
    assert checked.returncode == 0, checked.stdout + checked.stderr
