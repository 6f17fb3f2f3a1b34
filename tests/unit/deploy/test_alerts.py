"""Alert rules: Prometheus reads them, each fires when it should and not otherwise, and each has its page."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.servers import ROOT
from tests.unit.deploy.expressions import faults_of
from tests.unit.deploy.rules import DEPLOY, RULES, alerts, promtool, recorded, rules

CASES = [Path(__file__).with_name(name) for name in ("alerts.test.yml", "accuracy.test.yml")]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
NAMES = [alert["alert"] for alert in alerts()]


def test_prometheus_reads_its_configuration() -> None:
    checked = promtool("check", "config", DEPLOY / "prometheus" / "prometheus.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(rules())} rules found" in checked.stdout


def test_prometheus_reads_what_is_proposed_in_its_configuration(tmp_path: Path) -> None:
    """An Alertmanager, and TLS: the lines that somebody only takes the # away from."""
    text = (DEPLOY / "prometheus" / "prometheus.yml").read_text()
    proposed = re.sub(r"^( *)# ( *(?:- )?\w+:.*)$", r"\1\2", text, flags=re.MULTILINE)
    (tmp_path / "prometheus.yml").write_text(proposed)
    (tmp_path / "alerts.yml").write_text(RULES.read_text())
    checked = promtool("check", "config", tmp_path / "prometheus.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    read = yaml.safe_load(proposed)
    assert read["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] == ["alertmanager:9093"]
    assert read["scrape_configs"][0]["scheme"] == "https"


def test_prometheus_reads_the_rules() -> None:
    checked = promtool("check", "rules", "--lint=all", "--lint-fatal", RULES)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_each_alert_fires_when_it_should_and_not_otherwise() -> None:
    tested = promtool("test", "rules", *CASES)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def cases_of(name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The file with an alert's tests, holding them alone, and their cases of this alert."""
    for file in (yaml.safe_load(path.read_text()) for path in CASES):
        tests = [
            one for one in file["tests"] if name in {case["alertname"] for case in one["alert_rule_test"]}
        ]
        if tests:
            cases = [case for one in tests for case in one["alert_rule_test"] if case["alertname"] == name]
            return {**file, "tests": tests}, cases
    raise AssertionError(f"{name} has no test")


@pytest.mark.parametrize("name", NAMES)
def test_each_alert_has_a_case_that_fires_and_one_that_does_not(name: str) -> None:
    _, cases = cases_of(name)
    assert {bool(case["exp_alerts"]) for case in cases} == {True, False}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("wrong", ["vector(1)", "vector(1) > 1"], ids=["always", "never"])
def test_the_cases_notice_an_alert_that_fires_always_or_never(name: str, wrong: str, tmp_path: Path) -> None:
    changed = yaml.safe_load(RULES.read_text())
    for rule in (rule for group in changed["groups"] for rule in group["rules"]):
        if rule.get("alert") == name:
            rule["expr"] = wrong
    (tmp_path / "alerts.yml").write_text(yaml.safe_dump(changed))
    tests, _ = cases_of(name)
    (tmp_path / "cases.yml").write_text(yaml.safe_dump({**tests, "rule_files": ["alerts.yml"]}))
    tested = promtool("test", "rules", tmp_path / "cases.yml")
    assert tested.returncode != 0
    assert f"alertname: {name}" in tested.stdout + tested.stderr


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_rules_read_only_metrics_that_there_are(rule: dict[str, Any]) -> None:
    assert list(faults_of(rule["expr"], recorded())) == []


@pytest.mark.parametrize("alert", alerts(), ids=NAMES)
def test_each_alert_says_what_it_means_and_what_to_do(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in ("critical", "warning")
    assert alert["annotations"].keys() == {"summary", "description", "runbook"}
    assert alert["annotations"]["runbook"] == f"docs/operations.md#{alert['alert'].lower()}"
    page = re.search(rf"^### {alert['alert']}\n\nMeans: .+\nDo: .+\n$", OPERATIONS, re.MULTILINE)
    assert page is not None, f"docs/operations.md has no two lines about {alert['alert']}"


def test_no_page_is_of_an_alert_that_is_gone() -> None:
    assert set(re.findall(r"^### (Rollcall\w+)$", OPERATIONS, re.MULTILINE)) == set(NAMES)


@pytest.mark.parametrize(
    "wrong",
    [
        "sum(rollcall_request_total)",
        "rollcall_requests_total{path=~'x'}".replace("'", '"'),
        "sum by (path) (rollcall_requests_total)",
        'rollcall_similarity_bucket{outcome="matched"}',
        'rollcall_similarity_bucket{outcome=~"match|none"}',
        "rollcall_similarity",
        "rate(process_resident_memory_bytes[5m])",
        "model:rollcall_similarity:mean",
    ],
)
def test_a_metric_or_label_that_is_not_there_is_noticed(wrong: str) -> None:
    assert list(faults_of(wrong, recorded())) != []
