"""What the answers say must exist, and how evaluated resources are read.

Every check has two halves: what is there is as it must be, and what the answers ask for is there. Without the second
half a check on an absent type would hold. The tables here are that second half, as data: expressions over the answers.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import jinja2
import yaml
from jinja2.environment import TemplateExpression

from generator.checks import DoesNotApply, Finding
from generator.evaluation import Environment, Project, Resource
from generator.paths import DECISIONS

PRIVATE_ENDPOINT_SUBNET = "private-endpoints"
FIREWALL_SUBNET = "AzureFirewallSubnet"

EXPECTED_COUNTS = {
    "Microsoft.Resources/resourceGroups": "2 + (1 if private else 0) + (1 if private and second_region else 0)",
    "Microsoft.OperationalInsights/workspaces": "0 if 'log_analytics' in reuse else 1",
    "Microsoft.Insights/components": "1",
    "Microsoft.Insights/actionGroups": "1",
    "Microsoft.Insights/privateLinkScopes": "1 if controlled else 0",
    "Microsoft.Consumption/budgets": "1",
    "Microsoft.KeyVault/vaults": "1",
    "Microsoft.KeyVault/vaults/keys": "encrypted | length",
    "Microsoft.ManagedIdentity/userAssignedIdentities": "here | length + encrypted | length",
    "Microsoft.Storage/storageAccounts": "1 if stores else 0",
    "Microsoft.Storage/storageAccounts/blobServices/containers": "stores | length",
    "Microsoft.ContainerRegistry/registries": "1 if own_registry else 0",
    "Microsoft.ContainerRegistry/registries/replications": "1 if own_registry and second_region else 0",
    "Microsoft.Network/virtualNetworks": "(2 if second_region else 1) if private else 0",
    "Microsoft.Network/azureFirewalls": "(2 if second_region else 1) if own_firewall else 0",
}
"""Resource type -> how many of them one environment has: an expression over the answers and `environment_facts`."""

ALLOWED_TYPES = {
    "true": (
        "Microsoft.Resources/resourceGroups",
        "Microsoft.Authorization/roleAssignments",
        "Microsoft.Insights/components",
        "Microsoft.Insights/actionGroups",
        "Microsoft.Insights/diagnosticSettings",
        "Microsoft.Insights/metricAlerts",
        "Microsoft.Insights/scheduledQueryRules",
        "Microsoft.Insights/activityLogAlerts",
        "Microsoft.Insights/workbooks",
        "Microsoft.Consumption/budgets",
        "Microsoft.KeyVault/vaults",
        "Microsoft.Authorization/policyAssignments",
        "Microsoft.Authorization/locks",
    ),
    "here or encrypted": ("Microsoft.ManagedIdentity/userAssignedIdentities",),
    "'log_analytics' not in reuse": ("Microsoft.OperationalInsights/workspaces",),
    "stores": (
        "Microsoft.Storage/storageAccounts",
        "Microsoft.Storage/storageAccounts/blobServices",
        "Microsoft.Storage/storageAccounts/blobServices/containers",
        "Microsoft.Storage/storageAccounts/managementPolicies",
    ),
    "encrypted": ("Microsoft.KeyVault/vaults/keys",),
    "own_registry": ("Microsoft.ContainerRegistry/registries",),
    "own_registry and second_region": ("Microsoft.ContainerRegistry/registries/replications",),
    "private": (
        "Microsoft.Network/virtualNetworks",
        "Microsoft.Network/virtualNetworks/subnets",
        "Microsoft.Network/networkSecurityGroups",
        "Microsoft.Network/routeTables",
        "Microsoft.Network/privateEndpoints",
        "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
    ),
    "private and not hub": (
        "Microsoft.Network/privateDnsZones",
        "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
    ),
    "hub or (private and second_region)": ("Microsoft.Network/virtualNetworks/virtualNetworkPeerings",),
    "workload_subnets and not controlled and not hub": ("Microsoft.Network/natGateways",),
    "own_firewall": (
        "Microsoft.Network/azureFirewalls",
        "Microsoft.Network/firewallPolicies",
        "Microsoft.Network/firewallPolicies/ruleCollectionGroups",
    ),
    "own_firewall or (workload_subnets and not controlled and not hub) or (new_gateway and internet_facing)": (
        "Microsoft.Network/publicIPAddresses",
    ),
    "controlled": (
        "Microsoft.Insights/privateLinkScopes",
        "Microsoft.Insights/privateLinkScopes/scopedResources",
    ),
    "'exploration' in here and eda_platform == 'compute_instance'": (
        "Microsoft.MachineLearningServices/workspaces",
        "Microsoft.MachineLearningServices/workspaces/computes",
        "Microsoft.MachineLearningServices/workspaces/datastores",
        "Microsoft.Storage/storageAccounts/fileServices",
        "Microsoft.Storage/storageAccounts/fileServices/shares",
    ),
    "'training' in here and training_platform == 'azure_ml'": (
        "Microsoft.MachineLearningServices/workspaces",
        "Microsoft.MachineLearningServices/workspaces/computes",
        "Microsoft.MachineLearningServices/workspaces/datastores",
        "Microsoft.MachineLearningServices/workspaces/schedules",
    ),
    "'serving' in here and own_model_hosting == 'managed_endpoint'": (
        "Microsoft.MachineLearningServices/workspaces",
        "Microsoft.MachineLearningServices/workspaces/onlineEndpoints",
        "Microsoft.MachineLearningServices/workspaces/schedules",
    ),
    "'serving' in here and own_model_hosting == 'kubernetes'": (
        "Microsoft.ContainerService/managedClusters",
        "Microsoft.MachineLearningServices/workspaces",
        "Microsoft.MachineLearningServices/workspaces/computes",
        "Microsoft.MachineLearningServices/workspaces/onlineEndpoints",
    ),
    "'batch' in here and batch_platform == 'azure_ml'": (
        "Microsoft.MachineLearningServices/workspaces",
        "Microsoft.MachineLearningServices/workspaces/computes",
        "Microsoft.MachineLearningServices/workspaces/batchEndpoints",
    ),
    "'training' in functions and 'ml_registry' not in reuse": ("Microsoft.MachineLearningServices/registries",),
    "'foundation' in model_sources": (
        "Microsoft.CognitiveServices/accounts",
        "Microsoft.CognitiveServices/accounts/deployments",
        "Microsoft.CognitiveServices/accounts/projects",
        "Microsoft.CognitiveServices/accounts/raiPolicies",
    ),
    "new_gateway": (
        "Microsoft.ApiManagement/service",
        "Microsoft.ApiManagement/service/apis",
        "Microsoft.ApiManagement/service/apis/diagnostics",
        "Microsoft.ApiManagement/service/apis/operations",
        "Microsoft.ApiManagement/service/apis/policies",
        "Microsoft.ApiManagement/service/apis/releases",
        "Microsoft.ApiManagement/service/apiVersionSets",
        "Microsoft.ApiManagement/service/backends",
        "Microsoft.ApiManagement/service/diagnostics",
        "Microsoft.ApiManagement/service/loggers",
        "Microsoft.ApiManagement/service/namedValues",
        "Microsoft.ApiManagement/service/policies",
        "Microsoft.ApiManagement/service/policyFragments",
        "Microsoft.ApiManagement/service/products",
        "Microsoft.ApiManagement/service/products/apis",
        "Microsoft.ApiManagement/service/products/policies",
        "Microsoft.ApiManagement/service/subscriptions",
    ),
    "new_gateway and internet_facing": (
        "Microsoft.Network/applicationGateways",
        "Microsoft.Network/ApplicationGatewayWebApplicationFirewallPolicies",
    ),
    "new_gateway and semantic_cache": (
        "Microsoft.ApiManagement/service/caches",
        "Microsoft.Cache/redisEnterprise",
        "Microsoft.Cache/redisEnterprise/databases",
    ),
    "'orchestrator' in here": ("Microsoft.App/managedEnvironments", "Microsoft.App/containerApps"),
    "new_databricks": ("Microsoft.Databricks/workspaces", "Microsoft.Databricks/accessConnectors"),
}
"""Condition over the answers and `environment_facts` -> resource types that one environment may have then."""

PRIVATE_LINK_PARTS = {
    "Microsoft.KeyVault/vaults": ("vault",),
    "Microsoft.Storage/storageAccounts": ("blob",),
    "Microsoft.ContainerRegistry/registries": ("registry",),
    "Microsoft.Insights/privateLinkScopes": ("azuremonitor",),
    "Microsoft.MachineLearningServices/workspaces": ("amlworkspace",),
    "Microsoft.MachineLearningServices/registries": ("amlregistry",),
    "Microsoft.CognitiveServices/accounts": ("account",),
    "Microsoft.Search/searchServices": ("searchService",),
    "Microsoft.ApiManagement/service": ("Gateway",),
    "Microsoft.Databricks/workspaces": ("databricks_ui_api", "browser_authentication"),
    "Microsoft.DocumentDB/databaseAccounts": ("Sql",),
    "Microsoft.AppConfiguration/configurationStores": ("configurationStores",),
    "Microsoft.EventHub/namespaces": ("namespace",),
    "Microsoft.Cache/redisEnterprise": ("redisEnterprise",),
}
"""Service -> the parts (group ids) that each get a private endpoint.
Source: https://learn.microsoft.com/azure/private-link/private-endpoint-dns"""

