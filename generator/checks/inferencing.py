"""Inferencing (INF rows): endpoints, deployments in files, clusters, and deployments of foundation models."""

import re
from collections.abc import Iterator
from typing import Any

from generator.checks import Finding, check
from generator.checks.delivery import steps_of
from generator.checks.expected import presence, unevaluated
from generator.checks.reading import (
    compare,
    decision_table,
    label,
    located,
    pipelines,
    same,
    text_of,
    value_at,
    verdict,
)
from generator.checks.training import ACCOUNT, ONLINE_ENDPOINT, yaml_file
from generator.evaluation import Environment, Project, Resource

DEPLOYMENT = "Microsoft.CognitiveServices/accounts/deployments"
CLUSTER = "Microsoft.ContainerService/managedClusters"
BACKEND = "Microsoft.ApiManagement/service/backends"
APPS = "Microsoft.App/managedEnvironments"
APP = "Microsoft.App/containerApps"
CALLERS = "Microsoft.App/containerApps/authConfigs"
AUTOSCALE = "Microsoft.Insights/autoscalesettings"
ENDPOINT = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
FLOORS = {"low": 2, "medium": 3, "high": 3}
"""Criticality -> least instances outside dev, where one is enough."""
LIFECYCLE = "docs/decisions/foundation-models.md"
DEPLOYMENT_FILE = "ml/models/example/deployment.yml"
TAGS = {"model_version", "git_sha", "deployed_by"}
HARDENED = {
    "sku.tier": "Standard",
    "properties.disableLocalAccounts": True,
    "properties.aadProfile.enableAzureRBAC": True,
    "properties.oidcIssuerProfile.enabled": True,
    "properties.securityProfile.workloadIdentity.enabled": True,
    "properties.addonProfiles.azurepolicy.enabled": True,
    "properties.autoUpgradeProfile.upgradeChannel": ("stable", "patch", "rapid", "node-image"),
    "properties.metricsProfile.costAnalysis.enabled": True,
    "properties.networkProfile.networkPlugin": "azure",
    "properties.networkProfile.networkPluginMode": "overlay",
    "properties.networkProfile.networkDataplane": "cilium",
}


@check("INF-01")
def one_of_each(project: Project) -> Iterator[Finding]:
    """INF-01: each folder of a model has an endpoint, a version and a rollout of its own, and no endpoint has two.

    Source: https://learn.microsoft.com/azure/well-architected/ai/application-platform
    """
    answers = project.answers
    models = sorted(path.name for path in (project.root / "ml/models").glob("*") if path.is_dir())
    yield verdict("ml/models", [] if models else ["add the folder of the model"])
    if answers["own_model_hosting"] == "databricks":
        found = value_at(yaml_file(project, "ml/serving/databricks.yml"), "resources.model_serving_endpoints") or {}
        names = [str(value_at(row, "config.served_entities") or "").count(f".{name}'") for name, row in found.items()]
        faults = [] if sorted(found) == models and all(names) else ["serve each model by an endpoint of its name"]
        yield verdict("ml/serving/databricks.yml", faults)
        return
    for name in models:
        body = yaml_file(project, f"ml/models/{name}/deployment.yml")
        faults = [] if body.get("endpoint_name") == name else [f"name its endpoint {name}"]
        named = re.search(rf"(/models/|azureml:){re.escape(name)}(/versions/|:)\d+$", str(body.get("model")))
        faults += [] if named else [f"deploy a version of {name}, and no other model"]
        yield verdict(f"ml/models/{name}/deployment.yml", faults)
        script = text_of(project.root / "scripts/endpoint.py")
        faults = [] if f"models/{name}/versions/" in script or f'"{name}"' in script else [f"roll {name} out"]
        yield verdict("scripts/endpoint.py", faults)
    for environment in project.environments.values():
        second = answers["two_regions"] and environment.name == "prod"
        due = len(models) * (2 if second and answers["own_model_hosting"] == "managed_endpoint" else 1)
        found_here = len(environment.of_type(ONLINE_ENDPOINT))
        faults = [] if found_here == due else [f"{found_here} endpoints where {due} are due, give each model its own"]
        yield verdict(f"{environment.name}: {ONLINE_ENDPOINT}", faults)
    creating = [
        step for step in steps_of(project, "rollout").values() if str(step.values.get("step")).startswith("create ")
    ]
    faults = (
        [] if len(creating) == 1 and "--version=" in str(creating[0].values) else ["roll one version of one model out"]
    )
    yield verdict(f"{pipelines(project)}/rollout.yml", faults)


