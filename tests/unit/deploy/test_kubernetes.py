"""deploy/kubernetes: Kubernetes' own schemas accept it, and what it refers to is there."""

import copy
import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.unit.deploy.metric_names import SERIES
from tests.unit.deploy.rules import DEPLOY, assert_valid, promtool

FOLDER = DEPLOY / "kubernetes"
VERSIONS = ["1.29", "1.31", "1.33", "1.35"]
MANIFESTS: dict[str, dict[str, Any]] = {
    path.name: yaml.safe_load(path.read_text())
    for path in sorted(FOLDER.glob("*.yaml"))
    if path.name != "kustomization.yaml"
}
MONITORING: dict[str, Any] = {
    path.stem: yaml.safe_load(path.read_text()) for path in sorted((FOLDER / "monitoring").glob("*.yaml"))
}
DEPLOYMENT = MANIFESTS["deployment.yaml"]
LABELS = {"app.kubernetes.io/name": "rollcall"}
POD: dict[str, Any] = DEPLOYMENT["spec"]["template"]["spec"]
CONTAINER: dict[str, Any] = POD["containers"][0]
SERVICE = MANIFESTS["service.yaml"]
AUTOSCALER = MANIFESTS["autoscaler.yaml"]["spec"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("manifest", MANIFESTS.values(), ids=MANIFESTS.keys())
def test_the_schemas_of_kubernetes_accept_it(manifest: dict[str, Any], version: str) -> None:
    assert kubernetes_validate.validate(manifest, version, strict=True) == version


def test_the_schemas_refuse_a_misspelt_field() -> None:
    wrong = copy.deepcopy(DEPLOYMENT)
    wrong["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="readinesProbe"):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


def test_the_kustomization_has_every_manifest_but_the_secret() -> None:
    kustomization = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    assert set(kustomization["resources"]) == MANIFESTS.keys() - {"secret.example.yaml"}
    assert [image["name"] for image in kustomization["images"]] == [CONTAINER["image"]]


@pytest.mark.parametrize("manifest", MANIFESTS.values(), ids=MANIFESTS.keys())
def test_a_manifest_names_no_namespace(manifest: dict[str, Any]) -> None:
    assert "namespace" not in manifest["metadata"]
    assert manifest["metadata"]["labels"] == LABELS


def test_the_pod_has_no_rights_and_writes_to_its_volumes_alone() -> None:
    assert POD["automountServiceAccountToken"] is False
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert POD["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    writable = {mount["mountPath"] for mount in CONTAINER["volumeMounts"] if not mount.get("readOnly")}
    assert writable == {"/models", "/tmp", "/data"}
    [temporary] = [volume for volume in POD["volumes"] if volume["name"] == "temporary"]
    assert temporary["emptyDir"] == {"medium": "Memory", "sizeLimit": "1Gi"}
    assert CONTAINER["resources"].keys() == {"requests", "limits"}


def test_compose_kubernetes_and_the_image_have_the_same_user() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    context = POD["securityContext"]
    users = {compose["services"]["rollcall"]["user"], f"{context['runAsUser']}:{context['runAsGroup']}"}
    if (template := DEPLOY / "Dockerfile.template").exists():
        users |= set(re.findall(r"^USER (\S+)$", template.read_text(), re.MULTILINE))
    assert len(users) == 1
    assert context["fsGroup"] == context["runAsGroup"]


def test_only_readiness_asks_for_the_database() -> None:
    paths = {
        name: CONTAINER[name]["httpGet"]["path"]
        for name in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert paths == {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/api/health"}


def test_there_is_time_to_end() -> None:
    seconds = int(CONTAINER["lifecycle"]["preStop"]["exec"]["command"][1])
    assert POD["terminationGracePeriodSeconds"] >= seconds + 30


def test_what_the_pod_refers_to_is_there() -> None:
    volumes = {volume["name"]: volume for volume in POD["volumes"]}
    assert {mount["name"] for mount in CONTAINER["volumeMounts"]} == volumes.keys()
    assert volumes["models"]["persistentVolumeClaim"]["claimName"] == name_of("models.yaml")
    assert volumes["secrets"]["secret"]["secretName"] == name_of("secret.example.yaml")
    assert CONTAINER["envFrom"] == [{"configMapRef": {"name": name_of("configmap.yaml")}}]


def name_of(file: str) -> str:
    name: str = MANIFESTS[file]["metadata"]["name"]
    return name


def test_service_budget_and_autoscaler_mean_these_pods() -> None:
    pod_labels = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]
    assert DEPLOYMENT["spec"]["selector"]["matchLabels"] == pod_labels
    assert SERVICE["spec"]["selector"] == pod_labels
    assert MANIFESTS["disruption.yaml"]["spec"]["selector"]["matchLabels"] == pod_labels
    assert SERVICE["spec"]["ports"][0]["targetPort"] == CONTAINER["ports"][0]["name"]
    assert AUTOSCALER["scaleTargetRef"] == {
        "apiVersion": DEPLOYMENT["apiVersion"],
        "kind": DEPLOYMENT["kind"],
        "name": DEPLOYMENT["metadata"]["name"],
    }
    assert "replicas" not in DEPLOYMENT["spec"]


def test_the_example_of_the_secret_holds_none() -> None:
    assert MANIFESTS["secret.example.yaml"]["stringData"] == {"database_url": "", "api_keys": ""}
    assert "data" not in MANIFESTS["secret.example.yaml"]


def test_the_autoscalers_metric_is_the_one_that_the_adapter_makes(tmp_path: Path) -> None:
    metric = AUTOSCALER["metrics"][0]["pods"]["metric"]["name"]
    rule = MONITORING["prometheus-adapter"]["rules"]["custom"][0]
    assert metric in SERIES
    assert rule["seriesQuery"].partition("{")[0] == metric
    query = rule["metricsQuery"].replace("<<.Series>>", metric).replace("<<.GroupBy>>", "pod")
    query = query.replace("<<.LabelMatchers>>", 'namespace="school",pod=~"a|b"')
    assert "<<" not in query
    assert_valid([rule["seriesQuery"], query], tmp_path)


def test_prometheus_reads_the_clusters_scrape_configuration(tmp_path: Path) -> None:
    scrape = copy.deepcopy(MONITORING["scrape"])
    # Debian's Prometheus is built without this one.
    assert scrape[0].pop("kubernetes_sd_configs") == [{"role": "pod"}]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump({"scrape_configs": scrape}))
    checked = promtool("check", "config", "--syntax-only", tmp_path / "prometheus.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    kept = {
        tuple(rule["source_labels"]): rule["regex"]
        for rule in scrape[0]["relabel_configs"]
        if "action" in rule
    }
    assert kept == {
        ("__meta_kubernetes_pod_label_app_kubernetes_io_name",): LABELS["app.kubernetes.io/name"],
        ("__meta_kubernetes_pod_container_port_name",): CONTAINER["ports"][0]["name"],
    }


def test_jobs_have_the_name_that_the_alerts_expect() -> None:
    compose = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    monitor = MONITORING["servicemonitor"]["spec"]
    assert compose["scrape_configs"][0]["job_name"] == "rollcall"
    assert MONITORING["scrape"][0]["job_name"] == "rollcall"
    assert SERVICE["metadata"]["labels"][monitor["jobLabel"]] == "rollcall"
    assert monitor["selector"]["matchLabels"] == SERVICE["metadata"]["labels"]
    assert monitor["endpoints"][0]["port"] == SERVICE["spec"]["ports"][0]["name"]


def test_the_volume_has_room_for_several_uploads_of_imports() -> None:
    [data] = [volume for volume in POD["volumes"] if volume["name"] == "data"]
    room = re.fullmatch(r"(\d+)Gi", data["emptyDir"]["sizeLimit"])
    assert room is not None
    assert int(room[1]) * 1024 >= 4 * int(MANIFESTS["configmap.yaml"]["data"]["MAX_IMPORT_MB"])
