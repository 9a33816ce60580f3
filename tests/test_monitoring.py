"""Alert rules, queries, workbook and runbooks: what is watched follows the answers, and every alert leads somewhere."""

import json
import re
from pathlib import Path

import pytest

from generator.answers import load, variants
from generator.compiler import Compiler
from generator.rendering import Job, render_many

NAMES = (
    "default",
    "all-reused",
    "awkward-owner",
    "batch-only",
    "exploration-only",
    "fine-tuning",
    "foundation-chat",
    "kubernetes-models",
    "new-databricks",
    "regulated-two-regions",
)
COMMON = {"key-vault"}
KINDS = {
    "default": {
        "gateway-v2",
        "foundry-account",
        "measured-workspace",
        "ml-workspace",
        "online-endpoint",
        "online-deployment",
        "storage-account",
    },
    "all-reused": {
        "foundry-account",
        "measured-workspace",
        "ml-workspace",
        "online-endpoint",
        "online-deployment",
        "storage-account",
    },
    "batch-only": {"ml-workspace", "storage-account"},
    "exploration-only": {"ml-workspace", "storage-account"},
    "fine-tuning": {
        "gateway-v2",
        "foundry-account",
        "semantic-cache",
        "storage-account",
        "container-app",
        "flag-store",
    },
    "foundation-chat": {"gateway-v2", "foundry-account", "overflow-account"},
    "kubernetes-models": {"gateway-v2", "kubernetes-cluster", "ml-workspace", "online-endpoint", "storage-account"},
}
"""Kinds of metric rules besides those that every project has."""

QUERIES = {
    "default": {
        "gateway-errors",
        "gateway-throttled",
        "gateway-latency",
        "gateway-quota",
        "gateway-silence",
        "gateway-tokens",
        "log-ingestion",
    },
    "all-reused": {
        "gateway-errors",
        "gateway-throttled",
        "gateway-latency",
        "gateway-quota",
        "gateway-silence",
        "gateway-tokens",
    },
    "batch-only": {"log-ingestion"},
    "foundation-chat": {
        "gateway-errors",
        "gateway-throttled",
        "gateway-quota",
        "gateway-silence",
        "gateway-tokens",
        "log-ingestion",
    },
    "kubernetes-models": {
        "gateway-errors",
        "gateway-throttled",
        "gateway-latency",
        "gateway-silence",
        "log-ingestion",
    },
}

NOT_TO_USE = frozenset(
    (
        "AzureOpenAIProvisionedManagedUtilization",
        "BlockedCalls",
        "ClientErrors",
        "FailedRequests",
        "Latency",
        "OtherRequests",
        "ServerErrors",
        "SuccessRate",
        "SuccessfulRequests",
        "TotalCalls",
        "TotalErrors",
        "TotalRequests",
        "UnauthorizedRequests",
    )
)
"""Metrics that are deprecated, or that their own description warns of."""

ACTIVITY_RUNBOOK = "docs/runbooks/platform-health.md"
HEADINGS = ["Detect", "Decide", "Act", "Verify", "Threshold"]
WINDOWS = ("PT1M", "PT5M", "PT15M", "PT30M", "PT1H", "PT6H", "PT12H", "P1D")

HARNESS = """targetScope = 'subscription'

param environmentName string
param targets { name: string, kind: string, id: string }[]

var tags = {
  workload: 'vision'
  environment: environmentName
  owner: 'owner@example.com'
  costCenter: 'none'
  criticality: 'low'
  dataClassification: 'public'
}

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' existing = {
  name: 'rg-vision-monitoring'
}

module metricAlerts 'modules/monitoring/metric-alerts.bicep' = {
  name: 'metric-alerts'
  scope: group
  params: {
    environmentName: environmentName
    actionGroupId: 'action-group'
    targets: any(targets)
    tags: tags
  }
}

module queryAlerts 'modules/monitoring/query-alerts.bicep' = {
  name: 'query-alerts'
  scope: group
  params: {
    environmentName: environmentName
    location: 'swedencentral'
    actionGroupId: 'action-group'
    targets: any(targets)
    tags: tags
  }
}

module activityAlerts 'modules/monitoring/activity-alerts.bicep' = {
  name: 'activity-alerts'
  scope: group
  params: {
    prefix: 'alert-vision'
    actionGroupId: 'action-group'
    resourceGroupNames: [
      group.name
    ]
    regions: [
      'Sweden Central'
    ]
    tags: tags
  }
}

module workbook 'modules/monitoring/workbook.bicep' = {
  name: 'workbook'
  scope: group
  params: {
    title: 'Vision'
    location: 'swedencentral'
    logAnalyticsId: 'workspace'
    resourceGroupPrefix: 'rg-vision-dev-'
    tags: tags
  }
}
"""


