"""The operations kit: its settings, times and metrics agree with the gateway, and its secrets with the roles."""

import configparser
import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from documentation import documents
from test_documentation import variables

from benegraph import telemetry
from benegraph.cli.workers import STOP_SECONDS
from benegraph.telemetry.request_info import RequestInfo
from benegraph.web.draining import GRACE_SECONDS
from benegraph.web.health import CHECK_TIMEOUT_SECONDS

ROOT = Path(__file__).parents[2]
KIT = ROOT / ".github/ops"
BASE = KIT / "kubernetes/base"
UNITS = ("benegraph.service", "benegraph-migrate.service")

#: Labels that Prometheus adds to each sample.
TARGET_LABELS = {"job", "instance"}
NAMES = re.compile(r"\b(?:benegraph|process)_\w+")
SELECTOR = re.compile(r"\b((?:benegraph|process)_\w+)\{([^}]*)\}")
GROUPING = re.compile(r"\b(?:by|ignoring|without) \(([^)]*)\)")


def manifests() -> list[dict[str, Any]]:
    paths = [path for path in sorted(BASE.glob("*.yaml")) if path.name != "kustomization.yaml"]
    return [manifest for path in paths for manifest in yaml.safe_load_all(path.read_text(encoding="utf-8"))]


def manifest(kind: str, name: str = "benegraph") -> dict[str, Any]:
    (found,) = (each for each in manifests() if (each["kind"], each["metadata"]["name"]) == (kind, name))
    return found


def pod_of(kind: str, name: str = "benegraph") -> dict[str, Any]:
    pod: dict[str, Any] = manifest(kind, name)["spec"]["template"]
    return pod


def container_of(kind: str, name: str = "benegraph") -> dict[str, Any]:
    (container,) = pod_of(kind, name)["spec"]["containers"]
    return dict(container)


def settings_of_kubernetes() -> dict[str, str]:
    kustomization = yaml.safe_load((BASE / "kustomization.yaml").read_text(encoding="utf-8"))
    return dict(line.split("=", 1) for line in kustomization["configMapGenerator"][0]["literals"])


@cache
def compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((KIT / "compose/compose.yaml").read_text(encoding="utf-8"))
    return content


def unit(name: str) -> dict[str, str]:
    """Read the section Service of a unit. Of an option that is set several times, the last value counts."""
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign] # keeps the case of names
    parser.read_string((KIT / "systemd" / name).read_text(encoding="utf-8"))
    return dict(parser["Service"])


