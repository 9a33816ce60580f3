"""What can go wrong with the monitoring rows (MON), and what the detail of the check must say."""

from tests.checks_support import Mutation, answer, both, drop, edit, put, remove
from tests.mutations.common import (
    APIM,
    CENTRAL,
    CHAT,
    DEFAULT,
    DIAGNOSTICS,
    FLAGS,
    INSIGHTS,
    KUBERNETES,
    LOGS,
    TUNING,
    WORKSPACE,
)

METRIC = "Microsoft.Insights/metricAlerts"
ACTIVITY = "Microsoft.Insights/activityLogAlerts"
QUERY = "Microsoft.Insights/scheduledQueryRules"
NAME = "properties.criteria.allOf.0.metricName"

WORKBOOK = "Microsoft.Insights/workbooks"
API_DIAGNOSTIC = f"{APIM}/apis/diagnostics"
MODEL_LOGS = "properties.largeLanguageModel"


def of_books(old, new):
    """Replace a text in every workbook of prod."""

    def change(draft):
        for body in draft.of_type("prod", WORKBOOK):
            body["properties"]["serializedData"] = body["properties"]["serializedData"].replace(old, new)

    return change


# Requirement, variant, what goes wrong, how, and what the detail must say.
MUTATIONS: list[Mutation] = [
    ("MON-01", DEFAULT, "no setting", drop("prod", DIAGNOSTICS, "Microsoft.KeyVault"), "it sends no logs"),
    ("MON-01", TUNING, "flags", drop("prod", DIAGNOSTICS, FLAGS), "it sends no logs"),
    ("MON-01", DEFAULT, "elsewhere", put("prod", DIAGNOSTICS, "properties.workspaceId", "/x"), "go elsewhere"),
    ("MON-01", DEFAULT, "off", put("prod", DIAGNOSTICS, "properties.logs.0.enabled", False), "enable a category"),
    (
        "MON-01",
        DEFAULT,
        "old table",
        put("prod", DIAGNOSTICS, "properties.logAnalyticsDestinationType", None, "Microsoft.ApiManagement"),
        "to Dedicated",
    ),
    ("MON-01", DEFAULT, "forgets", put("prod", LOGS, "properties.retentionInDays", 7), "retentionInDays"),
    ("MON-01", DEFAULT, "no workspace", drop("prod", LOGS), "deploy one workspace"),
    ("MON-02", DEFAULT, "nobody told", put("prod", METRIC, "properties.actions", []), "nobody is told"),
    ("MON-02", DEFAULT, "no severity", put("prod", QUERY, "properties.severity", None), "no severity"),
    ("MON-02", DEFAULT, "no runbook", remove("docs/runbooks/key-vault.md"), "names no runbook"),
    ("MON-03", DEFAULT, "no latency", drop("prod", METRIC, "online-endpoint-latency"), "RequestLatency_P95"),
    (
        "MON-03",
        DEFAULT,
        "no saturation",
        edit("monitoring/alert-rules.json", "CpuUtilizationPercentage", "DiskUtilization"),
        "no rule on CpuUtilizationPercentage",
    ),
    (
        "MON-03",
        DEFAULT,
        "a rollout sets no alerts",
        lambda draft: draft.rollouts["prod"].clear(),
        "a rollout sets no rule on",
    ),
    (
        "MON-03",
        DEFAULT,
        "nobody hears of a deployment",
        lambda draft: draft.rollouts["prod"][-1]["properties"].update(actions=[]),
        "nobody is told",
    ),
    ("MON-04", DEFAULT, "no rule", drop("dev", METRIC, "training-failed-runs"), "no rule on Failed Runs"),
    (
        "MON-05",
        CHAT,
        "no latency",
        drop("prod", METRIC, "foundation-primary-latency"),
        "no rule on AzureOpenAITimeToResponse",
    ),
    (
        "MON-05",
        CHAT,
        "dead",
        put("prod", METRIC, NAME, "TotalErrors", "foundation-primary-availability"),
        "TotalErrors does not live",
    ),
    ("MON-06", DEFAULT, "other tier", put("prod", METRIC, NAME, "Capacity", "gateway-cpu"), "no metric of this tier"),
    ("MON-05", CHAT, "no whole answer", drop("prod", METRIC, "unusual-latency"), "no rule on AzureOpenAITTLTInMS"),
    ("MON-05", CHAT, "overflow", drop("prod", METRIC, "foundation-primary-overflow"), "no rule on what is paid by use"),
    ("MON-06", DEFAULT, "deaf", drop("prod", QUERY, "-silence"), "no rule sees that nobody calls"),
    ("MON-06", DEFAULT, "asleep", put("prod", QUERY, "properties.enabled", False, "-silence"), "there only"),
    ("MON-06", DEFAULT, "noisy", put("test", QUERY, "properties.enabled", True, "-silence"), "there only"),
    ("MON-06", DEFAULT, "classic", put("prod", APIM, "sku.name", "Premium"), "no rule on Capacity"),
    ("MON-07", DEFAULT, "no health", drop("prod", ACTIVITY, "service-health"), "no alert on it"),
    ("MON-07", CENTRAL, "door", drop("prod", METRIC, "unhealthy-gateway"), "UnhealthyHostCount"),
    (
        "MON-07",
        DEFAULT,
        "a group",
        put("prod", ACTIVITY, "properties.scopes", [], "resource-health"),
        "add it to the scopes",
    ),
    ("MON-07", TUNING, "flags", drop("prod", METRIC, "flags-throttled"), "ThrottledHttpRequestCount"),
    ("MON-07", KUBERNETES, "nodes", drop("prod", METRIC, "kubernetes-node-cpu"), "node_cpu_usage_percentage"),
    ("MON-07", CENTRAL, "cache", drop("prod", METRIC, "semantic-cache-memory"), "usedmemorypercentage"),
    ("MON-07", TUNING, "vault of the service", drop("prod", METRIC, "orchestrator-vault-latency"), "ServiceApiLatency"),
    ("MON-07", DEFAULT, "vault", drop("prod", METRIC, "key-vault-latency"), "ServiceApiLatency"),
    (
        "MON-08",
        CHAT,
        "another quota",
        edit("gateway/consumers/service-desk.yml", "120000000", "130000000"),
        "does not know the quota of service-desk",
    ),
    (
        "MON-08",
        CHAT,
        "blind",
        both(drop("prod", QUERY, "token-burst"), drop("prod", QUERY, "token-pace")),
        "no rule reads",
    ),
    ("MON-08", CHAT, "no refusals", drop("prod", QUERY, "-quota"), "no rule sees refusals"),
    (
        "MON-08",
        CHAT,
        "nobody named",
        put("prod", QUERY, "properties.criteria.allOf.0.dimensions", [], "token-pace"),
        "split it by Consumer",
    ),
    (
        "MON-08",
        CHAT,
        "an even pace",
        put("prod", QUERY, "properties.criteria.allOf.0.threshold", 90, "token-pace"),
        "above 100",
    ),
    ("MON-09", DEFAULT, "none", drop("prod", WORKBOOK), "there is none"),
    ("MON-09", DEFAULT, "no quality", of_books("versions-errors", "versions"), "no picture versions-errors"),
    ("MON-09", DEFAULT, "nobody is charged", answer(chargeback=True), "workbook consumption: there is none"),
    ("MON-09", CHAT, "own models that nobody has", of_books("foundation-errors", "versions-errors"), "nobody runs"),
    ("MON-09", DEFAULT, "torn", put("prod", WORKBOOK, "properties.serializedData", "{"), "is no workbook"),
    (
        "MON-09",
        DEFAULT,
        "empty",
        put("prod", WORKBOOK, "properties.serializedData", '{"version": "Notebook/1.0", "items": []}'),
        "no picture gateway-errors",
    ),
    ("MON-10", DEFAULT, "weekly", edit("ml/schedules/drift.yml", "0 3 * * *", "0 3 * * 1"), "not run each day"),
    ("MON-10", DEFAULT, "other job", edit("ml/schedules/drift.yml", "pipelines/drift", "pipelines/x"), "another job"),
    ("MON-10", DEFAULT, "nothing", edit("ml/components/drift.yml", "model.drift", "model.train"), "measures nothing"),
    ("MON-10", DEFAULT, "cached", edit("ml/components/drift.yml", "is_deterministic: false", ""), "may be reused"),
    ("MON-10", DEFAULT, "no limit", edit("ml/drift-limits.yml", "answer_drift: 0.25", ""), "no limit answer_drift"),
    ("MON-10", DEFAULT, "former model", edit("scripts/rollout.py", "endpoint.measure(", "print("), "at what answers"),
    ("MON-10", DEFAULT, "any model", edit("scripts/endpoint.py", "inputs.model.path", "inputs.it"), "set model.path"),
    ("MON-10", DEFAULT, "experiment", edit("ml/pipelines/drift.yml", "example-drift", "x"), "look at the experiment x"),
    ("MON-10", DEFAULT, "uncollected", drop("prod", METRIC, "endpoint-collection"), "what is not collected"),
    ("MON-03", DEFAULT, "connections", drop("prod", METRIC, "endpoint-connections"), "ConnectionsActive"),
    ("MON-10", DEFAULT, "no alert", drop("prod", METRIC, "inference-drift"), "no alert on measurements"),
    (
        "MON-10",
        DEFAULT,
        "an alert on another workspace",
        put("prod", METRIC, "properties.scopes", ["mlw-other-inference'"], "inference-drift"),
        "measurements that fail in mlw-contosovis-prod-inference",
    ),
    (
        "MON-10",
        DEFAULT,
        "two alerts",
        put("prod", METRIC, "properties.criteria.allOf.0.dimensions", [], "inference-failed-runs"),
        "told twice",
    ),
    ("MON-11", DEFAULT, "classic", put("prod", INSIGHTS, "properties.WorkspaceResourceId", None), "does not write"),
    ("MON-11", DEFAULT, "elsewhere", put("prod", INSIGHTS, "properties.WorkspaceResourceId", "/x"), "does not write"),
    ("MON-11", DEFAULT, "none", drop("prod", INSIGHTS), "deploy what is missing"),
    (
        "MON-11",
        DEFAULT,
        "runs apart",
        put("prod", WORKSPACE, "properties.applicationInsights", "/x"),
        "of this environment",
    ),
    ("MON-11", DEFAULT, "no logger", drop("prod", f"{APIM}/loggers", "application-insights"), "does not exist"),
    (
        "MON-11",
        DEFAULT,
        "logger of others",
        put("prod", f"{APIM}/loggers", "properties.resourceId", "/x"),
        "leads to no",
    ),
    (
        "MON-11",
        CHAT,
        "untraced",
        drop("prod", API_DIAGNOSTIC, "foundation/diagnostics/applicationinsights"),
        "there are none",
    ),
    (
        "MON-11",
        CHAT,
        "everything",
        put("prod", API_DIAGNOSTIC, "properties.sampling.percentage", 100, "applicationinsights"),
        "every call in prod",
    ),
    (
        "MON-11",
        DEFAULT,
        "silent deployment",
        edit("ml/models/example/deployment.yml", "app_insights_enabled: true", "app_insights_enabled: false"),
        "set app_insights_enabled",
    ),
    ("MON-11", DEFAULT, "all traced", put("prod", f"{APIM}/apis/diagnostics", "properties.sampling", None), "state it"),
    ("MON-12", CHAT, "nothing to be kept", answer(prompt_logging="none"), "logs to disabled"),
    (
        "MON-12",
        CHAT,
        "texts",
        put("prod", API_DIAGNOSTIC, f"{MODEL_LOGS}.requests", {"messages": "all"}, "azuremonitor"),
        "do not keep the texts of requests",
    ),
    (
        "MON-12",
        CHAT,
        "unstated",
        put("prod", API_DIAGNOSTIC, MODEL_LOGS, None, "azuremonitor"),
        "add largeLanguageModel",
    ),
    (
        "MON-12",
        CHAT,
        "bodies",
        put("prod", API_DIAGNOSTIC, "properties.frontend.request.body.bytes", 512),
        "keeps bodies",
    ),
    ("MON-13", DEFAULT, "no step", edit("docs/runbooks/storage.md", "## Verify", "## Then"), "no heading Verify"),
]

FILE_ROWS = {"MON-13"}