@pytest.fixture(scope="module")
def projects(tmp_path_factory) -> dict[str, Path]:
    """Root of each rendered variant, by its name."""
    folder = tmp_path_factory.mktemp("monitoring")
    jobs = [Job(item.name, load(item.path), folder / item.name) for item in variants() if item.name in NAMES]
    assert [f"{job.name}: {error.message}" for job, error in render_many(jobs)] == []
    return {name: folder / name for name in NAMES}


def rules_of(project: Path) -> dict[str, list[dict]]:
    return json.loads((project / "monitoring/alert-rules.json").read_text())


def all_rules(project: Path) -> list[dict]:
    rules = rules_of(project)
    return rules["metrics"] + rules["queries"]


@pytest.mark.parametrize("name", KINDS)
def test_rules_watch_what_the_project_has(projects, name):
    assert {rule["kind"] for rule in rules_of(projects[name])["metrics"]} == KINDS[name] | COMMON


@pytest.mark.parametrize("name", QUERIES)
def test_queries_are_those_of_the_rules(projects, name):
    project = projects[name]
    files = {path.stem for path in (project / "monitoring/queries").glob("*.kql")}
    assert files == {rule["query"] for rule in rules_of(project)["queries"]} == QUERIES[name]
    module = (project / "infra/modules/monitoring/query-alerts.bicep").read_text()
    assert set(re.findall(r"queries/([a-z-]+)[.]kql", module)) == files


@pytest.mark.parametrize("name", NAMES)
def test_rules_are_complete(projects, name):
    rules = all_rules(projects[name])
    keys = [(rule["kind"], rule["name"]) for rule in rules]
    assert len(set(keys)) == len(keys)
    for rule in rules:
        assert rule["severity"] in range(5)
        assert isinstance(rule.get("threshold"), int) != (rule.get("sensitivity") in ("Low", "Medium", "High"))
        assert rule["window"] in WINDOWS and rule["frequency"] in WINDOWS
        assert WINDOWS.index(rule["frequency"]) <= WINDOWS.index(rule["window"])
        assert rule["description"].endswith(".") and rule["runbook"].startswith("docs/runbooks/")


@pytest.mark.parametrize("name", NAMES)
def test_no_deprecated_metric(projects, name):
    assert not {rule["metric"] for rule in rules_of(projects[name])["metrics"]} & NOT_TO_USE


@pytest.mark.parametrize("name", NAMES)
def test_every_rule_has_a_runbook_and_every_runbook_a_rule(projects, name):
    project = projects[name]
    written = {f"docs/runbooks/{path.name}" for path in (project / "docs/runbooks").glob("*.md")} - {
        "docs/runbooks/README.md"
    }
    region = {"docs/runbooks/region-loss.md"} if (project / "infra/modules/machine-learning").exists() else set()
    assert written == {rule["runbook"] for rule in all_rules(project)} | {ACTIVITY_RUNBOOK} | region
    index = (project / "docs/runbooks/README.md").read_text()
    assert {f"docs/runbooks/{link}" for link in re.findall(r"\]\(([a-z-]+[.]md)\)", index)} == written


@pytest.mark.parametrize("name", NAMES)
def test_runbooks_have_the_same_steps_and_live_links(projects, name):
    folder = projects[name] / "docs/runbooks"
    for path in folder.glob("*.md"):
        text = path.read_text()
        assert all((folder / link).exists() for link in re.findall(r"\]\(([^)#:]+[.]md)\)", text)), path.name
        assert "\n\n\n" not in text and not text.endswith("\n\n"), path.name
        if path.name != "README.md":
            assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS, path.name
            assert "```kusto" in text, path.name


@pytest.mark.parametrize("name", NAMES)
def test_queries_and_measures(projects, name):
    project = projects[name]
    for rule in rules_of(project)["queries"]:
        text = (project / f"monitoring/queries/{rule['query']}.kql").read_text()
        assert text.startswith("// ") and text.endswith("\n") and "\n\n" not in text
        for column in [rule["measure"], *rule["dimensions"]]:
            assert re.search(rf"\b{column}\b", text), f"{rule['query']} does not return {column}"


def test_an_existing_gateway_is_read_in_application_insights(projects):
    own, existing = rules_of(projects["default"])["queries"], rules_of(projects["all-reused"])["queries"]
    assert {rule["kind"] for rule in own} == {"gateway-v2", "log-analytics"}
    assert {rule["kind"] for rule in existing} == {"application-insights"}
    assert "ApiManagementGatewayLogs" not in (projects["all-reused"] / "monitoring/workbooks/platform.json").read_text()


def test_thresholds_follow_the_answers(projects):
    rules = rules_of(projects["kubernetes-models"])
    latency = [rule for rule in rules["metrics"] if rule["metric"] == "RequestLatency_P95"]
    assert [rule["threshold"] for rule in latency] == [1000]
    assert [rule["threshold"] for rule in rules["queries"] if rule["name"] == "latency"] == [1000]
    query = (projects["kubernetes-models"] / "monitoring/queries/gateway-errors.kql").read_text()
    assert "let budgetPercent = 0.1;" in query


