"""Reliability (REL rows): what survives the loss of a datacentre or a region."""

import ast
from collections.abc import Callable, Iterator
from xml.etree import ElementTree

from generator.checks import DoesNotApply, Finding, check
from generator.checks.expected import (
    presence,
    unevaluated,
)
from generator.checks.reading import (
    decision_table,
    label,
    located,
    object_of,
    same,
    text_of,
    value_at,
    verdict,
)
from generator.evaluation import Environment, Project, Resource

STORAGE = "Microsoft.Storage/storageAccounts"
REGISTRY = "Microsoft.ContainerRegistry/registries"
REPLICA = "Microsoft.ContainerRegistry/registries/replications"
ACCOUNT = "Microsoft.CognitiveServices/accounts"
ENDPOINT = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
GATEWAY = "Microsoft.ApiManagement/service"
BACKEND = f"{GATEWAY}/backends"
BLOBS = "Microsoft.Storage/storageAccounts/blobServices"
ROLE_ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
REVOKE = "Microsoft.Authorization/roleAssignments/delete"
WORKSPACE = "Microsoft.MachineLearningServices/workspaces"
MODELS = "Microsoft.MachineLearningServices/registries"
MOVE = "docs/runbooks/region-loss.md"


def _listed(resource: Resource) -> bool:
    return len(resource.zones) >= 2


def _storage(resource: Resource) -> bool:
    return str((resource.sku or {}).get("name", "")).endswith("ZRS")


def _registry(resource: Resource) -> bool:
    return same(resource.properties.get("zoneRedundancy"), "Enabled")


def _flag(resource: Resource) -> bool:
    return resource.properties.get("zoneRedundant") is True


def _gateway(resource: Resource) -> bool:
    return _flag(resource) or _listed(resource)


def _search(resource: Resource) -> bool:
    return int(resource.properties.get("replicaCount") or 1) >= 3


def _cluster(resource: Resource) -> bool:
    pools = resource.properties.get("agentPoolProfiles") or []
    return bool(pools) and all(len(pool.get("availabilityZones") or []) >= 2 for pool in pools)


ZONAL: dict[str, tuple[Callable[[Resource], bool], str]] = {
    STORAGE: (_storage, "sku.name (ZRS or GZRS)"),
    REGISTRY: (_registry, "properties.zoneRedundancy (Enabled)"),
    REPLICA: (_registry, "properties.zoneRedundancy (Enabled)"),
    "Microsoft.Network/publicIPAddresses": (_listed, "zones"),
    "Microsoft.Network/azureFirewalls": (_listed, "zones"),
    "Microsoft.Network/applicationGateways": (_listed, "zones"),
    "Microsoft.ApiManagement/service": (_gateway, "zones or properties.zoneRedundant"),
    "Microsoft.Search/searchServices": (_search, "properties.replicaCount (3 or more)"),
    "Microsoft.App/managedEnvironments": (_flag, "properties.zoneRedundant"),
    "Microsoft.ContainerService/managedClusters": (_cluster, "availabilityZones of every node pool"),
}
"""Types that are spread over zones by choice: how that shows, and the property to change (types of the compiler)."""


@check("REL-01")
def availability_zones(project: Project) -> Iterator[Finding]:
    """REL-01: prod is spread over availability zones when its criticality is medium or high, nothing else is.

    Looks at every resource whose spread is a choice; storage is geo-redundant too when the second region is the pair
    inside the residency boundary, and the registry has a replica in the second region.
    Source: https://learn.microsoft.com/azure/reliability/availability-zones-service-support
    """
    resources = list(located(project, *ZONAL))
    if project.answers["needs_registry"] and project.answers["two_regions"]:
        yield from presence(project, REPLICA)
    if project.answers["needs_storage"]:
        yield from presence(project, STORAGE)
    elif not resources:
        raise DoesNotApply("Nothing here can be spread over zones by choice.")
    for environment, resource in resources:
        wanted = project.answers["zonal"] and environment.name == "prod"
        spread, where = next(row for name, row in ZONAL.items() if same(name, resource.type))
        faults = (
            [] if spread(resource) == wanted else [f"{'spread' if wanted else 'do not spread'} it over zones: {where}"]
        )
        if same(resource.type, STORAGE):
            geo = str(value_at(resource.body, "sku.name")).startswith("Standard_G")
            # What is in the second region stands for itself: the first holds the same.
            due = project.answers["geo_redundant"] and environment.name == "prod" and not _second(project, resource)
            faults += [] if geo == due else [f"sku.name must {'' if due else 'not '}be geo-redundant"]
        yield verdict(label(environment, resource), faults, str(resource))