@check("INF-02")
def managed_and_closed(project: Project) -> Iterator[Finding]:
    """INF-02: a managed endpoint in each environment, by token, private when asked, without traffic.

    Source: https://learn.microsoft.com/azure/machine-learning/concept-endpoints-online
    """
    access = "Disabled" if project.answers["private"] else "Enabled"
    wanted = {
        "kind": "Managed",
        "properties.authMode": "AADToken",
        "properties.publicNetworkAccess": access,
        "identity.type": "UserAssigned",
    }
    for environment in project.environments.values():
        found = environment.of_type(ONLINE_ENDPOINT)
        yield verdict(f"{environment.name}: {ONLINE_ENDPOINT}", [] if found else ["deploy the endpoint of the model"])
        stray = environment.of_type(f"{ONLINE_ENDPOINT}/deployments")
        faults = ["leave deployments to the rollout"] if stray else []
        yield verdict(f"{environment.name}: {ONLINE_ENDPOINT}/deployments", faults)
        for item in found:
            faults = [
                f"remove {key}, it belongs to the rollout"
                for key in ("traffic", "mirrorTraffic")
                if key in item.properties
            ]
            yield compare(environment, item, wanted, faults)


@check("INF-04")
def probes_and_timeouts(project: Project) -> Iterator[Finding]:
    """INF-04: the deployment names both probes, its timeout (above the promised latency) and its concurrency.

    Source: https://learn.microsoft.com/azure/machine-learning/reference-yaml-deployment-managed-online
    """
    body = yaml_file(project, DEPLOYMENT_FILE)
    faults = [f"set {name}" for name in ("liveness_probe", "readiness_probe") if not value_at(body, f"{name}.period")]
    timeout = value_at(body, "request_settings.request_timeout_ms")
    if not isinstance(timeout, int) or not project.answers["latency_p95_ms"] < timeout <= 180000:
        faults.append("set request_timeout_ms above latency_p95_ms and to at most 180000")
    if not value_at(body, "request_settings.max_concurrent_requests_per_instance"):
        faults.append("set max_concurrent_requests_per_instance")
    yield verdict(DEPLOYMENT_FILE, faults)


@check("INF-06")
def collected_where_allowed(project: Project) -> Iterator[Finding]:
    """INF-06: inputs and outputs are collected, and never those of restricted data.

    Source: https://learn.microsoft.com/azure/machine-learning/how-to-collect-production-data
    """
    answers = project.answers
    due = answers["data_classification"] != "restricted" and answers["serving_runtime"] in ("mlflow", "custom")
    rows = value_at(yaml_file(project, DEPLOYMENT_FILE), "data_collector.collections") or {}
    wanted = {"model_inputs", "model_outputs"} if due else set()
    on = {name for name, row in rows.items() if str(row.get("enabled")).lower() == "true"}
    yield verdict(DEPLOYMENT_FILE, [] if on == wanted else [f"collect {' and '.join(sorted(wanted)) or 'nothing'}"])


@check("INF-07")
def versions_pinned(project: Project) -> Iterator[Finding]:
    """INF-07: each deployment pins its version and names its capacity; prod is not upgraded by the service.

    Source: https://learn.microsoft.com/azure/ai-foundry/openai/how-to/working-with-models
    """
    yield from unevaluated(project)
    for environment in project.environments.values():
        rows = project.answers["foundation_accounts"][environment.name]
        wanted = sum(len(row["deployments"]) for row in rows)
        found = environment.of_type(DEPLOYMENT)
        faults = [] if len(found) >= wanted else [f"{len(found)} deployments where the answers ask for {wanted}"]
        yield verdict(f"{environment.name}: {DEPLOYMENT}", faults)
        for item in found:
            faults = [] if value_at(item.body, "properties.model.version") else ["set properties.model.version"]
            faults += [] if (item.sku.get("capacity") or 0) > 0 else ["set sku.capacity"]
            option = {"properties.versionUpgradeOption": "NoAutoUpgrade"} if environment.name == "prod" else {}
            yield compare(environment, item, option, faults)
    yield verdict(LIFECYCLE, _undated(project))


