"""Grafana's dashboard: every expression is one that Prometheus reads, of metrics that Rollcall has."""

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.deploy.expressions import faults_of, names_in
from tests.unit.deploy.metric_names import COUNTERS_AND_GAUGES, HISTOGRAMS
from tests.unit.deploy.rules import DEPLOY, assert_valid, recorded, rules

GRAFANA = DEPLOY / "grafana"
DASHBOARD: dict[str, Any] = json.loads((GRAFANA / "dashboards" / "rollcall.json").read_text())
EVERYTHING: list[dict[str, Any]] = DASHBOARD["panels"]
PANELS = [panel for panel in EVERYTHING if panel["type"] != "row"]
TITLES = [panel["title"] for panel in PANELS]
# What Grafana puts in their place.
VARIABLES = {"$instance": ".*", "$__rate_interval": "1m", "$__range": "6h"}


def expressions(panel: dict[str, Any]) -> list[str]:
    found: list[str] = [target["expr"] for target in panel["targets"]]
    for variable, value in VARIABLES.items():
        found = [expression.replace(variable, value) for expression in found]
    return found


def test_prometheus_reads_every_expression(tmp_path: Path) -> None:
    assert_valid([expression for panel in PANELS for expression in expressions(panel)], tmp_path)


def test_an_expression_that_prometheus_cannot_read_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"expressions\.yml"):
        assert_valid(["sum(rate(rollcall_requests_total[5m])"], tmp_path)


@pytest.mark.parametrize("panel", PANELS, ids=TITLES)
def test_a_panel_reads_only_metrics_that_there_are(panel: dict[str, Any]) -> None:
    for expression in expressions(panel):
        assert list(faults_of(expression, recorded())) == []
        assert "$" not in expression


def test_every_metric_is_on_the_dashboard() -> None:
    shown = {name for panel in PANELS for expression in expressions(panel) for name in names_in(expression)}
    shown |= {name for rule in rules() if rule.get("record") in shown for name in names_in(rule["expr"])}
    for suffix in ("_bucket", "_sum", "_count"):
        shown |= {name.removesuffix(suffix) for name in shown}
    assert COUNTERS_AND_GAUGES.keys() | HISTOGRAMS.keys() <= shown


@pytest.mark.parametrize("panel", PANELS, ids=TITLES)
def test_a_panel_says_what_it_shows_and_in_which_unit(panel: dict[str, Any]) -> None:
    assert len(panel["description"]) > 30
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_panels_have_names_and_places_of_their_own() -> None:
    assert len(set(TITLES)) == len(TITLES)
    assert len({panel["id"] for panel in EVERYTHING}) == len(EVERYTHING)
    for one, other in combinations([panel["gridPos"] for panel in EVERYTHING], 2):
        assert (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert one["x"] + one["w"] <= 24


@pytest.mark.parametrize(
    ("title", "limit"),
    [
        ("Recognising", 0.3),
        ("Detecting", 0.5),
        ("Memory of processes", 2e9),
        ("Share of failed requests", 0.01),
    ],
)
def test_the_limits_are_drawn(title: str, limit: float) -> None:
    defaults = next(panel for panel in PANELS if panel["title"] == title)["fieldConfig"]["defaults"]
    assert defaults["custom"]["thresholdsStyle"]["mode"] == "line"
    assert defaults["thresholds"]["steps"][-1] == {"color": "red", "value": limit}


def test_grafana_finds_the_dashboard_and_prometheus() -> None:
    provider = yaml.safe_load((GRAFANA / "provisioning" / "dashboards" / "rollcall.yml").read_text())
    source = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "prometheus.yml").read_text())
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    grafana = compose["services"]["grafana"]
    folder = provider["providers"][0]["options"]["path"]
    assert f"./grafana/dashboards:{folder}:ro" in grafana["volumes"]
    assert grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"] == f"{folder}/rollcall.json"
    assert source["datasources"][0]["url"] == "http://prometheus:9090"
    assert set(grafana["networks"]) & set(compose["services"]["prometheus"]["networks"])
