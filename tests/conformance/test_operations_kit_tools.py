"""The operations kit and the tools of its formats: kubectl, Docker Compose, systemd, promtool, Prometheus and psql."""

import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from gateway import Gateway, run_gateway
from prometheus_server import Prometheus, run_prometheus

import gateways
from benegraph.db.embedded import EmbeddedPostgres, _package_directory
from gateways import post_json

ROOT = Path(__file__).parents[2]
KIT = ROOT / ".github/ops"
OVERLAYS = ("base", "overlays/production")
UNITS = ("benegraph.service", "benegraph-migrate.service")
#: Supported versions of Kubernetes, oldest and newest.
KUBERNETES_VERSIONS = ("1.30", "1.33", kubernetes_validate.latest_version())
#: The highest exposure of a unit, by `systemd-analyze security`, in tenths: 10.0 is no protection at all.
MAX_EXPOSURE = 15
PASSWORDS = {"POSTGRES_PASSWORD": "a1", "OWNER_PASSWORD": "b2", "GATEWAY_PASSWORD": "c3"}

pytestmark = pytest.mark.conformance


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


def run(*command: str, cwd: Path = ROOT, stdin: str | None = None, environment: Mapping[str, str] | None = None) -> str:
    """Run a tool, and return its standard output. On failure, its output is the message of the assertion."""
    result = subprocess.run(  # noqa: S603 - fixed commands
        command,
        cwd=cwd,
        env={**os.environ, **(environment or {})},  # noqa: TID251 - the environment of a subprocess
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


# ---------------------------------------------------------------------------------------------------------- Kubernetes


def render(overlay: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(run("kubectl", "kustomize", str(KIT / "kubernetes" / overlay))))


@needs("kubectl")
@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_manifests_fit_the_schemas_of_kubernetes(overlay: str, version: str) -> None:
    manifests = render(overlay)
    assert sorted(manifest["kind"] for manifest in manifests) == [
        "ConfigMap",
        "Deployment",
        "HorizontalPodAutoscaler",
        "Job",
        "NetworkPolicy",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "Service",
        "ServiceAccount",
    ]
    for manifest in manifests:
        kubernetes_validate.validate(manifest, version, strict=True)


def test_schema_check_refuses_a_misspelled_field() -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"port": []}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(service, KUBERNETES_VERSIONS[0], strict=True)


@needs("kubectl")
def test_overlay_sets_namespace_image_settings_and_clients() -> None:
    manifests = {(each["kind"], each["metadata"]["name"]): each for each in render("overlays/production")}
    assert {each["metadata"]["namespace"] for each in manifests.values()} == {"benefits"}
    deployment, job = manifests["Deployment", "benegraph"], manifests["Job", "benegraph-migrate"]
    images = {
        container["image"] for each in (deployment, job) for container in each["spec"]["template"]["spec"]["containers"]
    }
    assert images == {"registry.example/benegraph:0.2.0"}
    assert manifests["HorizontalPodAutoscaler", "benegraph"]["spec"]["minReplicas"] == 3
    ((_, name),) = (key for key in manifests if key[0] == "ConfigMap")
    assert {"BENEGRAPH_DRAIN_SECONDS", "BENEGRAPH_CORS_ORIGINS"} < set(manifests["ConfigMap", name]["data"])
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert container["envFrom"] == [{"configMapRef": {"name": name}}]
    policy = manifests["NetworkPolicy", "benegraph"]["spec"]
    assert [rule["ports"] for rule in policy["ingress"]] == [[{"port": 8000, "protocol": "TCP"}]]
    assert len(policy["egress"]) == 2  # of the base
    assert manifests["NetworkPolicy", "benegraph-migrate"]["spec"]["ingress"] == []


# ------------------------------------------------------------------------------------------------------ Docker Compose


def compose_command() -> tuple[str, ...] | None:
    if shutil.which("docker"):
        plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)  # noqa: S607 - on the PATH
        if plugin.returncode == 0:
            return ("docker", "compose")
    return ("docker-compose",) if shutil.which("docker-compose") else None


