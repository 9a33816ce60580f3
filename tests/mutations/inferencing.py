"""What can go wrong with the inferencing rows (INF), and what the detail of the check must say."""

from tests.checks_support import Mutation, answer, drop, edit, put, write
from tests.mutations.common import (
    APP,
    APPS,
    CHAT,
    CLUSTER,
    DATABRICKS,
    DEFAULT,
    DEPLOYMENT,
    KUBERNETES,
    REGULATED,
    TUNING,
)

ENDPOINT = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
BACKEND = "Microsoft.ApiManagement/service/backends"
CALLERS = f"{APP}/authConfigs"
PROFILE = "properties.workloadProfiles.0"
SETTINGS = "properties.configuration"
SCALE = "properties.template.scale"
CONTAINER = "properties.template.containers.0"
FILE = "ml/models/example/deployment.yml"
SERVING = "ml/serving/databricks.yml"

MODULE = "Microsoft.Insights/autoscalesettings"


def scaling(environment, path, value):
    """Another value in what a rollout deploys to scale a deployment; None removes it."""

    def change(draft):
        target = next(body for body in draft.rollouts[environment] if body["type"] == MODULE)["properties"]
        *parents, last = path.split(".")
        for part in parents:
            target = target[int(part)] if isinstance(target, list) else target[part]
        key = int(last) if isinstance(target, list) else last
        if value is None:
            del target[key]
        else:
            target[key] = value

    return change


RULES = "profiles.0.rules"
TRIGGER = "metricTrigger"