def _undated(project: Project) -> Iterator[str]:
    """Models that are deployed and of which the page does not tell when they retire."""
    text = text_of(project.root / LIFECYCLE)
    table = decision_table("models")
    models = {value_at(item.body, "properties.model.name") for _, item in located(project, DEPLOYMENT)}
    for name in sorted(str(name) for name in models):
        date = str((table.get(name) or {}).get("retirement"))
        if not re.search(rf"^\| {re.escape(name)} \|.*\| {re.escape(date)} \|$", text, re.MULTILINE):
            yield f"tell when {name} retires"


@check("INF-08")
def one_way_to_overflow(project: Project) -> Iterator[Finding]:
    """INF-08: a provisioned deployment spills to another deployment, or shares a pool with one; never both.

    Source: https://learn.microsoft.com/azure/ai-foundry/openai/how-to/spillover-traffic-management
    """
    for environment in project.environments.values():
        provisioned = [item for item in environment.of_type(DEPLOYMENT) if "Provisioned" in str(item.sku.get("name"))]
        due = environment.name == "prod"
        faults = [] if bool(provisioned) == due else ["keep provisioned throughput in prod, and only there"]
        yield verdict(f"{environment.name}: provisioned throughput", faults)
        for item in provisioned:
            spills = bool(item.properties.get("spilloverDeploymentName"))
            pooled = _pooled(environment, item.name.split("/")[0].rpartition("-")[2])
            faults = [] if spills != pooled else ["let its overflow go one way: spillover or the pool of the gateway"]
            yield verdict(label(environment, item), faults, str(item))


def _pooled(environment: Environment, account: str) -> bool:
    """Whether a pool of the gateway puts an account first and has another one behind it."""
    for pool in environment.of_type(BACKEND):
        rows = value_at(pool.properties, "pool.services") or []
        mine = [row.get("priority") for row in rows if row["id"].endswith(f"foundation-{account}")]
        others = [row.get("priority") for row in rows if not row["id"].endswith(f"foundation-{account}")]
        if mine and others and min(mine) < min(others):
            return True
    return False


@check("INF-10")
def cluster_hardened(project: Project) -> Iterator[Finding]:
    """INF-10: a hardened cluster in each environment, with its own pool for the system and one for models.

    Sources: https://learn.microsoft.com/azure/well-architected/service-guides/azure-kubernetes-service,
    https://learn.microsoft.com/azure/machine-learning/reference-kubernetes
    """
    for environment in project.environments.values():
        found = environment.of_type(CLUSTER)
        yield verdict(f"{environment.name}: {CLUSTER}", [] if len(found) == 1 else ["deploy one cluster"])
        for item in found:
            closed = (
                {"properties.apiServerAccessProfile.enablePrivateCluster": True} if project.answers["private"] else {}
            )
            yield compare(environment, item, {**HARDENED, **closed}, list(_pool_faults(project, environment, item)))


def _pool_faults(project: Project, environment: Environment, cluster: Resource) -> Iterator[str]:
    pools: dict[str, dict[str, Any]] = {row["mode"]: row for row in cluster.properties.get("agentPoolProfiles") or []}
    system, models = pools.get("System", {}), pools.get("User", {})
    if not any("CriticalAddonsOnly" in taint for taint in system.get("nodeTaints") or []):
        yield "taint the system pool with CriticalAddonsOnly"
    if (system.get("minCount") or 0) < 3:
        yield "give the system pool at least 3 nodes"
    if not models.get("enableAutoScaling"):
        yield "let the pool of models scale"
    if models.get("nodeTaints") != ["ml.azure.com/amlarc=true:NoSchedule"]:
        # Azure Machine Learning tolerates taints of its own only: a pod of a model would never land on another one.
        yield "taint the pool of models with ml.azure.com/amlarc=true:NoSchedule and nothing else"
    if bool(re.match(r"Standard_N", str(models.get("vmSize")))) != project.answers["inference_gpu"]:
        yield "give the pool of models GPUs only when the answers ask for them"
    if str(system.get("vmSize")).startswith("Standard_N"):
        yield "take the GPU from the system pool"
    if environment.name == "prod" and project.answers["zonal"] and not (system.get("availabilityZones")):
        yield "spread the nodes over zones"


