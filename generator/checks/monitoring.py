"""Checks of the monitoring rows (MON): telemetry, alerts with their runbooks, and what is kept of prompts."""

import json
import re
from collections.abc import Iterable, Iterator

from generator.checks import Finding, check
from generator.checks.expected import presence
from generator.checks.reading import compare, label, located, object_of, value_at, verdict
from generator.checks.tables import DEAD_METRICS, LOGGED
from generator.evaluation import Environment, Project, Resource

METRIC_ALERT = "Microsoft.Insights/metricAlerts"
QUERY_ALERT = "Microsoft.Insights/scheduledQueryRules"
ACTIVITY_ALERT = "Microsoft.Insights/activityLogAlerts"
DIAGNOSTICS = "Microsoft.Insights/diagnosticSettings"
LOGS = "Microsoft.OperationalInsights/workspaces"
WORKBOOK = "Microsoft.Insights/workbooks"
WORKSPACE = "Microsoft.MachineLearningServices/workspaces"
ACCOUNT = "Microsoft.CognitiveServices/accounts"
GATEWAY = "Microsoft.ApiManagement/service"
API_DIAGNOSTICS = f"{GATEWAY}/apis/diagnostics"
ALERTS = (METRIC_ALERT, QUERY_ALERT, ACTIVITY_ALERT)
HEADINGS = ("Detect", "Decide", "Act", "Verify")
RUNBOOK = re.compile(r"docs/runbooks/[a-z-]+\.md")
ENDPOINT = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
DEPLOYMENT_METRICS = {"CpuUtilizationPercentage", "CpuMemoryUtilizationPercentage", "DeploymentCapacity"}
ENDPOINT_METRICS = {"RequestLatency_P95", "RequestsPerMinute"}
WORKSPACE_METRICS = {
    "Failed Runs",
    "Not Responding Runs",
    "Model Deploy Failed",
    "Unusable Nodes",
    "Quota Utilization Percentage",
}
BODIES = [(side, way) for side in ("frontend", "backend") for way in ("request", "response")]
AVAILABILITY = "AzureOpenAIAvailabilityRate"
CLASSIC_TIERS = ("Developer", "Premium")


@check("MON-01")
def logs_reach_one_workspace(project: Project) -> Iterator[Finding]:
    """Each resource of a type with logs sends them to the workspace of its environment, which keeps them as answered.

    Source: https://learn.microsoft.com/azure/azure-monitor/platform/diagnostic-settings
    """
    yield from presence(project, "Microsoft.KeyVault/vaults")
    answers = project.answers
    reused = "log_analytics" in answers["reuse"]
    for environment in project.environments.values():
        own = environment.of_type(LOGS)
        if not reused:
            yield verdict(f"{environment.name}: {LOGS}", [] if len(own) == 1 else ["deploy one workspace"])
        for item in own:
            yield compare(environment, item, {"properties.retentionInDays": answers["log_retention_days"]})
        wanted = str(answers["existing_log_analytics_id"]) if reused else own[0].id if own else ""
        settings = {str(item.scope).lower(): item for item in environment.of_type(DIAGNOSTICS)}
        for item in environment.of_type(*LOGGED):
            found = settings.get(item.id.lower())
            yield verdict(label(environment, item), _logging_faults(item, found, wanted), str(item))


def _logging_faults(resource: Resource, setting: Resource | None, workspace: str) -> list[str]:
    """What is wrong with the diagnostic setting of a resource."""
    if setting is None:
        return ["it sends no logs, add a diagnostic setting"]
    faults = []
    if str(setting.properties.get("workspaceId")).lower() != workspace.lower():
        faults.append("its logs go elsewhere, set workspaceId to the workspace of the environment")
    if not any(row.get("enabled") is True for row in setting.properties.get("logs") or []):
        faults.append("its diagnostic setting sends no logs, enable a category")
    dedicated = setting.properties.get("logAnalyticsDestinationType") == "Dedicated"
    if resource.type == GATEWAY and not dedicated:
        faults.append("queries read the tables of the gateway, set logAnalyticsDestinationType to Dedicated")
    return faults


