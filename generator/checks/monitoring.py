"""Checks of the monitoring rows (MON): telemetry, alerts with their runbooks, and what is kept of prompts."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from generator import yaml_text
from generator.checks import Finding, check
from generator.checks.expected import evaluate_condition, presence, unevaluated
from generator.checks.reading import (
    compare,
    label,
    located,
    object_of,
    same,
    text_of,
    value_at,
    verdict,
    workbook_queries,
)
from generator.checks.tables import DEAD_METRICS, LOGGED, STORES
from generator.checks.training import yaml_file
from generator.evaluation import Environment, Project, Resource

METRIC_ALERT = "Microsoft.Insights/metricAlerts"
QUERY_ALERT = "Microsoft.Insights/scheduledQueryRules"
ACTIVITY_ALERT = "Microsoft.Insights/activityLogAlerts"
DIAGNOSTICS = "Microsoft.Insights/diagnosticSettings"
LOGS = "Microsoft.OperationalInsights/workspaces"
WORKBOOK = "Microsoft.Insights/workbooks"
COMPONENT = "Microsoft.Insights/components"
WORKSPACE = "Microsoft.MachineLearningServices/workspaces"
ACCOUNT = "Microsoft.CognitiveServices/accounts"
MODEL = f"{ACCOUNT}/deployments"
GATEWAY = "Microsoft.ApiManagement/service"
API_DIAGNOSTICS = f"{GATEWAY}/apis/diagnostics"
ALERTS = (METRIC_ALERT, QUERY_ALERT, ACTIVITY_ALERT)
HEADINGS = ("Detect", "Decide", "Act", "Verify")
RUNBOOK = re.compile(r"docs/runbooks/[a-z-]+\.md")
ENDPOINT = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
DEPLOYMENT_METRICS = {"CpuUtilizationPercentage", "CpuMemoryUtilizationPercentage", "DeploymentCapacity"}
ENDPOINT_METRICS = {"RequestLatency_P95", "RequestsPerMinute", "ConnectionsActive"}
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
DRIFT_INPUTS = ("collected.path", "model.path", "model_version", "deployment")
VAULT = "Microsoft.KeyVault/vaults"
DEPENDENCIES = {
    VAULT: ("Availability", "SaturationShoebox", "ServiceApiLatency"),
    "Microsoft.Storage/storageAccounts": ("Availability",),
    "Microsoft.Network/applicationGateways": ("UnhealthyHostCount",),
    "Microsoft.Network/azureFirewalls": ("FirewallHealth", "SNATPortUtilization"),
    "Microsoft.Cache/redisEnterprise": ("percentProcessorTime", "usedmemorypercentage"),
    "Microsoft.App/containerApps": ("Replicas", "RestartCount", "UsageNanoCores", "WorkingSetBytes"),
    "Microsoft.AppConfiguration/configurationStores": ("ThrottledHttpRequestCount", "RequestQuotaUsage"),
    "Microsoft.ContainerService/managedClusters": (
        "node_cpu_usage_percentage",
        "node_memory_working_set_percentage",
        "node_disk_usage_percentage",
        "cluster_autoscaler_unschedulable_pods_count",
    ),
}
"""What is watched of each service that the platform stands on."""
MANAGED = "own_online and own_model_hosting == 'managed_endpoint'"
BOOKS = {
    "platform": {
        "vault-calls": "true",
        "gateway-traffic": "online",
        "gateway-errors": "online",
        "gateway-consumers": "online",
        "tokens-by-model": "foundation_online",
        "models-calls": "'foundation' in model_sources",
        "storage-failures": "needs_storage or aml_inference",
        "endpoint-traffic": MANAGED,
        "endpoint-latency": MANAGED,
        "runs-failed": "aml_exploration or aml_training or aml_inference",
    },
    "quality": {
        "own-models-answers": "own_online",
        "versions-errors": MANAGED,
        "versions-latency": MANAGED,
        "foundation-latency": "'foundation' in model_sources",
        "foundation-errors": "'foundation' in model_sources",
        "foundation-blocked": "'foundation' in model_sources",
        "foundation-tokens": "'foundation' in model_sources",
    },
    "consumption": {
        "cost-by-consumer": "foundation_online and chargeback",
        "cost-by-model": "foundation_online and chargeback",
        "own-models-share": "own_online and chargeback",
    },
}
"""Pictures of each workbook, and the answers that ask for them."""
QUOTAS = re.compile(r"let quotas = dynamic\((\{.*?\})\);")
EVEN_PACE_PERCENT = 100
"""The pace at which a quota lasts for exactly a month."""


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
        yield _has_rules(environment, item, WORKSPACE_METRICS)


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
            # The first token is measured for provisioned throughput only, the whole answer for every deployment.
            wanted |= {"AzureOpenAIRequests", latency, "AzureOpenAITTLTInMS"}
        faults = [f"no rule on {name}, add it" for name in sorted(wanted - found)]
        faults += [f"{name} does not live any more, watch another metric" for name in sorted(found & DEAD_METRICS)]
        yield verdict(label(environment, item), faults, str(item))
    for environment in project.environments.values():
        yield from _overflow(environment)


def _overflow(environment: Environment) -> Iterator[Finding]:
    """Each account that takes what passes provisioned throughput by has a rule on how much that is."""
    bought = {
        item.id.rpartition("/deployments/")[0].lower()
        for item in environment.of_type(MODEL)
        if "Provisioned" in str(item.sku.get("name"))
    }
    for item in environment.of_type(ACCOUNT) if bought else []:
        if item.id.lower() not in bought and "-foundation/" in item.id:
            seen = any(
                str(alert.name).endswith("-overflow") and item.id.lower() in str(alert.properties.get("scopes")).lower()
                for alert in environment.of_type(METRIC_ALERT)
            )
            yield verdict(label(environment, item), [] if seen else ["no rule on what is paid by use, add it"])


def _metrics_on(environment: Environment, target: Resource) -> set[str]:
    """Names of the metrics that alerts watch on one resource."""
    return {
        str(row.get("metricName"))
        for item in environment.of_type(METRIC_ALERT)
        if target.id.lower() in [str(scope).lower() for scope in item.properties.get("scopes") or []]
        for row in value_at(item.properties, "criteria.allOf") or []
    }


def _has_rules(environment: Environment, item: Resource, wanted: Iterable[str]) -> Finding:
    """One finding for one resource: each metric has a rule."""
    absent = sorted(set(wanted) - _metrics_on(environment, item))
    return verdict(label(environment, item), [f"no rule on {name}, add it" for name in absent], str(item))


@check("MON-06")
def gateway_is_watched(project: Project) -> Iterator[Finding]:
    """The gateway has rules on the capacity metrics of its tier, on its errors, and in prod on hours without a call."""
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
        silence = [item for item in environment.of_type(QUERY_ALERT) if "Silent" in _query(item)]
        faults = [] if silence or environment.name != "prod" else ["no rule sees that nobody calls, add it"]
        for item in silence:
            if (item.properties.get("enabled") is True) != (environment.name == "prod"):
                faults.append("nobody has to call outside prod: the rule is on in prod, and there only")
        yield verdict(f"{environment.name}: calls of the gateway", faults)


@check("MON-07")
def platform_is_watched(project: Project) -> Iterator[Finding]:
    """Service health and the health of every resource are watched, and each dependency that exists with its metrics.

    Source: https://learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/metrics-index
    """
    for environment in project.environments.values():
        texts = [str(item.properties.get("condition")) for item in environment.of_type(ACTIVITY_ALERT)]
        for category in ("ServiceHealth", "ResourceHealth"):
            seen = any(category in text for text in texts)
            yield verdict(f"{environment.name}: {category}", [] if seen else ["no alert on it, add one"])
        watched = str([item.properties.get("scopes") for item in environment.of_type(ACTIVITY_ALERT)]).lower()
        groups = [item.id for item in environment.of_type("Microsoft.Resources/resourceGroups")]
        faults = [
            f"{name} is not watched, add it to the scopes" for name in groups if f"'{name.lower()}'" not in watched
        ]
        yield verdict(f"{environment.name}: health of resources", faults)
    for target, metrics in DEPENDENCIES.items():
        yield from _missing(project, target, metrics)
    for environment, item in located(project, VAULT):
        if str(item.resource_group).endswith(STORES):
            yield _has_rules(environment, item, DEPENDENCIES[VAULT])


@check("MON-08")
def consumption_is_watched(project: Project) -> Iterator[Finding]:
    """Each consumer's tokens are compared with the quota of its file before the gateway refuses, and refusals are seen.

    Looks at the evaluated rules: those that read tokens hold the quota of each file of `gateway/consumers`, split by
    consumer, and wake somebody from more than an even pace.

    Source: https://learn.microsoft.com/azure/api-management/llm-token-limit-policy
    """
    quotas = _token_quotas(project)
    for environment in project.environments.values():
        rules = [item for item in environment.of_type(QUERY_ALERT) if "Tokens" in _query(item)]
        if not rules:
            yield verdict(f"{environment.name}: tokens of consumers", ["no rule reads them, add it"])
        for item in rules:
            yield verdict(label(environment, item), _pace_faults(item, quotas), str(item))
        refused = any("== 403" in _query(item) or '"403"' in _query(item) for item in environment.of_type(QUERY_ALERT))
        yield verdict(f"{environment.name}: refused consumers", [] if refused else ["no rule sees refusals, add it"])


def _token_quotas(project: Project) -> dict[str, int]:
    """Tokens a month of each consumer of foundation models, by the name of its subscription, without a prefix."""
    rows = [yaml_text.read(path) for path in sorted((project.root / "gateway/consumers").glob("*.yml"))]
    return {str(row["name"]): row["monthlyTokenQuota"] for row in rows if row["monthlyTokenQuota"]}


def _query(rule: Resource) -> str:
    """Text of the queries of a log alert."""
    return "\n".join(str(row.get("query")) for row in value_at(rule.properties, "criteria.allOf") or [])


def _pace_faults(rule: Resource, quotas: dict[str, int]) -> list[str]:
    """What is wrong with a rule that compares tokens with quotas."""
    found = QUOTAS.search(_query(rule))
    given = json.loads(found[1]) if found else {}
    faults = []
    for name, tokens in quotas.items():
        rows = [value for key, value in given.items() if key == name or key.endswith(f"-{name}")]
        if tokens not in rows:
            faults.append(f"it does not know the quota of {name}, hand over {tokens}")
    for row in value_at(rule.properties, "criteria.allOf") or []:
        if "Consumer" not in [item.get("name") for item in row.get("dimensions") or []]:
            faults.append("it does not say which consumer, split it by Consumer")
        if not row.get("threshold", 0) > EVEN_PACE_PERCENT:
            faults.append("an even pace wakes somebody, raise its threshold above 100")
    return faults


@check("MON-09")
def workbooks_show_what_runs(project: Project) -> Iterator[Finding]:
    """Each environment has a workbook of operations, of models that answer, and with chargeback of consumption.

    Each has exactly the sections of what the answers run, and a query in each picture. Whether the queries fit the
    tables is what the language service of Kusto says.
    """
    for environment in project.environments.values():
        found = {str(item.properties.get("displayName")).split()[-1]: item for item in environment.of_type(WORKBOOK)}
        books = {name if name in BOOKS else "platform": item for name, item in found.items()}
        for book, sections in BOOKS.items():
            wanted = {name for name, expression in sections.items() if evaluate_condition(expression, project.answers)}
            if book not in books:
                faults = ["there is none, deploy it"] if wanted else []
                yield verdict(f"{environment.name}: workbook {book}", faults)
                continue
            item = books[book]
            queries = workbook_queries(str(item.properties.get("serializedData")))
            if queries is None:
                faults = ["its serializedData is no workbook, correct the JSON"]
            else:
                faults = [f"no picture {name}, add it" for name in sorted(wanted - queries.keys())]
                idle = (queries.keys() & sections.keys()) - wanted
                faults += [f"{name} shows what nobody runs, remove it" for name in sorted(idle)]
                faults += [f"{name} has no query, add it" for name in sorted(queries) if not queries[name].strip()]
            yield verdict(label(environment, item), faults, str(item))


@check("MON-10")
def drift_is_measured(project: Project) -> Iterator[Finding]:
    """A schedule measures drift and quality of data each day, the rollout points it at what answers, an alert sees it.

    Looks at the files of the schedule, its pipeline and its component, at the limits, at the scripts that set and read
    it, and at the evaluated alerts, roles and storage access.

    Source: https://learn.microsoft.com/azure/machine-learning/concept-model-monitoring
    """
    yield from unevaluated(project)
    yield verdict("ml/schedules/drift.yml", _schedule_faults(yaml_file(project, "ml/schedules/drift.yml")))
    component = yaml_file(project, "ml/components/drift.yml")
    faults = [] if "example_model.drift" in str(component.get("command")) else ["it measures nothing, run drift"]
    if component.get("is_deterministic") is not False:
        faults.append("an old answer may be reused, set is_deterministic to false")
    yield verdict("ml/components/drift.yml", faults)
    limits = yaml_file(project, "ml/drift-limits.yml")
    missing = [name for name in ("feature_drift", "answer_drift", "broken_percent") if not limits.get(name)]
    yield verdict("ml/drift-limits.yml", [f"no limit {name}, set it" for name in missing])
    setting = text_of(project.root / "scripts/endpoint.py")
    absent = [name for name in DRIFT_INPUTS if f"create_job.inputs.{name}" not in setting]
    faults = [f"a rollout does not set {name} of the schedule" for name in absent]
    if "endpoint.measure(" not in text_of(project.root / "scripts/rollout.py"):
        faults.append("a rollout does not point the schedule at what answers")
    yield verdict("scripts/rollout.py", faults)
    experiment = str(yaml_file(project, "ml/pipelines/drift.yml").get("experiment_name"))
    if project.answers["watches_drift"]:
        seen = f'"{experiment}"' in text_of(project.root / "scripts/retrain.py")
        yield verdict("scripts/retrain.py", [] if seen else [f"it does not look at the experiment {experiment}"])
    for environment in project.environments.values():
        yield verdict(f"{environment.name}: drift", _drift_faults(environment, experiment))


def _schedule_faults(schedule: dict[str, Any]) -> Iterator[str]:
    """What is wrong with the schedule of the measurement."""
    fields = str(value_at(schedule, "trigger.expression") or "").split()
    if len(fields) != 5 or fields[2:] != ["*", "*", "*"]:
        yield "it does not run each day, correct the trigger"
    if value_at(schedule, "create_job.job") != "../pipelines/drift.yml":
        yield "it runs another job"


def _drift_faults(environment: Environment, experiment: str) -> Iterator[str]:
    """What hides drift in one environment, or tells of it twice."""
    watched = [
        (str(dimension.get("operator")), str(item.properties.get("scopes")))
        for item in environment.of_type(METRIC_ALERT)
        if "-inference" in str(item.properties.get("scopes"))
        for row in value_at(item.properties, "criteria.allOf") or []
        for dimension in row.get("dimensions") or []
        if row.get("metricName") == "Failed Runs" and dimension.get("values") == [experiment]
    ]
    found = [operator for operator, _ in watched]
    for endpoint in environment.of_type(ENDPOINT):
        workspace = endpoint.id.rpartition("/onlineEndpoints/")[0].rpartition("/")[2]
        if not any(operator == "Include" and f"/{workspace}'" in scopes for operator, scopes in watched):
            yield f"no alert on measurements that fail in {workspace}, add it"
    if environment.of_type(ENDPOINT) and "DataCollectionErrorsPerMinute" not in _watched(environment, ENDPOINT):
        yield "no alert on what is not collected, add it"
    if "Include" not in found:
        yield "no alert on measurements that fail, add it"
    if "Exclude" not in found:
        yield "a measurement that fails is told twice, exclude its experiment from failed runs"


@check("MON-11")
def telemetry_lives_in_the_workspace(project: Project) -> Iterator[Finding]:
    """Application Insights writes to the workspace; gateway, workspaces and deployments are linked to it, and sampled.

    Looks at the evaluated component, loggers, diagnostics of APIs and Azure ML workspaces, and at the definition of the
    online deployment, which the rollout makes.

    Source: https://learn.microsoft.com/azure/api-management/api-management-howto-app-insights
    """
    yield from presence(project, COMPONENT)
    for environment in project.environments.values():
        own = environment.of_type(LOGS)
        wanted = own[0].id if own else str(project.answers["existing_log_analytics_id"])
        for item in environment.of_type(COMPONENT):
            linked = str(item.properties.get("WorkspaceResourceId")).lower() == wanted.lower()
            faults = [] if linked else ["it does not write to the workspace of the environment, link it"]
            yield compare(environment, item, {"properties.IngestionMode": "LogAnalytics"}, faults)
        known = {item.id.lower() for item in environment.of_type(COMPONENT)}
        for item in environment.of_type(WORKSPACE):
            linked = str(item.properties.get("applicationInsights")).lower() in known
            faults = [] if linked else ["it has no Application Insights of this environment, link it"]
            yield verdict(label(environment, item), faults, str(item))
        yield from _traces(environment, known)
    if project.answers["own_online"] and project.answers["own_model_hosting"] != "databricks":
        on = yaml_file(project, "ml/models/example/deployment.yml").get("app_insights_enabled") is True
        faults = [] if on else ["its log goes nowhere, set app_insights_enabled to true"]
        yield verdict("ml/models/example/deployment.yml", faults)


def _traces(environment: Environment, components: set[str]) -> Iterator[Finding]:
    """Each API has a logger that leads to a component of the environment, and a share of calls that leaves a trace."""
    loggers = {
        item.name.split("/")[-1]: str(item.properties.get("resourceId")).lower()
        for item in environment.of_type(f"{GATEWAY}/loggers")
        if same(item.properties.get("loggerType"), "applicationInsights")
    }
    for name, target in loggers.items():
        faults = [] if target in components else ["it leads to no Application Insights of this environment, link it"]
        yield verdict(f"{environment.name}: logger {name}", faults)
    rows = environment.of_type(API_DIAGNOSTICS)
    for api in {item.name.split("/")[1] for item in rows}:
        traced = any(item.name.split("/")[1:] == [api, "applicationinsights"] for item in rows)
        yield verdict(f"{environment.name}: traces of {api}", [] if traced else ["there are none, add a diagnostic"])
    for item in rows:
        share = value_at(item.properties, "sampling.percentage")
        faults = [] if share is not None else ["no sampling, state it"]
        if item.name.endswith("/applicationinsights"):
            if str(item.properties.get("loggerId")).split("/")[-1] not in loggers:
                faults.append("its logger does not exist, name the one of Application Insights")
            if environment.name == "prod" and share == 100:
                faults.append("every call in prod leaves a trace, sample")
        yield verdict(label(environment, item), faults, str(item))


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