PRIVATE_LINK_PARTS_IN_USE = {
    "file": "Microsoft.Storage/storageAccounts/fileServices/shares",
    "queue": "Microsoft.Storage/storageAccounts/queueServices/queues",
    "table": "Microsoft.Storage/storageAccounts/tableServices/tables",
}
"""Part of a storage account -> the child type whose presence means that the part is used."""

IDENTITY_NAME = re.compile(r"userAssignedIdentities(?:/|'\s*,\s*')([\w-]+)", re.IGNORECASE)
SUBSCRIPTION_ID = re.compile(r"^/subscriptions/[^/]+$", re.IGNORECASE)
RESOURCE_GROUP_ID = re.compile(r"^/subscriptions/[^/]+/resourceGroups/[^/]+$", re.IGNORECASE)


@cache
def _compiled(expression: str) -> TemplateExpression:
    return jinja2.Environment(undefined=jinja2.StrictUndefined).compile_expression(expression, undefined_to_none=False)


def environment_facts(answers: Mapping[str, Any], environment: str) -> dict[str, Any]:
    """The answers, and what follows from them for one environment.

    Args:
        answers: Every answer, stored and computed.
        environment: dev, test or prod.

    Returns:
        The answers plus `environment`, `here` (names of the components), `stores` (names of the storage containers),
        `own_registry`, `encrypted` (services with a key of their own), `second_region` and `workload_subnets`.
    """
    rows = [row for row in answers["components"] if environment in row["environments"]]
    stores = sorted({name for row in rows for name in [*row["reads"], *row["writes"]]})
    own_registry = answers["needs_registry"] and any(row["pulls_images"] for row in rows)
    services = (["storage"] if stores else []) + (["registry"] if own_registry else [])
    return {
        **answers,
        "environment": environment,
        "here": [row["name"] for row in rows],
        "stores": stores,
        "own_registry": own_registry,
        "encrypted": services if answers["customer_managed_keys"] else [],
        "second_region": answers["two_regions"] and environment == "prod",
        "workload_subnets": [name for name in answers["subnets"] if name not in ("firewall", "ingress")],
    }