def _second(project: Project, resource: Resource) -> bool:
    """Whether a resource is in the second region of a project that has one."""
    return bool(project.answers["two_regions"]) and same(resource.location, project.answers["secondary_location"])


@check("REL-02")
def two_regions_answer(project: Project) -> Iterator[Finding]:
    """REL-02: in prod, models, the gateway and its pools are in both regions, and the docs say what is counted twice.

    Looks at where accounts, endpoints, the gateway and the registry of models are, at what each pool consists of, and
    at the policy that asks the other region.
    Source: https://learn.microsoft.com/azure/api-management/api-management-howto-deploy-multi-region
    """
    answers = project.answers
    regions = {answers["location"], answers["secondary_location"]}
    for environment in project.environments.values():
        if environment.name != "prod":
            continue
        for kind, asked in ((ACCOUNT, "foundation_online"), (ENDPOINT, "own_online")):
            if answers[asked]:
                found = {str(item.location) for item in environment.of_type(kind)}
                missing = sorted(regions - found)
                yield verdict(f"prod: {kind}", [f"there is none in {name}, deploy one" for name in missing])
        for item in environment.of_type(GATEWAY):
            more = [str(row.get("location")) for row in item.properties.get("additionalLocations") or []]
            faults = [] if more == [answers["secondary_location"]] else ["add the second region to additionalLocations"]
            yield verdict(label(environment, item), faults, str(item))
        if answers["foundation_online"]:
            yield from (
                _spanning(environment, item, regions) for item in _pools(environment) if "own-models" not in item.name
            )
        if answers["own_online"]:
            yield from _own_pool(project, environment)
    yield from _models_in_both(project, regions)
    text = text_of(project.root / "docs/decisions/gateway.md")
    faults = [] if "Each region counts for itself" in text else ["say that each region counts tokens for itself"]
    yield verdict("docs/decisions/gateway.md", faults)


def _pools(environment: Environment) -> list[Resource]:
    return [item for item in environment.of_type(BACKEND) if same(item.properties.get("type"), "Pool")]


def _members(pool: Resource) -> list[str]:
    """Names of the back ends in a pool, in lower case."""
    return [str(row["id"]).rpartition("/")[2].lower() for row in value_at(pool.properties, "pool.services") or []]


def _spanning(environment: Environment, pool: Resource, regions: set[str]) -> Finding:
    """Whether the accounts behind a pool are in both regions."""
    places = {item.name.lower(): str(item.location) for item in environment.of_type(ACCOUNT)}
    hosts = {
        item.name.rpartition("/")[2].lower(): str(item.properties.get("url")).rpartition("//")[2].partition(".")[0]
        for item in environment.of_type(BACKEND)
    }
    found = {places.get(hosts.get(name, "").lower()) for name in _members(pool)}
    faults = [f"no member of it is in {name}, add one" for name in sorted(regions - found)]
    return verdict(label(environment, pool), faults, str(pool))