@pytest.mark.parametrize("name", NAMES)
def test_workbooks(projects, name):
    for path in (projects[name] / "monitoring/workbooks").glob("*.json"):
        check_workbook(json.loads(path.read_text()))


def check_workbook(book: dict) -> None:
    """Items have names of their own, and every picture has a title and a query of this platform."""
    assert book["version"] == "Notebook/1.0"
    names = [item["name"] for item in book["items"]]
    assert len(set(names)) == len(names) and names[0] == "parameters"
    for item in book["items"]:
        assert item["type"] in (1, 3, 9)
        if item["type"] == 3:
            assert "{Platform}" in item["content"]["query"] and item["content"]["title"]


def test_workbook_sections_follow_the_answers(projects):
    def sections(name: str, book: str = "platform") -> set[str]:
        path = projects[name] / f"monitoring/workbooks/{book}.json"
        book = json.loads(path.read_text()) if path.exists() else {"items": []}
        return {item["name"] for item in book["items"] if item["type"] == 1}

    assert sections("default") == {"gateway", "tokens", "models", "endpoint", "runs", "storage", "vault"}
    assert sections("batch-only") == {"runs", "storage", "vault"}
    assert sections("kubernetes-models") == {"gateway", "runs", "storage", "vault"}
    assert sections("foundation-chat") == {"gateway", "tokens", "models", "vault"}
    assert sections("default", "quality") == {"own-models", "foundation"}
    assert sections("batch-only", "quality") == set()
    assert sections("kubernetes-models", "quality") == {"own-models"}
    assert sections("foundation-chat", "quality") == {"foundation"}
    assert sections("foundation-chat", "consumption") == {"tokens"}
    assert sections("default", "consumption") == set()


def test_prices_start_empty_and_name_every_model(projects):
    prices = json.loads((projects["foundation-chat"] / "monitoring/prices.json").read_text())
    assert prices["currency"] is None and list(prices["models"]) == ["gpt-5.4", "text-embedding-3-large"]
    assert {row["prompt"] for row in prices["models"].values()} == {None}
    assert not (projects["default"] / "monitoring/prices.json").exists()


def parameters(project: Path, environment: str) -> str:
    """A parameter file with one target for each kind of rule."""
    kinds = sorted({rule["kind"] for rule in all_rules(project)})
    rows = "\n".join(f"  {{ name: 'one-{kind}', kind: '{kind}', id: '/subscriptions/x/{kind}' }}" for kind in kinds)
    return f"using 'main.bicep'\n\nparam environmentName = '{environment}'\nparam targets = [\n{rows}\n]\n"


@pytest.mark.parametrize("name", ["default", "all-reused", "batch-only", "kubernetes-models", "regulated-two-regions"])
def test_modules_compile_and_make_an_alert_of_every_rule(projects, name):
    infra = projects[name] / "infra"
    (infra / "main.bicep").write_text(HARNESS)
    for path in infra.glob("*.bicepparam"):
        path.unlink()
    with Compiler() as compiler:
        for path in (infra / "modules/monitoring").glob("*-alerts.bicep"):
            assert compiler.format(path) == path.read_text(), path.name
        assert compiler.compile(infra / "main.bicep").diagnostics == []
        urgent = {}
        for environment in ("dev", "test", "prod"):
            (infra / "one.bicepparam").write_text(parameters(projects[name], environment))
            resources = compiler.snapshot(infra / "one.bicepparam", "swedencentral")["predictedResources"]
            alerts = [item for item in resources if item["type"].endswith(("metricAlerts", "scheduledQueryRules"))]
            urgent[environment] = min(item["properties"]["severity"] for item in alerts)
            check_alerts(alerts, all_rules(projects[name]), environment)
            assert len([item for item in resources if item["type"].endswith("activityLogAlerts")]) == 2
    assert urgent["dev"] == 3 and urgent["test"] == 2 and urgent["prod"] < 2, urgent


def check_alerts(alerts: list[dict], rules: list[dict], environment: str) -> None:
    """Every rule became one alert, on where the rule wants it, that tells somebody and names its runbook."""
    wanted = {
        f"alert-one-{rule['kind']}-{rule['name']}": environment in rule.get("environments", [environment])
        for rule in rules
    }
    assert {item["name"]: item["properties"]["enabled"] for item in alerts} == wanted
    assert len(alerts) == len(rules)
    for item in alerts:
        properties = item["properties"]
        actions = properties["actions"]
        custom = properties.get("customProperties") or actions["customProperties"]
        assert "action-group" in json.dumps(actions) and properties["autoMitigate"]
        assert custom["runbook"] in properties["description"]