@pytest.mark.skipif(compose_command() is None, reason="Docker Compose is not installed")
def test_compose_accepts_its_file() -> None:
    command = compose_command()
    assert command is not None
    content = yaml.safe_load(run(*command, "config", cwd=KIT / "compose", environment=PASSWORDS))
    services = content["services"]
    assert set(services) == {"gateway", "migrate", "postgres", "prometheus"}
    assert services["gateway"]["environment"]["DATABASE_URL"] == "postgresql://gateway:c3@postgres:5432/benefits"
    assert services["migrate"]["environment"]["MIGRATION_DATABASE_URL"].startswith("postgresql://benegraph_owner:b2@")
    assert services["gateway"]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert services["gateway"]["read_only"] is True
    files = re.findall(r"(/\S+\.(?:sql|yml))(?=:/|$)", yaml.safe_dump(services, width=1000), re.MULTILINE)
    assert {Path(file).name for file in files} >= {"roles.sql", "prometheus.yml", "alerts.yml"}


@pytest.mark.skipif(compose_command() is None, reason="Docker Compose is not installed")
def test_compose_refuses_a_missing_password() -> None:
    command = compose_command()
    assert command is not None
    result = subprocess.run(  # noqa: S603 - a fixed command
        [*command, "config"],
        cwd=KIT / "compose",
        env=os.environ | PASSWORDS | {"GATEWAY_PASSWORD": ""},  # noqa: TID251 - the environment of a subprocess
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0
    assert "GATEWAY_PASSWORD" in result.stderr


# ------------------------------------------------------------------------------------------------------------- systemd


@pytest.fixture
def units(tmp_path: Path) -> list[str]:
    """Copy the units, with the command of this environment in place of the installed one."""
    command = Path(sys.executable).with_name("benegraph")
    for name in UNITS:
        text = (KIT / "systemd" / name).read_text(encoding="utf-8")
        assert "/opt/benegraph/bin/benegraph " in text
        (tmp_path / name).write_text(text.replace("/opt/benegraph/bin/benegraph", str(command)), encoding="utf-8")
    return [str(tmp_path / name) for name in UNITS]


@needs("systemd-analyze")
def test_systemd_accepts_the_units(units: list[str]) -> None:
    # An unknown option is only a warning, on standard error.
    result = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)  # noqa: S603, S607 - on the PATH
    assert (result.returncode, result.stderr) == (0, "")


@needs("systemd-analyze")
def test_units_are_hardened(units: list[str]) -> None:
    run("systemd-analyze", "security", "--offline=true", f"--threshold={MAX_EXPOSURE}", *units)


# ------------------------------------------------------------------------------------------------------------ promtool


@needs("promtool")
def test_promtool_accepts_configuration_and_alerts() -> None:
    run("promtool", "check", "rules", str(KIT / "prometheus/alerts.yml"))
    run("promtool", "check", "config", str(KIT / "prometheus/prometheus.yml"))


@needs("promtool")
def test_alerts_pass_their_unit_tests() -> None:
    run("promtool", "test", "rules", "alerts_test.yml", cwd=KIT / "prometheus")


# ------------------------------------------------------------------------------------ a gateway, watched by Prometheus


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with run_gateway("--workers", "2") as gateway:
        yield gateway


def send_requests(gateway: Gateway) -> None:
    """Send a query, a mutation that is replayed, an introspection and a deprecated field."""
    headers = {"Authorization": f"Bearer {gateway.keys['administrator']}", "Content-Type": "application/json"}
    for query in (
        "query Whoami { viewer { role } }",
        'mutation Hire { createEmployer(input: {name: "Ostrava Optics", idempotencyKey: "k"}) { employer { id } } }',
        "query Types { __schema { queryType { name } } }",
        "query Settings { tenantSettings { autoPaidThrough } }",
        "{ unknown }",
    ):
        post_json(gateway.url, {"query": query}, headers)


def read_page(gateway: Gateway) -> str:
    with urllib.request.urlopen(gateway.at("/metrics")) as response:  # noqa: S310 - a local URL
        return str(response.read(), "utf-8")


@needs("promtool")
def test_promtool_accepts_the_metrics(gateway: Gateway) -> None:
    send_requests(gateway)
    run("promtool", "check", "metrics", stdin=read_page(gateway))