def read_environment_file(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def environments() -> dict[str, dict[str, str]]:
    """Return the environment of each process of the gateway in the kit."""
    systemd = dict(pair.split("=", 1) for pair in shlex.split(unit("benegraph.service")["Environment"]))
    return {
        "compose gateway": compose()["services"]["gateway"]["environment"],
        "compose migrate": compose()["services"]["migrate"]["environment"],
        "kubernetes gateway": settings_of_kubernetes()
        | {each["name"]: "" for each in container_of("Deployment")["env"]},
        "kubernetes migrate": {each["name"]: "" for each in container_of("Job", "benegraph-migrate")["env"]},
        "systemd gateway": systemd | read_environment_file(KIT / "systemd/gateway.env"),
        "systemd migrate": read_environment_file(KIT / "systemd/migrate.env"),
    }


# ------------------------------------------------------------------------------------------------ settings and secrets


@pytest.mark.parametrize("name", environments())
def test_kit_sets_only_existing_variables(name: str) -> None:
    assert set(environments()[name]) - variables() == set()


@pytest.mark.parametrize("name", environments())
def test_only_migrations_have_the_url_of_the_owner(name: str) -> None:
    urls = {variable for variable in environments()[name] if variable.endswith("DATABASE_URL")}
    assert urls == {"MIGRATION_DATABASE_URL" if name.endswith("migrate") else "DATABASE_URL"}


def test_urls_name_the_roles_and_the_database_that_the_script_creates() -> None:
    script = (KIT / "postgres/roles.sql").read_text(encoding="utf-8")
    roles = set(re.findall(r"^CREATE ROLE (\w+) LOGIN", script, re.MULTILINE))
    urls = [url for environment in environments().values() for url in environment.values() if "://" in url]
    accounts = {match[1] for url in urls if (match := re.match(r"postgresql://(\w+):[^@]+@[\w.:]+/benefits\b", url))}
    assert len(urls) == 4
    assert accounts == roles == {"benegraph_owner", "gateway"}
    assert "CREATE DATABASE benefits OWNER benegraph_owner;" in script


def test_passwords_of_compose_come_from_the_environment_file() -> None:
    text = (KIT / "compose/compose.yaml").read_text(encoding="utf-8")
    used = set(re.findall(r"\$\{(\w+)", text))
    assert used == set(read_environment_file(KIT / "compose/example.env"))
    assert all(f"${{{name}:?" in text for name in used)  # a missing password stops the start
    in_script = set(re.findall(r"\\getenv \w+ (\w+)", (KIT / "postgres/roles.sql").read_text(encoding="utf-8")))
    assert in_script == used - {"POSTGRES_PASSWORD"}


# ------------------------------------------------------------------------------------------------------------ shutdown


def seconds_of(text: str) -> float:
    return float(text.removesuffix("s"))


def test_services_are_killed_only_after_the_gateway_has_drained() -> None:
    graces = {
        "compose gateway": seconds_of(compose()["services"]["gateway"]["stop_grace_period"]),
        "kubernetes gateway": float(pod_of("Deployment")["spec"]["terminationGracePeriodSeconds"]),
        "systemd gateway": seconds_of(unit("benegraph.service")["TimeoutStopSec"]),
    }
    for name, grace in graces.items():
        drain = float(environments()[name]["BENEGRAPH_DRAIN_SECONDS"])
        assert drain > 0
        assert grace >= drain + GRACE_SECONDS + STOP_SECONDS, name


def test_draining_pod_is_found_unready_before_it_refuses_requests() -> None:
    probe = container_of("Deployment")["readinessProbe"]
    drain = float(settings_of_kubernetes()["BENEGRAPH_DRAIN_SECONDS"])
    assert probe["httpGet"]["path"] == "/readyz"
    assert probe["periodSeconds"] * probe["failureThreshold"] <= drain
    assert probe["timeoutSeconds"] > CHECK_TIMEOUT_SECONDS


# ----------------------------------------------------------------------------------------------------- least privilege


@pytest.mark.parametrize(("kind", "name"), [("Deployment", "benegraph"), ("Job", "benegraph-migrate")])
def test_pods_are_unprivileged_with_a_read_only_file_system(kind: str, name: str) -> None:
    pod, container = pod_of(kind, name)["spec"], container_of(kind, name)
    user = re.search(r"^USER (\d+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert user is not None
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": int(user[1]),
        "runAsGroup": int(user[1]),
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert {"requests", "limits"} == set(container["resources"])


@pytest.mark.parametrize("name", ["migrate", "gateway"])
def test_containers_of_compose_are_unprivileged_with_a_read_only_file_system(name: str) -> None:
    service = compose()["services"][name]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_compose_publishes_ports_on_loopback_and_no_port_of_the_database() -> None:
    ports = {name: service.get("ports", []) for name, service in compose()["services"].items()}
    assert ports == {
        "postgres": [],
        "migrate": [],
        "gateway": ["127.0.0.1:8000:8000"],
        "prometheus": ["127.0.0.1:9090:9090"],
    }
    assert compose()["networks"]["database"] == {"internal": True}


# ---------------------------------------------------------------------------------------------------------- kubernetes


def test_service_and_budget_select_the_gateways_and_no_migration() -> None:
    gateway = pod_of("Deployment")["metadata"]["labels"]
    migration = pod_of("Job", "benegraph-migrate")["metadata"]["labels"]
    selectors = [
        manifest("Service")["spec"]["selector"],
        manifest("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        manifest("Deployment")["spec"]["selector"]["matchLabels"],
        manifest("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
    ]
    assert all(selector.items() <= gateway.items() for selector in selectors)
    assert not any(selector.items() <= migration.items() for selector in selectors)
    policy = manifest("NetworkPolicy", "benegraph-migrate")["spec"]["podSelector"]["matchLabels"]
    assert policy.items() <= migration.items()


def test_autoscaler_sets_the_replicas_and_the_pods_fit_into_postgresql() -> None:
    assert "replicas" not in manifest("Deployment")["spec"]
    autoscaler = manifest("HorizontalPodAutoscaler")["spec"]
    assert autoscaler["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "benegraph"}
    # A rolling update adds one pod. PostgreSQL accepts 100 connections by default, three of them for superusers only.
    most = (autoscaler["maxReplicas"] + 1) * int(settings_of_kubernetes()["BENEGRAPH_POOL_SIZE"])
    assert most <= 97


def test_prometheus_finds_the_pods_by_their_annotations_and_labels() -> None:
    # Debian's promtool does not know the discovery in Kubernetes, so it cannot check this file.
    metadata = pod_of("Deployment")["metadata"]
    job = scrape_job("kubernetes.yml")
    values = {
        f"__meta_kubernetes_pod_{kind}_{re.sub(r'[^a-zA-Z0-9_]', '_', name)}": value
        for kind, pairs in (("annotation", metadata["annotations"]), ("label", metadata["labels"]))
        for name, value in pairs.items()
    } | {"__address__": "10.0.0.1", "__meta_kubernetes_pod_name": "benegraph-1"}
    for rule in job["relabel_configs"]:
        text = ";".join(values[name] for name in rule["source_labels"])
        match = re.fullmatch(rule.get("regex", "(.*)"), text)
        assert match is not None, rule
        if rule.get("action") != "keep":
            replacement = re.sub(r"\$(\d)", r"\\\1", rule.get("replacement", "$1"))
            values[rule["target_label"]] = match.expand(replacement)
    (port,) = container_of("Deployment")["ports"]
    assert (values["__address__"], values["pod"]) == (f"10.0.0.1:{port['containerPort']}", "benegraph-1")
    assert metadata["annotations"]["prometheus.io/path"] == "/metrics"


def scrape_job(name: str) -> dict[str, Any]:
    content = yaml.safe_load((KIT / "prometheus" / name).read_text(encoding="utf-8"))
    (job,) = content["scrape_configs"]
    return dict(job)


@pytest.mark.parametrize("name", ["prometheus.yml", "kubernetes.yml"])
def test_scrape_job_has_the_name_that_alerts_select(name: str) -> None:
    assert scrape_job(name)["job_name"] == "benegraph"
    assert any('up{job="benegraph"}' in rule["expr"] for rule in rules())


# ------------------------------------------------------------------------------------------------ alerts and dashboard


@cache
def exported_labels() -> dict[str, set[str]]:
    """Return the labels of each sample that the gateway exports."""
    metrics = telemetry.create_metrics()
    request = RequestInfo(request_id="r", operation_type="query", cost=1, replayed=True, deprecated=("Query.a",))
    metrics.record_request(request, "ok", 0.1)
    metrics.record_retry("40001")
    metrics._plan_fallbacks.labels("introspection")
    page = metrics.render()[0].decode()
    samples = re.findall(r"^((?:benegraph|process)_\w+)(?:\{(.*)\})? ", page, re.MULTILINE)
    exported = {name: set(re.findall(r'(\w+)="', labels)) for name, labels in samples}
    families = set(re.findall(r"^# HELP (\w+)", page, re.MULTILINE))
    assert families == {re.sub("_(bucket|sum|count)$", "", name) for name in exported}  # each family has a sample
    return exported


@cache
def rules() -> list[dict[str, Any]]:
    content = yaml.safe_load((KIT / "prometheus/alerts.yml").read_text(encoding="utf-8"))
    return [rule for group in content["groups"] for rule in group["rules"]]


def dashboard_panels() -> Iterator[dict[str, Any]]:
    content = json.loads((KIT / "grafana/dashboard.json").read_text(encoding="utf-8"))
    return (panel for panel in content["panels"] if panel["type"] != "row")


def expressions() -> list[str]:
    in_dashboard = [target["expr"] for panel in dashboard_panels() for target in panel["targets"]]
    return [*(rule["expr"] for rule in rules()), *in_dashboard]


def find_faults(expression: str) -> set[str]:
    """Return the metrics and labels of an expression that the gateway does not export."""
    exported = exported_labels()
    names = set(NAMES.findall(expression))
    unknown = {name for name in names if name not in exported}
    labels_of_all = set().union(TARGET_LABELS, *(exported.get(name, set()) for name in names))
    for name, matchers in SELECTOR.findall(expression):
        labels = set(re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"', matchers))
        unknown |= {f"{name}{{{label}}}" for label in labels - exported.get(name, set()) - TARGET_LABELS}
    for group in GROUPING.findall(expression):
        unknown |= {label.strip() for label in group.split(",")} - labels_of_all
    return unknown


@pytest.mark.parametrize("expression", expressions())
def test_expressions_use_only_exported_metrics_and_labels(expression: str) -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    assert set(re.findall(r"\bbenegraph:[\w:]+", expression)) <= recorded
    assert find_faults(expression) == set()


@pytest.mark.parametrize(
    ("expression", "faults"),
    [
        ('sum by (kind) (rate(benegraph_requests_total{job="a", outcome=~"ok"}[5m]))', set()),
        ("benegraph_request_total", {"benegraph_request_total"}),
        ('benegraph_throttled_total{tenant="a"}', {"benegraph_throttled_total{tenant}"}),
        ("sum by (reason) (benegraph_requests_total)", {"reason"}),
    ],
)
def test_expression_check_names_unknown_metrics_and_labels(expression: str, faults: set[str]) -> None:
    assert find_faults(expression) == faults


def test_all_metrics_of_the_gateway_are_on_the_dashboard() -> None:
    shown = {
        re.sub("_(bucket|sum|count)$", "", name)
        for panel in dashboard_panels()
        for target in panel["targets"]
        for name in NAMES.findall(target["expr"])
    }
    exported = {re.sub("_(bucket|sum|count)$", "", name) for name in exported_labels()}
    assert exported - shown == {"process_virtual_memory_bytes"}


def test_each_alert_names_a_section_of_the_operations_manual() -> None:
    (manual,) = (document for document in documents() if document.name == ".github/docs/operations.md")
    alerts = [rule for rule in rules() if "alert" in rule]
    anchors = {rule["annotations"]["runbook"].removeprefix(".github/docs/operations.md#") for rule in alerts}
    assert len(alerts) > 5
    assert anchors <= manual.anchors
    assert {rule["labels"]["severity"] for rule in alerts} == {"page", "ticket"}


def test_each_panel_has_a_description_and_its_own_place() -> None:
    places = [tuple(panel["gridPos"].values()) for panel in dashboard_panels()]
    assert len(places) == len(set(places)) > 15
    assert all(panel["description"].endswith(".") for panel in dashboard_panels())