def _watched(environment: Environment, target: str) -> dict[str, Resource]:
    """Metric alerts on resources of a type, by the name of the metric; the namespace names the type."""
    found = {}
    for item in environment.of_type(METRIC_ALERT):
        for row in value_at(item.properties, "criteria.allOf") or []:
            if str(row.get("metricNamespace")).lower() == target.lower():
                found[str(row.get("metricName"))] = item
    return found


def _missing(project: Project, target: str, wanted: Iterable[str]) -> Iterator[Finding]:
    """One finding for each environment that has the type: each metric has a rule."""
    for environment in project.environments.values():
        if environment.of_type(target):
            absent = sorted(set(wanted) - _watched(environment, target).keys())
            yield verdict(f"{environment.name}: alerts on {target}", [f"no rule on {name}, add it" for name in absent])


@check("MON-02")
def alerts_tell_somebody(project: Project) -> Iterator[Finding]:
    """Each alert has an action group, a severity and a runbook that exists."""
    for environment in project.environments.values():
        for kind in ALERTS:
            if kind != QUERY_ALERT and not environment.of_type(kind):
                yield verdict(f"{environment.name}: {kind}", ["there is none, deploy the alerts"])
        for item in environment.of_type(*ALERTS):
            faults = []
            if "actionGroups/" not in str(item.properties.get("actions")):
                faults.append("nobody is told, add the action group")
            if item.type != ACTIVITY_ALERT and item.properties.get("severity") not in range(5):
                faults.append("it has no severity, set one from 0 to 4")
            named = RUNBOOK.search(str(item.properties.get("description")))
            if not named or not (project.root / named.group()).is_file():
                faults.append("its description names no runbook that exists, name one")
            yield verdict(label(environment, item), faults, str(item))


@check("MON-03")
def endpoints_are_watched(project: Project) -> Iterator[Finding]:
    """Each environment with an online endpoint has rules on its latency and its errors.

    Deployments come from the rollout, so the rules on their saturation stand in a file for it.
    """
    yield from presence(project, WORKSPACE)
    yield from _missing(project, ENDPOINT, ENDPOINT_METRICS)
    rules = object_of(project.root / "monitoring/alert-rules.json").get("metrics", [])
    found = {row["metric"] for row in rules if row["namespace"] == f"{ENDPOINT}/deployments"}
    faults = [f"no rule on {name} of deployments, add it" for name in sorted(DEPLOYMENT_METRICS - found)]
    yield verdict("monitoring/alert-rules.json", faults)
    for name in project.environments:
        alerts = [item for item in project.rollouts.get(name, ()) if item.type == METRIC_ALERT]
        watched = {
            str(row.get("metricName"))
            for item in alerts
            if "/deployments/" in str(item.properties.get("scopes"))
            for row in value_at(item.properties, "criteria.allOf") or []
        }
        faults = [f"a rollout sets no rule on {metric}, add it" for metric in sorted(DEPLOYMENT_METRICS - watched)]
        if not all("actionGroups/" in str(item.properties.get("actions")) for item in alerts):
            faults.append("nobody is told, add the action group")
        yield verdict(f"{name}: alerts that a rollout sets", faults)


@check("MON-04")
def workspaces_are_watched(project: Project) -> Iterator[Finding]:
    """Each workspace of its own has rules on failed runs, failed deployments, unusable nodes and quota."""
    yield from presence(project, WORKSPACE)
    for environment, item in located(project, WORKSPACE):
        absent = sorted(WORKSPACE_METRICS - _metrics_on(environment, item))
        yield verdict(label(environment, item), [f"no rule on {name}, add it" for name in absent], str(item))