MUTATIONS: list[Mutation] = [
    (
        "INF-01",
        DEFAULT,
        "other endpoint",
        edit(FILE, "endpoint_name: example", "endpoint_name: shared"),
        "endpoint example",
    ),
    ("INF-01", DEFAULT, "other model", edit(FILE, "/models/example/", "/models/another/"), "no other model"),
    ("INF-01", DEFAULT, "no endpoint", drop("test", ENDPOINT), "0 endpoints where 1 are due"),
    ("INF-01", REGULATED, "one region", drop("prod", ENDPOINT), "1 endpoints where 2 are due"),
    ("INF-01", DEFAULT, "second model", write("ml/models/other/deployment.yml", "endpoint_name: example\n"), "other"),
    (
        "INF-01",
        DEFAULT,
        "no rollout",
        edit(".github/workflows/_rollout.yml", "create --workload", "choose --workload"),
        "one version of one model",
    ),
    (
        "INF-01",
        DATABRICKS,
        "not served",
        edit("ml/serving/databricks.yml", "    example:\n", "    another:\n"),
        "by an endpoint of its name",
    ),
    ("INF-02", DEFAULT, "traffic", put("prod", ENDPOINT, "properties.traffic", {"blue": 100}), "remove traffic"),
    ("INF-02", DEFAULT, "by key", put("prod", ENDPOINT, "properties.authMode", "Key"), "authMode"),
    ("INF-02", DEFAULT, "no endpoint", drop("prod", ENDPOINT), "deploy the endpoint"),
    ("INF-03", DEFAULT, "low floor", scaling("prod", "profiles.0.capacity.minimum", "2"), "asks for 3"),
    ("INF-03", DEFAULT, "cannot grow", scaling("test", "profiles.0.capacity.maximum", "3"), "raise its maximum"),
    ("INF-03", DEFAULT, "off", scaling("dev", "enabled", False), "enable it"),
    ("INF-03", DEFAULT, "of the endpoint", scaling("dev", "targetResourceUri", "/onlineEndpoints/x"), "no deployment"),
    ("INF-03", DEFAULT, "no rule out", scaling("prod", f"{RULES}.0", None), "lets it grow"),
    ("INF-03", DEFAULT, "no rule on latency", scaling("prod", f"{RULES}.1", None), "RequestLatency"),
    (
        "INF-03",
        DEFAULT,
        "latency of both colours",
        scaling("prod", f"{RULES}.1.{TRIGGER}.dimensions", []),
        "RequestLatency of the deployment",
    ),
    ("INF-03", DEFAULT, "no rule in", scaling("prod", f"{RULES}.2", None), "lets it shrink"),
    (
        "INF-03",
        DEFAULT,
        "load of a machine with a GPU",
        scaling("prod", f"{RULES}.0.{TRIGGER}.metricName", "GpuUtilizationPercentage"),
        "no rule on CpuUtilizationPercentage",
    ),
    (
        "INF-03",
        DEFAULT,
        "other namespace",
        scaling("prod", f"{RULES}.0.{TRIGGER}.metricNamespace", ENDPOINT),
        "no rule on CpuUtilizationPercentage",
    ),
    (
        "INF-03",
        DEFAULT,
        "in above out",
        scaling("prod", f"{RULES}.2.{TRIGGER}.threshold", 75),
        "shrinks at the load",
    ),
    ("INF-03", DEFAULT, "nothing deployed", lambda draft: draft.rollouts["prod"].clear(), "deploys 0 rules"),
    (
        "INF-03",
        DEFAULT,
        "new one only at the end",
        edit("scripts/rollout.py", "    endpoint.watch(options.new, instances)\n", ""),
        "does not watch the new deployment",
    ),
    (
        "INF-03",
        DEFAULT,
        "module is not deployed",
        edit("scripts/endpoint.py", '"deployment", "group", "create"', '"deployment", "group", "validate"'),
        "does not deploy the module",
    ),
    ("INF-04", DEFAULT, "no probe", edit(FILE, "liveness_probe:", "startup:"), "liveness_probe"),
    ("INF-04", DEFAULT, "slower promise", answer(latency_p95_ms=60000), "request_timeout_ms"),
    ("INF-05", DEFAULT, "no number", edit(FILE, "versions/1", "labels/latest"), "version number"),
    ("INF-05", DEFAULT, "no tag", edit(FILE, "  deployed_by:", "  by:"), "deployed_by"),
    (
        "INF-05",
        DATABRICKS,
        "no version",
        edit(SERVING, "entity_version:", "version:"),
        "name the version of each model",
    ),
    ("INF-05", DATABRICKS, "no number", edit(SERVING, '      new_version: "1"\n', ""), "number new_version in dev"),
    ("INF-05", DATABRICKS, "more than that", edit(SERVING, "  model_serving", "  jobs: {}\n  model_serving"), "alone"),
    (
        "INF-05",
        DATABRICKS,
        "in both",
        edit("ml/databricks.yml", "  schemas:\n", "  model_serving_endpoints: {a: {}}\n  schemas:\n"),
        "leave the endpoint out",
    ),
    ("INF-06", DEFAULT, "restricted data", answer(data_classification="restricted"), "collect nothing"),
    ("INF-07", DEFAULT, "upgrades", put("prod", DEPLOYMENT, "properties.versionUpgradeOption", "x"), "NoAutoUpgrade"),
    ("INF-07", DEFAULT, "any version", put("prod", DEPLOYMENT, "properties.model.version", None), "model.version"),
    (
        "INF-07",
        DEFAULT,
        "nobody knows until when",
        edit("docs/decisions/foundation-models.md", " | chat | ", " | chat | after "),
        "tell when",
    ),
    ("INF-07", DEFAULT, "missing", drop("prod", DEPLOYMENT), "where the answers ask for"),
    (
        "INF-08",
        CHAT,
        "two ways",
        put("prod", DEPLOYMENT, "properties.spilloverDeploymentName", "x", "-provisioned/"),
        "one way",
    ),
    ("INF-08", CHAT, "no pool", drop("prod", BACKEND, "/chat"), "one way"),
    ("INF-09", CHAT, "one left out", put("prod", BACKEND, "properties.pool.services", [], "/chat"), "put exactly"),
    ("INF-09", CHAT, "no pool for a model", drop("prod", BACKEND, "/chat-"), "there is none"),
    ("INF-10", KUBERNETES, "local accounts", put("prod", CLUSTER, "properties.disableLocalAccounts", False), "disable"),
    (
        "INF-10",
        KUBERNETES,
        "untainted",
        put("prod", CLUSTER, "properties.agentPoolProfiles.0.nodeTaints", []),
        "CriticalAddonsOnly",
    ),
    (
        "INF-10",
        KUBERNETES,
        "a taint that models do not tolerate",
        put("prod", CLUSTER, "properties.agentPoolProfiles.1.nodeTaints", ["sku=gpu:NoSchedule"]),
        "amlarc",
    ),
    ("INF-10", KUBERNETES, "none", drop("prod", CLUSTER), "deploy one cluster"),
    ("INF-11", TUNING, "no service", drop("prod", APP), "deploy one for the orchestrator"),
    ("INF-11", TUNING, "no environment", drop("dev", APPS), "deploy one for the orchestrator"),
    ("INF-11", TUNING, "one zone", put("prod", APPS, "properties.zoneRedundant", False), "zoneRedundant"),
    ("INF-11", TUNING, "GPU", put("prod", APPS, f"{PROFILE}.workloadProfileType", "NC24-A100"), "general purpose"),
    ("INF-11", TUNING, "machines go", put("prod", APPS, f"{PROFILE}.minimumCount", 0), "at least 3 machines"),
    ("INF-11", TUNING, "no profile", put("prod", APP, "properties.workloadProfileName", "gpu"), "workload profile"),
    ("INF-11", TUNING, "to zero", put("prod", APP, f"{SCALE}.minReplicas", 0), "at least 3 replicas"),
    ("INF-11", TUNING, "one revision", put("dev", APP, f"{SETTINGS}.activeRevisionsMode", "Single"), "Multiple"),
    ("INF-11", TUNING, "no identity", put("test", APP, "identity.type", "None"), "identity.type"),
    ("INF-11", TUNING, "plain HTTP", put("prod", APP, f"{SETTINGS}.ingress.allowInsecure", True), "allowInsecure"),
    ("INF-11", TUNING, "no probes", put("prod", APP, f"{CONTAINER}.probes", []), "add a startup probe"),
    ("INF-11", TUNING, "tag", put("prod", APP, f"{CONTAINER}.image", "x.azurecr.io/orchestrator:1"), "by digest"),
    ("INF-11", TUNING, "password", put("prod", APP, f"{SETTINGS}.registries", []), "pull its image"),
    ("INF-11", TUNING, "secret here", put("prod", APP, f"{SETTINGS}.secrets.0.value", "key"), "from the vault"),
    (
        "INF-11",
        TUNING,
        "newest gets all",
        put("prod", APP, f"{SETTINGS}.ingress.traffic", [{"latestRevision": True, "weight": 100}]),
        "belongs to the release",
    ),
    ("INF-11", TUNING, "no traffic", put("prod", APP, f"{SETTINGS}.ingress.traffic", None), "write the traffic"),
    ("INF-11", TUNING, "anybody calls", drop("prod", CALLERS), "ask callers of the service for a token"),
    (
        "INF-11",
        TUNING,
        "anonymous",
        put("prod", CALLERS, "properties.globalValidation.unauthenticatedClientAction", "AllowAnonymous"),
        "Return401",
    ),
    (
        "INF-11",
        TUNING,
        "open path",
        put("prod", CALLERS, "properties.globalValidation.excludedPaths", ["/answers"]),
        "every path but /healthz",
    ),
    (
        "INF-11",
        TUNING,
        "any audience",
        put("prod", CALLERS, "properties.identityProviders.azureActiveDirectory.validation.allowedAudiences", []),
        "one audience",
    ),
]

FILE_ROWS: set[str] = {"INF-01", "INF-04", "INF-05", "INF-06"}