def evaluate_condition(expression: str, facts: Mapping[str, Any]) -> Any:
    """The value of a Jinja expression over the answers, such as `private and not hub`."""
    return _compiled(expression)(**facts)


def allowed_types(answers: Mapping[str, Any], environment: str) -> set[str]:
    """Resource types (lower case) that the answers justify in one environment."""
    facts = environment_facts(answers, environment)
    rows = (types for condition, types in ALLOWED_TYPES.items() if evaluate_condition(condition, facts))
    return {name.lower() for types in rows for name in types}


def expected_count(answers: Mapping[str, Any], environment: str, resource_type: str) -> int:
    """How many resources of a type of `EXPECTED_COUNTS` one environment has."""
    return int(evaluate_condition(EXPECTED_COUNTS[resource_type], environment_facts(answers, environment)))


def presence(project: Project, *types: str) -> list[Finding]:
    """The "must exist" half: as many resources of each type as the answers ask for, in each environment.

    Raises:
        DoesNotApply: The answers ask for none of the types, and none is there.
    """
    findings = []
    for environment in project.environments.values():
        for name in types:
            wanted = expected_count(project.answers, environment.name, name)
            found = len(environment.of_type(name))
            if wanted or found:
                change = "add what is missing to" if found < wanted else "remove what nobody asked for from"
                detail = f"{found} of {name} where the answers ask for {wanted}: {change} infra/main.bicep."
                findings.append(Finding(found == wanted, f"{environment.name}: {name}", _unless(found == wanted, detail)))
    if not findings:
        raise DoesNotApply(f"The answers ask for no {' or '.join(types)}.")
    return findings