@pytest.fixture(scope="module")
def prometheus(gateway: Gateway) -> Iterator[Prometheus]:
    """Return a Prometheus that has scraped the gateway while it answered requests."""
    is_over = threading.Event()

    def keep_sending() -> None:
        while not is_over.wait(0.2):
            with suppress(OSError):
                send_requests(gateway)

    client = threading.Thread(target=keep_sending)
    client.start()
    try:
        with run_prometheus(gateway.at("").removeprefix("http://")) as prometheus:
            prometheus.wait_for_samples(5)
            yield prometheus
    finally:
        is_over.set()
        client.join()


@needs("prometheus")
def test_prometheus_loads_the_alerts_and_none_is_firing(prometheus: Prometheus) -> None:
    rules = [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]
    assert len(rules) == 12
    assert {(rule["name"], rule["health"], rule.get("lastError")) for rule in rules} == {
        (rule["name"], "ok", None) for rule in rules
    }
    assert prometheus.query('ALERTS{alertstate="firing"}') == []


def queries_of_dashboard() -> list[tuple[str, str]]:
    dashboard = json.loads((KIT / "grafana/dashboard.json").read_text(encoding="utf-8"))
    values = {"$__rate_interval": "30s", "$job": "benegraph", "$instance": ".*"}
    queries = []
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            expression = target["expr"]
            for name, value in values.items():
                expression = expression.replace(name, value)
            queries.append((panel["title"], expression))
    return queries


@needs("prometheus")
@pytest.mark.parametrize(("title", "expression"), queries_of_dashboard())
def test_dashboard_shows_the_data_of_a_gateway(prometheus: Prometheus, title: str, expression: str) -> None:
    values = [float(sample["value"][1]) for sample in prometheus.query(expression)]
    if title == "Repeated transactions":  # the test causes no conflict
        assert values == []
    else:
        assert [value for value in values if math.isfinite(value)], values


@needs("prometheus")
def test_processes_of_all_workers_are_scraped(prometheus: Prometheus) -> None:
    pids = {sample["metric"]["pid"] for sample in prometheus.query("process_resident_memory_bytes")}
    assert len(pids) == 2
    (cpu,) = prometheus.query("sum without (pid) (rate(process_cpu_seconds_total[30s]))")
    assert 0 < float(cpu["value"][1]) < 8


# ---------------------------------------------------------------------------------------------- the roles and commands


def test_gateway_runs_with_the_roles_of_the_script() -> None:
    psql = _package_directory() / "pginstall/bin/psql"
    passwords = {"OWNER_PASSWORD": "o'w", "GATEWAY_PASSWORD": "g w"}
    with tempfile.TemporaryDirectory(prefix="benegraph-") as path, EmbeddedPostgres(Path(path), fast=True) as server:

        def url_of(user: str) -> str:
            return server.dsn("benefits", user)

        superuser = server.dsn().replace("+asyncpg", "")
        run(str(psql), superuser, "--no-psqlrc", "-f", str(KIT / "postgres/roles.sql"), environment=passwords)
        benegraph = str(Path(sys.executable).with_name("benegraph"))
        for _ in range(2):  # as before each start
            run(benegraph, "migrate", environment={"MIGRATION_DATABASE_URL": url_of("benegraph_owner")})
        options = ("--tenant", "acme", "--create-tenant", "Acme Benefits", "--role", "administrator")
        key = run(benegraph, "keys", "issue", *options, environment={"DATABASE_URL": url_of("gateway")}).strip()
        with gateways.run_gateway(Path(path), "--workers", "2", DATABASE_URL=url_of("gateway")) as gateway:
            assert gateway.get_status("/readyz") == 200
            body = gateway.post_query("{ viewer { role } }", key)
            assert gateway.stop() == 0
        assert body["data"] == {"viewer": {"role": "ADMINISTRATOR"}}
        owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
        database = superuser.replace("/postgres?", "/benefits?")
        assert run(str(psql), database, "-XAtc", owners).split() == ["benegraph_owner"]
        refused = subprocess.run(  # noqa: S603 - a fixed command
            [str(psql), url_of("gateway").replace("+asyncpg", ""), "-Xc", "CREATE TABLE a (b int)"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "permission denied" in refused.stderr
