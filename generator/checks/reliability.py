"""Reliability (REL rows): what survives the loss of a datacentre or a region."""

from collections.abc import Callable, Iterator

from generator.checks import DoesNotApply, Finding, check
from generator.checks.expected import (
    presence,
)
from generator.checks.reading import (
    label,
    located,
    same,
    value_at,
    verdict,
)
from generator.evaluation import Project, Resource

STORAGE = "Microsoft.Storage/storageAccounts"
REGISTRY = "Microsoft.ContainerRegistry/registries"
REPLICA = "Microsoft.ContainerRegistry/registries/replications"


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
            due = project.answers["geo_redundant"] and environment.name == "prod"
            faults += [] if geo == due else [f"sku.name must {'' if due else 'not '}be geo-redundant"]
        yield verdict(label(environment, resource), faults, str(resource))