@check("INF-11")
def orchestrator_always_there(project: Project) -> Iterator[Finding]:
    """INF-11: the service has replicas at all times, each probe, its own identity, and machines without a GPU.

    Looks at the environment with its machines, and at the service: revisions, address, image, secrets and probes.
    Source: https://learn.microsoft.com/azure/container-apps/workload-profiles-overview
    """
    for environment in project.environments.values():
        for kind in (APPS, APP):
            found = environment.of_type(kind)
            yield verdict(f"{environment.name}: {kind}", [] if len(found) == 1 else ["deploy one for the orchestrator"])
        for item in environment.of_type(APPS):
            due = environment.name == "prod" and bool(project.answers["zonal"])
            yield compare(environment, item, {"properties.zoneRedundant": due}, _machine_faults(environment, item))
        for item in environment.of_type(APP):
            wanted = {
                "identity.type": "UserAssigned",
                "properties.configuration.activeRevisionsMode": "Multiple",
                "properties.configuration.ingress.allowInsecure": False,
            }
            yield compare(environment, item, wanted, [*_service_faults(environment, item), *_container_faults(item)])
            found = environment.of_type(CALLERS)
            asked = {
                "properties.platform.enabled": True,
                "properties.globalValidation.unauthenticatedClientAction": "Return401",
                "properties.identityProviders.azureActiveDirectory.enabled": True,
            }
            yield verdict(f"{environment.name}: {CALLERS}", [] if found else ["ask callers of the service for a token"])
            for callers in found:
                yield compare(environment, callers, asked, _caller_faults(callers))


def _caller_faults(callers: Resource) -> Iterator[str]:
    """What lets somebody in without a token of the service, or asks for a secret."""
    known = value_at(callers.properties, "identityProviders.azureActiveDirectory") or {}
    if set(value_at(callers.properties, "globalValidation.excludedPaths") or []) - {"/healthz"}:
        yield "ask for a token on every path but /healthz"
    if not value_at(known, "validation.allowedAudiences"):
        yield "take tokens of one audience only"
    if value_at(known, "registration.clientSecretSettingName"):
        yield "check tokens without a secret"


def _machine_faults(environment: Environment, apps: Resource) -> Iterator[str]:
    """The machines that the services of an environment run on."""
    profiles = {row["name"]: row for row in apps.properties.get("workloadProfiles") or []}
    for app in environment.of_type(APP):
        if app.properties.get("workloadProfileName") not in profiles:
            yield f"name a workload profile of it in {app}"
    for name, row in profiles.items():
        if not re.fullmatch(r"Consumption|D\d+", str(row.get("workloadProfileType"))):
            yield f"make {name} a general purpose profile"
        due = 3 if apps.properties.get("zoneRedundant") else 1
        if row.get("workloadProfileType") != "Consumption" and (row.get("minimumCount") or 0) < due:
            yield f"keep at least {due} machines of {name}"


def _service_faults(environment: Environment, app: Resource) -> Iterator[str]:
    """What is true of all revisions: who may pull and read secrets, and what the service keeps running."""
    settings = app.properties.get("configuration") or {}
    due = 3 if environment.name == "prod" else 1
    if (value_at(app.properties, "template.scale.minReplicas") or 0) < due:
        yield f"keep at least {due} replicas"
    registries = settings.get("registries") or []
    if not registries or not all(row.get("identity") and "passwordSecretRef" not in row for row in registries):
        yield "pull its image with its identity"
    secrets = settings.get("secrets") or []
    if not secrets or not all(row.get("keyVaultUrl") and row.get("identity") and "value" not in row for row in secrets):
        yield "read its secrets from the vault with its identity"
    rows = value_at(settings, "ingress.traffic")
    if isinstance(rows, list) and any(row.get("latestRevision") for row in rows):
        yield "give no traffic to whatever comes last, it belongs to the release"
    if not rows:
        yield "write the traffic that it has, without it the newest revision gets everything"