@check("MON-05")
def models_are_watched(project: Project) -> Iterator[Finding]:
    """Each model account has rules on availability and, when it answers online, on calls and latency; none is dead.

    Source: https://learn.microsoft.com/azure/ai-foundry/openai/how-to/monitor-openai
    """
    yield from presence(project, ACCOUNT)
    for environment, item in located(project, ACCOUNT):
        found = _metrics_on(environment, item)
        wanted = {AVAILABILITY}
        if project.answers["foundation_online"]:
            latency = "AzureOpenAITimeToResponse" if project.answers["streaming"] else "AzureOpenAITTLTInMS"
            wanted |= {"AzureOpenAIRequests", latency}
        faults = [f"no rule on {name}, add it" for name in sorted(wanted - found)]
        faults += [f"{name} does not live any more, watch another metric" for name in sorted(found & DEAD_METRICS)]
        yield verdict(label(environment, item), faults, str(item))


def _metrics_on(environment: Environment, target: Resource) -> set[str]:
    """Names of the metrics that alerts watch on one resource."""
    return {
        str(row.get("metricName"))
        for item in environment.of_type(METRIC_ALERT)
        if target.id.lower() in [str(scope).lower() for scope in item.properties.get("scopes") or []]
        for row in value_at(item.properties, "criteria.allOf") or []
    }


@check("MON-06")
def gateway_is_watched(project: Project) -> Iterator[Finding]:
    """The gateway has rules on the capacity metrics of its tier, and on its errors."""
    for environment in project.environments.values():
        names = _watched(environment, "Microsoft.ApiManagement/service").keys()
        for item in environment.of_type("Microsoft.ApiManagement/service"):
            classic = item.sku.get("name") in CLASSIC_TIERS
            wanted = {"Capacity"} if classic else {"CpuPercent_Gateway", "MemoryPercent_Gateway"}
            faults = [f"no rule on {name}, add it" for name in sorted(wanted - names)]
            faults += [f"{name} is no metric of this tier, remove it" for name in sorted(names - wanted)]
            yield verdict(label(environment, item), faults, str(item))
        errors = any("errors" in item.name for item in environment.of_type(QUERY_ALERT))
        yield verdict(f"{environment.name}: errors of the gateway", [] if errors else ["no rule on errors, add it"])


@check("MON-07")
def platform_is_watched(project: Project) -> Iterator[Finding]:
    """Service health and resource health are watched, and the key vault, storage and the door with their metrics."""
    for environment in project.environments.values():
        texts = [str(item.properties.get("condition")) for item in environment.of_type(ACTIVITY_ALERT)]
        for category in ("ServiceHealth", "ResourceHealth"):
            seen = any(category in text for text in texts)
            yield verdict(f"{environment.name}: {category}", [] if seen else ["no alert on it, add one"])
    vault = ("Availability", "SaturationShoebox", "ServiceApiLatency")
    yield from _missing(project, "Microsoft.KeyVault/vaults", vault)
    yield from _missing(project, "Microsoft.Storage/storageAccounts", ("Availability",))
    yield from _missing(project, "Microsoft.Network/applicationGateways", ("UnhealthyHostCount",))


@check("MON-09")
def workbooks_show_what_runs(project: Project) -> Iterator[Finding]:
    """Each environment has a workbook, well-formed, with pictures of what the answers run and who consumes it."""
    answers = project.answers
    wanted = {"vault-calls"}
    wanted |= {"gateway-traffic", "gateway-errors", "gateway-consumers"} if answers["online"] else set()
    wanted |= {"tokens-by-model"} if answers["foundation_online"] else set()
    wanted |= {"storage-failures"} if answers["needs_storage"] or answers["aml_inference"] else set()
    managed = answers["own_online"] and answers["own_model_hosting"] == "managed_endpoint"
    wanted |= {"endpoint-traffic", "endpoint-latency"} if managed else set()
    for environment in project.environments.values():
        found = environment.of_type(WORKBOOK)
        yield verdict(f"{environment.name}: {WORKBOOK}", [] if found else ["there is none, deploy it"])
        for item in found:
            queries = _queries(str(item.properties.get("serializedData")))
            if queries is None:
                faults = ["its serializedData is no workbook, correct the JSON"]
            else:
                faults = [f"no picture {name}, add it" for name in sorted(wanted - queries.keys())]
                faults += [f"{name} has no query, add it" for name in sorted(queries) if not queries[name].strip()]
            yield verdict(label(environment, item), faults, str(item))