def _own_pool(project: Project, environment: Environment) -> Iterator[Finding]:
    """Own models: a pool of both endpoints, as important as each other, and a policy that asks the other one once."""
    found = [item for item in _pools(environment) if "own-models" in item.name]
    faults = [] if len(found) == 1 else [f"{len(found)} pools of own models, deploy one"]
    for item in found:
        weights = {row.get("priority") for row in value_at(item.properties, "pool.services") or []}
        urls = {
            str(row.properties.get("url"))
            for row in environment.of_type(BACKEND)
            if row.name.rpartition("/")[2].lower() in _members(item)
        }
        faults += [] if len(urls) == 2 and len(weights) == 1 else ["put the endpoint of each region in it, as equals"]
    yield verdict("prod: pool of own models", faults)
    text = text_of(project.root / "gateway/policies/models.xml") or "<policies />"
    retry = ElementTree.fromstring(text).find("backend/retry")
    asks = retry is not None and retry.get("count") == "1" and retry.find("set-backend-service") is not None
    yield verdict("gateway/policies/models.xml", [] if asks else ["ask the other region once, by a retry of the pool"])


def _models_in_both(project: Project, regions: set[str]) -> Iterator[Finding]:
    """The registry from which prod takes its models is in both regions; the shared one is created by another one."""
    if not (project.answers["own_online"] and project.answers["needs_model_registry"]):
        return
    shared = project.answers["shared_model_registry"]
    for environment, item in located(project, MODELS):
        if shared or environment.name == "prod":
            found = {str(row.get("location")) for row in item.properties.get("regionDetails") or []}
            faults = [f"it is not in {name}, add it to regionDetails" for name in sorted(regions - found)]
            yield verdict(label(environment, item), faults, str(item))


@check("REL-04")
def accident_protection(project: Project) -> Iterator[Finding]:
    """REL-04: each environment is a deployment stack; outside dev it denies deletion and drops nothing.

    Looks at the settings of the stacks, at the command that deploys, at the role that the pipeline needs for it, and at
    what storage keeps of deleted blobs. Rollouts delete below the protected resources, so their children stay open, and
    so does taking a role away.
    Source: https://learn.microsoft.com/azure/azure-resource-manager/bicep/deployment-stacks
    """
    yield from unevaluated(project)
    settings = object_of(project.root / "scripts" / "stack.json")
    keeps = project.answers["online"] or project.answers["shared_model_registry"]
    for name, environment in project.environments.items():
        dev = name == "dev"
        wanted = {
            "action_on_unmanage": "deleteResources" if dev and not keeps else "detachAll",
            "deny_settings_mode": "none" if dev else "denyDelete",
            "deny_settings_excluded_actions": [] if dev else [REVOKE],
        }
        found = settings.get(name) or {}
        faults = [f"{key} is {found.get(key)}, set {value}" for key, value in wanted.items() if found.get(key) != value]
        role = decision_table("roles")["azureDeploymentStackOwner"]["id"]
        held = [
            item
            for item in environment.of_type(ROLE_ASSIGNMENT)
            if str(item.properties.get("roleDefinitionId")).endswith(role)
        ]
        if bool(held) == dev:
            faults.append(f"{'take' if held else 'give'} the pipeline identity the role {role}")
        yield verdict(f"scripts/stack.json: {name}", faults)
    yield verdict("scripts/deploy.py", _deploys_stack(text_of(project.root / "scripts" / "deploy.py")))
    for environment, blobs in located(project, BLOBS):
        storage = next(item for item in environment.of_type(STORAGE) if item.id == blobs.parent_id)
        keeps_versions = blobs.properties.get("isVersioningEnabled") or storage.properties.get("isHnsEnabled")
        faults = [] if keeps_versions else ["set isVersioningEnabled"]
        if value_at(blobs.properties, "deleteRetentionPolicy.enabled") is not True:
            faults.append("set deleteRetentionPolicy.enabled")
        yield verdict(label(environment, blobs), faults, str(blobs))