def _container_faults(app: Resource) -> Iterator[str]:
    for row in value_at(app.properties, "template.containers") or [{}]:
        probes = {str(item.get("type")).lower() for item in row.get("probes") or []}
        for name in sorted({"liveness", "readiness", "startup"} - probes):
            yield f"add a {name} probe"
        image = str(row.get("image"))
        # The image that runs is read from the service, and a release puts it there by its digest.
        if not re.search(r"@sha256:[0-9a-f]{64}$", image) and "template.containers[0].image" not in image:
            yield "name its image by digest"


@check("INF-03")
def deployments_scale(project: Project) -> Iterator[Finding]:
    """INF-03: each deployment scales by its load and its latency, never below the floor of the criticality.

    Looks at what the module of the rollout deploys, and whether the rollout deploys it for both colours.
    Source: https://learn.microsoft.com/azure/machine-learning/how-to-autoscale-endpoints
    """
    yield from presence(project, "Microsoft.Resources/resourceGroups")
    for environment in project.environments:
        rows = [item for item in project.rollouts.get(environment, ()) if item.type == AUTOSCALE]
        faults = [] if len(rows) == 1 else [f"a rollout deploys {len(rows)} rules of scaling, deploy one"]
        for item in rows:
            faults += _scaling_faults(project, environment, item)
        yield verdict(f"{environment}: {AUTOSCALE}", faults)
    text = text_of(project.root / "scripts/rollout.py")
    faults = [
        f"it does not watch {what}, call watch"
        for what, call in (
            ("the new deployment", "endpoint.watch(options.new, instances)"),
            ("the old one", "endpoint.watch(options.old, instances)"),
        )
        if call not in text
    ]
    yield verdict("scripts/rollout.py", faults)
    text = text_of(project.root / "scripts/endpoint.py")
    faults = [] if '"deployment", "group", "create"' in text else ["it does not deploy the module, create it"]
    yield verdict("scripts/endpoint.py", faults)


def _scaling_faults(project: Project, environment: str, item: Resource) -> Iterator[str]:
    target = str(item.properties.get("targetResourceUri"))
    if (
        not re.search(r"/onlineEndpoints/[^/]+/deployments/[^/]+$", target)
        or item.properties.get("enabled") is not True
    ):
        yield "it scales no deployment, name one and enable it"
    profile = (item.properties.get("profiles") or [{}])[0]
    floor = 1 if environment == "dev" else FLOORS[project.answers["criticality"]]
    numbers = {name: int(value) for name, value in (profile.get("capacity") or {}).items()}
    if numbers.get("minimum", 0) < floor or numbers.get("default", 0) < floor:
        yield f"its floor is {numbers.get('minimum')}, the criticality asks for {floor}"
    if numbers.get("maximum", 0) <= numbers.get("minimum", 0):
        yield "it cannot grow, raise its maximum"
    yield from _rule_faults(project, target, profile.get("rules") or [])


def _rule_faults(project: Project, target: str, rules: list[dict[str, Any]]) -> Iterator[str]:
    load = "GpuUtilizationPercentage" if project.answers["inference_gpu"] else "CpuUtilizationPercentage"
    endpoint = target.rpartition("/deployments/")[0]
    limits: dict[str, float] = {}
    for direction, operator in (("Increase", "GreaterThan"), ("Decrease", "LessThan")):
        wanted = {
            "metricName": load,
            "metricNamespace": f"{ENDPOINT}/deployments",
            "metricResourceUri": target,
            "operator": operator,
        }
        found = [
            rule["metricTrigger"] for rule in _moving(rules, direction) if wanted.items() <= _trigger(rule).items()
        ]
        if found:
            limits[direction] = found[0]["threshold"]
        else:
            yield f"no rule on {load} lets it {'grow' if direction == 'Increase' else 'shrink'}, add one"
    if limits.get("Increase", 100) <= limits.get("Decrease", 0):
        yield "it shrinks at the load at which it grows, lower the limit"
    wanted = {"metricName": "RequestLatency", "metricNamespace": ENDPOINT, "metricResourceUri": endpoint}
    slow = [_trigger(rule) for rule in _moving(rules, "Increase") if wanted.items() <= _trigger(rule).items()]
    if not any("deployment" in str(trigger.get("dimensions")) for trigger in slow):
        yield "no rule on RequestLatency of the deployment lets it grow, add one"