def _queries(text: str) -> dict[str, str] | None:
    """Name and query of each picture of a workbook; None when the text is none."""
    try:
        body = json.loads(text)
    except json.JSONDecodeError:
        return None
    if not isinstance(body, dict) or body.get("version") != "Notebook/1.0":
        return None
    pictures = [row for row in body.get("items", []) if row.get("type") == 3]
    return {str(row.get("name")): str(value_at(row, "content.query") or "") for row in pictures}


@check("MON-11")
def telemetry_lives_in_the_workspace(project: Project) -> Iterator[Finding]:
    """Application Insights writes to Log Analytics, and each API states which share of calls leaves a trace."""
    for environment, item in located(project, "Microsoft.Insights/components"):
        faults = [] if item.properties.get("WorkspaceResourceId") else ["it has no workspace, link it"]
        yield compare(environment, item, {"properties.IngestionMode": "LogAnalytics"}, faults)
    for environment, item in located(project, "Microsoft.ApiManagement/service/apis/diagnostics"):
        share = value_at(item.properties, "sampling.percentage")
        yield verdict(label(environment, item), [] if share is not None else ["no sampling, state it"], str(item))


@check("MON-12")
def prompts_are_kept_as_answered(project: Project) -> Iterator[Finding]:
    """Texts of prompts and answers are logged only when answered, usage unless nothing is kept, bodies by nobody else.

    Source: https://learn.microsoft.com/azure/api-management/api-management-howto-llm-logs
    """
    keeps = project.answers["prompt_logging"]
    yield from presence(project, ACCOUNT)
    for environment in project.environments.values():
        rows = [item for item in environment.of_type(API_DIAGNOSTICS) if item.name.split("/")[1].endswith("foundation")]
        logging = [item for item in rows if value_at(item.properties, "largeLanguageModel.logs") is not None]
        if project.answers["foundation_online"] and len(logging) != 1:
            yield verdict(f"{environment.name}: logs of models", ["no diagnostic states them, add largeLanguageModel"])
        for item in logging:
            yield verdict(label(environment, item), _prompt_faults(item, keeps), str(item))
        for item in environment.of_type(API_DIAGNOSTICS):
            sizes = [value_at(item.properties, f"{side}.{way}.body.bytes") for side, way in BODIES]
            faults = ["it keeps bodies of calls, set their bytes to 0"] if any(sizes) else []
            yield verdict(f"{label(environment, item)} bodies", faults, str(item))


def _prompt_faults(item: Resource, keeps: str) -> list[str]:
    """What a diagnostic keeps of prompts and answers beyond, or short of, the answer."""
    due = "disabled" if keeps == "none" else "enabled"
    faults = []
    if value_at(item.properties, "largeLanguageModel.logs") != due:
        faults.append(f"set largeLanguageModel.logs to {due}, the answer is {keeps}")
    for side in ("requests", "responses"):
        texts = value_at(item.properties, f"largeLanguageModel.{side}.messages")
        if (texts == "all") != (keeps == "full"):
            faults.append(f"{'keep' if keeps == 'full' else 'do not keep'} the texts of {side}, the answer is {keeps}")
    return faults


@check("MON-13")
def runbooks_have_steps(project: Project) -> Iterator[Finding]:
    """Each runbook says how to detect, decide, act and verify."""
    for path in sorted((project.root / "docs/runbooks").glob("*.md")):
        if path.name == "README.md":
            continue
        found = re.findall(r"^## (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        absent = [name for name in HEADINGS if name not in found]
        yield verdict(str(path.relative_to(project.root)), [f"no heading {name}, add it" for name in absent])