def _deploys_stack(text: str) -> list[str]:
    """What is missing where a script deploys: its words, as Python reads them."""
    words = {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)}
    wanted = ("stack", "--action-on-unmanage", "--deny-settings-mode", "--deny-settings-excluded-actions")
    faults = [
        f"it does not say {word}, deploy a stack with the settings of stack.json"
        for word in wanted
        if word not in words
    ]
    deployed = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and [getattr(item, "value", None) for item in node.args[:3]] == ["deployment", "sub", "create"]
    ]
    if deployed:
        faults.append("it deploys without the stack, use az stack sub create")
    if "--deny-settings-apply-to-child-scopes" in words:
        faults.append("it protects what rollouts delete, leave child scopes out")
    return faults


@check("REL-03")
def survives_the_region(project: Project) -> Iterator[Finding]:
    """REL-03: a runbook moves the platform; models, data and quota are in the second region as the answers ask.

    Looks at the runbook, at the regions of the registry of models that prod uses, at the redundancy of storage, and at
    the region whose quota the preflight asks for. A cluster in another region than its workspace is a preview that
    workspaces with private endpoints refuse, so quota is all that can be kept ready.
    Source: https://learn.microsoft.com/azure/machine-learning/how-to-high-availability-machine-learning
    """
    yield from presence(project, WORKSPACE)
    answers = project.answers
    yield verdict(MOVE, list(_move_faults(project)))
    for environment in project.environments.values():
        second = {answers["secondary_location"]} if _keeps_models(project, environment.name) else set()
        for registry in environment.of_type(MODELS):
            rows = registry.properties.get("regionDetails") or []
            faults = [] if rows and rows[0].get("location") == registry.location else ["list its own region first"]
            replicas = {row.get("location") for row in rows[1:]}
            faults += [] if replicas == second else [f"copy it to {' and '.join(sorted(second)) or 'no other region'}"]
            yield verdict(label(environment, registry), faults, str(registry))
        yield from _redundancy(project, environment)
    wanted = bool(answers["two_regions"] and answers["aml_training"] and answers["training_deadline_hours"])
    rows = object_of(project.root / "scripts" / "preflight.json").get("machines") or []
    asked = [row["region"] for row in rows if row.get("pools") == "trainingClusters" and "region" in row]
    due = [answers["secondary_location"]] if wanted else []
    faults = (
        [] if asked == due else [f"ask for the quota of training in {' and '.join(due) or 'the first region only'}"]
    )
    yield verdict("scripts/preflight.json", faults)


def _keeps_models(project: Project, environment: str) -> bool:
    """Whether the registry that prod takes its models from is made in this environment, and outlives its region."""
    answers = project.answers
    home = answers["environments"][0] if answers["shared_model_registry"] else "prod"
    return bool(answers["two_regions"] and answers["needs_model_registry"] and environment == home)


def _move_faults(project: Project) -> Iterator[str]:
    """What the runbook lacks: the command that moves the project, where to, and what to do about the data."""
    text, answers = text_of(project.root / MOVE), project.answers
    target = answers["secondary_location"] if answers["two_regions"] else "<region>"
    if f"--data location={target} --data workload=" not in text:
        yield f"tell how the project moves to {target}"
    kept = any("prod" in row["environments"] for row in answers["containers"])
    if answers["geo_redundant"] and kept and "az storage account failover" not in text:
        yield "tell how the copy of the data becomes the original"
    if answers["needs_storage"] and not answers["geo_redundant"] and "azcopy sync" not in text:
        yield "tell how data is copied elsewhere, storage does not do it"
    if answers["two_regions"] and answers["needs_model_registry"] and "existing_ml_registry_id=" not in text:
        yield "take the registry of models along"


def _redundancy(project: Project, environment: Environment) -> Iterator[Finding]:
    """Storage of prod has a copy in the paired region when the answers ask for it, and that region may have it."""
    due = project.answers["geo_redundant"] and environment.name == "prod"
    for account in environment.of_type(STORAGE):
        geo = str(value_at(account.body, "sku.name")).startswith("Standard_G")
        if _second(project, account) and not geo:
            continue
        faults = [] if geo == due else [f"its redundancy must {'' if due else 'not '}reach another region"]
        yield verdict(label(environment, account), faults, str(account))