def _moving(rules: list[dict[str, Any]], direction: str) -> list[dict[str, Any]]:
    return [rule for rule in rules if value_at(rule, "scaleAction.direction") == direction]


def _trigger(rule: dict[str, Any]) -> dict[str, Any]:
    trigger: dict[str, Any] = rule.get("metricTrigger") or {}
    return trigger


@check("INF-05")
def traced(project: Project) -> Iterator[Finding]:
    """INF-05: a deployment in a file takes a numbered model version and carries the tags that the rollout fills.

    Source: https://learn.microsoft.com/azure/machine-learning/how-to-share-models-pipelines-across-workspaces-with-registries
    """
    if project.answers["own_model_hosting"] == "databricks":
        yield from _traced_in_catalog(project)
        return
    body = yaml_file(project, DEPLOYMENT_FILE)
    if project.answers["own_model_hosting"] == "kubernetes":
        pattern = r"azureml:example:\d+"
    else:
        pattern = r"azureml://registries/[\w-]+/models/example/versions/\d+"
    faults = [] if re.fullmatch(pattern, str(body.get("model"))) else ["name the model by its version number"]
    faults += [f"add the tag {name}" for name in sorted(TAGS - (body.get("tags") or {}).keys())]
    yield verdict(DEPLOYMENT_FILE, faults)


def _traced_in_catalog(project: Project) -> Iterator[Finding]:
    """On Databricks the bundle of the endpoint, which deploys nothing else, holds the versions of each environment."""
    path = "ml/serving/databricks.yml"
    serving = yaml_file(project, path)
    rows = value_at(serving, "resources.model_serving_endpoints.example.config.served_entities") or []
    named = {re.sub(r"^\$\{var\.(\w+)\}$", r"\1", str(row.get("entity_version"))) for row in rows}
    faults = [] if rows and "None" not in named else ["name the version of each model"]
    for name, target in (serving.get("targets") or {}).items():
        given = target.get("variables") or {}
        faults += [f"number {key} in {name}" for key in sorted(named - given.keys() - {"None"})]
    others = {key for key in (serving.get("resources") or {}) if key != "model_serving_endpoints"}
    faults += ["deploy the endpoint alone"] if others or serving.get("include") else []
    if value_at(yaml_file(project, "ml/databricks.yml"), "resources.model_serving_endpoints"):
        faults.append("leave the endpoint out of the bundle of jobs")
    yield verdict(path, faults)


def _chat_pools(project: Project) -> Iterator[tuple[Environment, str, Resource | None]]:
    """The pool of each chat model that callers may ask for; None for a model without one."""
    for environment in project.environments.values():
        models = environment.parameters.get("chatModels") or {}
        for model in [str(name) for name in models.values() if name]:
            pools = [item for item in environment.of_type(BACKEND) if same(item.properties.get("type"), "Pool")]
            yield environment, model, next((item for item in pools if item.name.endswith(f"chat-{model}")), None)


@check("INF-09")
def all_in_one_pool(project: Project) -> Iterator[Finding]:
    """INF-09: every account that serves a chat model is behind its pool, with deployments of one name.

    Source: https://learn.microsoft.com/azure/api-management/backends
    """
    for environment, model, pool in _chat_pools(project):
        if pool is None:
            yield verdict(f"{environment.name}: pool of {model}", ["there is none, deploy it"])
            continue
        rows = environment.parameters.get("foundationAccounts") or []
        wanted = {row["name"] for row in rows if any(item["name"] == model for item in row["deployments"])}
        found = {item["id"].rpartition("foundation-")[2] for item in value_at(pool.properties, "pool.services") or []}
        faults = [] if found == wanted else [f"put exactly {', '.join(sorted(wanted))} in it"]
        names = {item.name.split("/")[1] for item in environment.of_type(DEPLOYMENT)}
        faults += [] if model in names else [f"name the deployments {model}"]
        faults += [] if len(environment.of_type(ACCOUNT)) >= len(wanted) else ["deploy an account for each"]
        yield verdict(label(environment, pool), faults, str(pool))