def label(environment: Environment, resource: Resource) -> str:
    """Evidence of a finding: the environment and the resource."""
    return f"{environment.name}: {resource}"


def located(project: Project, *types: str) -> Iterator[tuple[Environment, Resource]]:
    """Every resource of the given types, with its environment; every resource when no type is given."""
    for environment in project.environments.values():
        for resource in environment.of_type(*types) if types else environment.resources:
            yield environment, resource


def value_at(body: Any, path: str) -> Any:
    """The value at a dotted path of nested mappings, or None."""
    for part in path.split("."):
        if not isinstance(body, Mapping):
            return None
        body = body.get(part)
    return body


def same(found: Any, wanted: Any) -> bool:
    """Whether a property has the wanted value, or one of several; the platform ignores the case of its words."""
    if isinstance(wanted, tuple):
        return any(same(found, item) for item in wanted)
    if isinstance(found, str) and isinstance(wanted, str):
        return found.lower() == wanted.lower()
    return type(found) is type(wanted) and bool(found == wanted)


def compare(environment: Environment, resource: Resource, wanted: Mapping[str, Any]) -> Finding:
    """One finding for one resource: each property (dotted path from the top) has its wanted value."""
    faults = []
    for path, value in wanted.items():
        found = value_at(resource.body, path)
        if not same(found, value):
            choice = " or ".join(str(item) for item in value) if isinstance(value, tuple) else value
            faults.append(f"{path} is {found if found is not None else 'not set'}, set it to {choice}")
    return verdict(label(environment, resource), faults, str(resource))


def verdict(evidence: str, faults: Iterable[str], subject: str = "") -> Finding:
    """A finding that holds when there is no fault; its detail names the subject and every fault."""
    text = "; ".join(faults)
    return Finding(not text, evidence, f"{subject or evidence}: {text}." if text else "")


def identity_name(text: str) -> str | None:
    """The user-assigned identity that a resource id, or a reference left for deployment time, is about."""
    match = IDENTITY_NAME.search(text)
    return match.group(1).lower() if match else None


def type_of_id(resource_id: str) -> str:
    """The resource type in a resource id, in lower case; "subscription" and "resource group" for those scopes."""
    if SUBSCRIPTION_ID.match(resource_id):
        return "subscription"
    if RESOURCE_GROUP_ID.match(resource_id):
        return "resource group"
    parts = resource_id.lower().rpartition("/providers/")[2].split("/")
    return "/".join([parts[0], *parts[1::2]])


@cache
def decision_table(name: str) -> dict[str, Any]:
    """A table of `generator/decisions`, by file name without suffix."""
    rows = yaml.safe_load((DECISIONS / f"{name}.yml").read_text(encoding="utf-8"))
    assert isinstance(rows, dict)
    return rows


def private_endpoints(project: Project, environment: Environment) -> list[tuple[str, str]]:
    """The private endpoints that one environment must have.

    Returns:
        Pairs of target id (lower case) and part (group id), one for each endpoint; empty for public postures.
    """
    answers = project.answers
    if not answers["private"]:
        return []
    pairs = []
    for service, parts in PRIVATE_LINK_PARTS.items():
        for resource in environment.of_type(service):
            pairs += [(resource.id.lower(), part) for part in [*parts, *_parts_in_use(environment, resource)]]
    facts = environment_facts(answers, environment.name)
    pulls = any(row["pulls_images"] for row in answers["components"] if row["name"] in facts["here"])
    if "container_registry" in answers["reuse"] and pulls and not answers["hub"]:
        pairs.append((answers["existing_container_registry_id"].lower(), "registry"))
    return pairs


def _parts_in_use(environment: Environment, account: Resource) -> list[str]:
    prefix = account.id.lower() + "/"
    parts = [
        part
        for part, child in PRIVATE_LINK_PARTS_IN_USE.items()
        if any(resource.id.lower().startswith(prefix) for resource in environment.of_type(child))
    ]
    return parts + (["dfs"] if account.properties.get("isHnsEnabled") is True else [])


def _unless(holds: bool, detail: str) -> str:
    return "" if holds else detail
