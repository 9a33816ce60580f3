"""Network (NET rows): what is reachable, over which path, and how traffic leaves."""

import ipaddress
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from generator import yaml_text
from generator.checks import DoesNotApply, Finding, check
from generator.checks.expected import (
    environment_facts,
    injected,
    presence,
    private_endpoints,
)
from generator.checks.reading import (
    ENDPOINT,
    compare,
    decision_table,
    endpoint_targets,
    label,
    located,
    nested_templates,
    pipelines,
    resources_of,
    same,
    text_of,
    type_of_id,
    value_at,
    verdict,
)
from generator.checks.tables import (
    ADDRESS_HOLDERS,
    CLOSABLE,
    FIREWALL_SUBNET,
    OPEN_SOURCES,
    PRIVATE_ENDPOINT_SUBNET,
    UNGUARDED_SUBNETS,
)
from generator.evaluation import Environment, Project, Resource

GATEWAY = "Microsoft.ApiManagement/service"
VAULT = "Microsoft.KeyVault/vaults"
RESOURCE_GROUP = "Microsoft.Resources/resourceGroups"
NETWORK = "Microsoft.Network/virtualNetworks"
FOUNDRY = "Microsoft.CognitiveServices/accounts"
SUBNET = "Microsoft.Network/virtualNetworks/subnets"
WORKSPACE = "Microsoft.MachineLearningServices/workspaces"
ZONE_GROUP = "Microsoft.Network/privateEndpoints/privateDnsZoneGroups"
ZONE = "Microsoft.Network/privateDnsZones"
ZONE_LINK = "Microsoft.Network/privateDnsZones/virtualNetworkLinks"
CONTAINER_APPS = "Microsoft.App/managedEnvironments"
LINK_SCOPE = "Microsoft.Insights/privateLinkScopes"
LINKED = "Microsoft.Insights/privateLinkScopes/scopedResources"
ADDRESS = "Microsoft.Network/publicIPAddresses"
ROUTE_TABLE = "Microsoft.Network/routeTables"
SECURITY_GROUP = "Microsoft.Network/networkSecurityGroups"
FIREWALL = "Microsoft.Network/azureFirewalls"
RULES = "Microsoft.Network/firewallPolicies/ruleCollectionGroups"
COMPUTE = "Microsoft.MachineLearningServices/workspaces/computes"
APP_GATEWAY = "Microsoft.Network/applicationGateways"
APP_GATEWAY_POLICY = "Microsoft.Network/ApplicationGatewayWebApplicationFirewallPolicies"
DATA_PLANE = re.compile(r"\b(?:retrain|rollout|batch_rollout|decommission|flags)\.py\b")
"""Scripts that call workspaces, endpoints, their storage or the store of flags, and not the resource manager alone."""
HOSTED = re.compile(r"\b(?:ubuntu|windows|macos)-")
FRONT_DOOR = "Microsoft.Cdn/profiles"
FRONT_DOOR_POLICY = "Microsoft.Network/FrontDoorWebApplicationFirewallPolicies"


@check("NET-01")
def public_access_off(project: Project) -> Iterator[Finding]:
    """NET-01: private postures switch public access off; the public one admits only the named address ranges.

    Looks at `publicNetworkAccess` and the address rules of every service that has them, and at the log endpoints, which
    close only when egress is controlled.
    Source: https://learn.microsoft.com/azure/well-architected/ai/application-platform
    """
    yield from presence(project, VAULT)
    private = project.answers["private"]
    for service, rules in CLOSABLE.items():
        for environment, resource in located(project, service):
            wanted: dict[str, Any] = {}
            if private:
                wanted["properties.publicNetworkAccess"] = "Disabled"
            if rules:
                wanted[f"properties.{rules}.defaultAction"] = "Deny"
            if wanted:
                yield compare(environment, resource, wanted)
            if rules:
                yield _address_rules(project, environment, resource, rules)
    if private:
        yield from _closed_gateways(project)
    access = "Disabled" if project.answers["controlled"] else "Enabled"
    for name in ("Microsoft.OperationalInsights/workspaces", "Microsoft.Insights/components"):
        for environment, resource in located(project, name):
            yield compare(
                environment,
                resource,
                {
                    "properties.publicNetworkAccessForIngestion": access,
                    "properties.publicNetworkAccessForQuery": access,
                },
            )


def _closed_gateways(project: Project) -> Iterator[Finding]:
    """Gateways outside the network are reached through a private endpoint only."""
    for environment, gateway in located(project, GATEWAY):
        if not injected(gateway):
            yield compare(environment, gateway, {"properties.publicNetworkAccess": "Disabled"})


def _address_rules(project: Project, environment: Environment, resource: Resource, rules: str) -> Finding:
    """The address rules are exactly the answered ranges; none in private postures."""
    ranges = [] if project.answers["private"] else project.answers["allowed_ip_ranges"]
    found = {_network(row["value"]) for row in value_at(resource.properties, f"{rules}.ipRules") or []}
    wanted = {_network(item) for item in ranges}
    faults = [f"remove the rule for {item}" for item in sorted(found - wanted)]
    faults += [f"add a rule for {item}" for item in sorted(wanted - found)]
    return verdict(f"{label(environment, resource)} address rules", faults, str(resource))


def _network(text: str) -> str:
    return str(ipaddress.ip_network(text, strict=False))


@check("NET-02")
def private_endpoint_each(project: Project) -> Iterator[Finding]:
    """NET-02: every service has exactly one private endpoint for each part of it that is used.

    Looks at every private endpoint: its target, its part, and the subnet that it stands in.
    Source: https://learn.microsoft.com/azure/private-link/private-endpoint-overview
    """
    yield from presence(project, NETWORK)
    for environment in project.environments.values():
        wanted = Counter(private_endpoints(project, environment))
        found = Counter(pair for endpoint in environment.of_type(ENDPOINT) for pair in endpoint_targets(endpoint))
        for target, part in wanted | found:
            count, due = found[target, part], wanted[target, part]
            change = "add one" if count < due else "remove what is too many"
            faults = [] if count == due else [f"{count} private endpoints for {part} where {due} is due, {change}"]
            yield verdict(f"{environment.name}: {part} of {target}", faults)
        for endpoint in environment.of_type(ENDPOINT):
            subnet = str(value_at(endpoint.properties, "subnet.id")).rpartition("/")[2]
            faults = [] if subnet == PRIVATE_ENDPOINT_SUBNET else [f"move it to the subnet {PRIVATE_ENDPOINT_SUBNET}"]
            yield verdict(label(environment, endpoint), faults, str(endpoint))


@check("NET-03")
def exact_dns_zones(project: Project) -> Iterator[Finding]:
    """NET-03: each private endpoint registers in exactly the zones of its part, own zones or the hub's, never both.

    Looks at the zone group of every endpoint, at the zones and their network links, and at the private link scope of
    the monitoring services, which exists only when egress is controlled.
    Source: https://learn.microsoft.com/azure/private-link/private-endpoint-dns
    """
    if not project.answers["private"] and not any(located(project, ENDPOINT, ZONE, LINK_SCOPE)):
        raise DoesNotApply("The posture is public: nothing has a private endpoint or a private DNS zone.")
    yield from presence(project, NETWORK)
    table = decision_table("private-dns-zones")
    for environment in project.environments.values():
        used: set[str] = set()
        for endpoint in environment.of_type(ENDPOINT):
            parts = {part for _, part in endpoint_targets(endpoint)}
            wanted = {zone for part in parts for zone in _zones_of(table, part, project.answers["location"])}
            used |= wanted
            yield _zone_group(project, environment, endpoint, wanted)
        yield from _zones(project, environment, used | _gateway_zones(project, environment))
        yield from _link_scope(project, environment)


def _zones_of(table: Mapping[str, Any], part: str, region: str) -> list[str]:
    """Zones of a part of a service; a zone of one region has its name filled in."""
    zones = [zone for key, row in table.items() if same(key, part) for zone in row["zones"]]
    return [str(zone).replace("{region}", region) for zone in zones]


def _gateway_zones(project: Project, environment: Environment) -> set[str]:
    """Zones that make the address of a gateway inside the network known there; a hub brings its own names."""
    if project.answers["hub"]:
        return set()
    return {f"{item.name}.azure-api.net" for item in environment.of_type(GATEWAY) if injected(item)}


def _zone_group(project: Project, environment: Environment, endpoint: Resource, wanted: set[str]) -> Finding:
    prefix = endpoint.id.lower() + "/"
    groups = [item for item in environment.of_type(ZONE_GROUP) if item.id.lower().startswith(prefix)]
    ids = [
        str(value_at(row, "properties.privateDnsZoneId"))
        for group in groups
        for row in group.properties.get("privateDnsZoneConfigs") or []
    ]
    found = {item.rpartition("/")[2] for item in ids}
    faults = [] if wanted else ["its part has no zones in generator/decisions/private-dns-zones.yml, add them"]
    faults += [] if len(groups) == 1 else [f"{len(groups)} DNS zone groups, give it exactly one"]
    faults += [f"add the zone {zone}" for zone in sorted(wanted - found)]
    faults += [f"remove the zone {zone}" for zone in sorted(found - wanted)]
    own = {zone.id.lower() for zone in environment.of_type(ZONE)}
    hub = str(project.answers["existing_private_dns_resource_group_id"]).lower() + "/" if project.answers["hub"] else ""
    for item in ids:
        if hub and not item.lower().startswith(hub):
            faults.append(f"refer to the hub's zone instead of {item}")
        elif not hub and item.lower() not in own:
            faults.append(f"{item} is deployed nowhere, refer to a zone of this environment")
    return verdict(label(environment, endpoint), faults, str(endpoint))


def _zones(project: Project, environment: Environment, used: set[str]) -> Iterator[Finding]:
    """Own zones: exactly those in use, each linked to every network; none with a hub."""
    yield from _domains(environment)
    zones = [zone for zone in environment.of_type(ZONE) if not zone.name.startswith("[")]
    if project.answers["hub"]:
        faults = [f"remove {zone.name}, the hub has it" for zone in zones]
        yield verdict(f"{environment.name}: no private DNS zones beside the hub's", faults)
        return
    for name in sorted(used - {zone.name for zone in zones}):
        yield verdict(f"{environment.name}: {ZONE} {name}", ["deploy it, an endpoint registers there"])
    networks = {network.id.lower() for network in environment.of_type(NETWORK)}
    for zone in zones:
        prefix = zone.id.lower() + "/"
        linked = {
            str(value_at(link.properties, "virtualNetwork.id")).lower()
            for link in environment.of_type(ZONE_LINK)
            if link.id.lower().startswith(prefix)
        }
        faults = [] if zone.name in used else ["no endpoint registers there, remove it"]
        faults += [f"link it to {network}" for network in sorted(networks - linked)]
        yield verdict(label(environment, zone), faults, str(zone))


def _domains(environment: Environment) -> Iterator[Finding]:
    """Each environment of container apps has one zone for its domain, which the platform chooses, in every network."""
    networks = {network.id.lower() for network in environment.of_type(NETWORK)}
    chosen = [zone for zone in environment.of_type(ZONE) if zone.name.startswith("[")]
    for apps in environment.of_type(CONTAINER_APPS):
        zones = [zone for zone in chosen if f"'{apps.id}'" in zone.name and "defaultDomain" in zone.name]
        linked = {
            str(value_at(link.properties, "virtualNetwork.id")).lower()
            for link in environment.of_type(ZONE_LINK)
            if any(zone.name[1:-1] in link.name for zone in zones)
        }
        faults = [] if len(zones) == 1 else [f"{len(zones)} private DNS zones for its domain, give it exactly one"]
        faults += [f"link the zone of its domain to {network}" for network in sorted(networks - linked)]
        yield verdict(f"{label(environment, apps)} domain", faults, str(apps))
        chosen = [zone for zone in chosen if zone not in zones]
    for zone in chosen:
        yield verdict(label(environment, zone), ["nothing answers in it, remove it"], str(zone))


def _link_scope(project: Project, environment: Environment) -> Iterator[Finding]:
    scopes = environment.of_type(LINK_SCOPE)
    wanted = 1 if project.answers["controlled"] else 0
    faults = [] if len(scopes) == wanted else [f"{len(scopes)} private link scopes where {wanted} is due"]
    yield verdict(f"{environment.name}: {LINK_SCOPE}", faults)
    if not scopes:
        return
    linked = {str(item.properties.get("linkedResourceId")).lower() for item in environment.of_type(LINKED)}
    sources = [
        item.id.lower()
        for item in environment.of_type("Microsoft.Insights/components", "Microsoft.OperationalInsights/workspaces")
    ]
    if "log_analytics" in project.answers["reuse"]:
        sources.append(project.answers["existing_log_analytics_id"].lower())
    for source in sources:
        missing = [] if source in linked else [f"add a scoped resource for {source}"]
        yield verdict(f"{environment.name}: {LINK_SCOPE} holds {source}", missing)


@check("NET-04")
def managed_network(project: Project) -> Iterator[Finding]:
    """NET-04: every workspace has a managed network that lets out what the posture allows, provisioned at once.

    Looks at `managedNetwork` of every workspace: the platform's storage where its machines read it, and the registry of
    models where they are trained or served, have a private endpoint in it; what belongs to the workspace itself gets
    one from the service. With approved destinations only, the domains are those of infra/approved-domains.json, and the
    firewall has a tier.
    Source: https://learn.microsoft.com/azure/machine-learning/how-to-managed-network
    """
    yield from presence(project, WORKSPACE)
    controlled = project.answers["controlled"]
    mode = "AllowOnlyApprovedOutbound" if controlled else "AllowInternetOutbound"
    for environment, workspace in located(project, WORKSPACE):
        wanted: dict[str, Any] = {
            "properties.managedNetwork.isolationMode": mode,
            "properties.provisionNetworkNow": True,
        }
        if controlled:
            wanted["properties.managedNetwork.firewallSku"] = ("Standard", "Basic")
        yield compare(environment, workspace, wanted)
        rules = value_at(workspace.properties, "managedNetwork.outboundRules") or {}
        hosts = [str(value_at(rule, "destination")) for rule in rules.values() if same(rule.get("type"), "FQDN")]
        faults = [f"the rule for {host} allows everything, narrow it" for host in hosts if host in ("*", "*.*")]
        faults += [f"remove the rule for {host}, the posture allows every domain" for host in hosts if not controlled]
        approved = json.loads(text_of(project.root / "infra" / "approved-domains.json") or "[]") if controlled else []
        faults += [f"add a rule for {host}, it is approved" for host in approved if host not in hosts]
        faults += _unreached(project, workspace, rules)
        yield verdict(f"{label(environment, workspace)} outbound rules", faults, str(workspace))


def _unreached(project: Project, workspace: Resource, rules: Mapping[str, Any]) -> Iterator[str]:
    """Services of ours that a managed network has no private endpoint for."""
    ends = [
        (
            type_of_id(str(value_at(rule, "destination.serviceResourceId"))),
            value_at(rule, "destination.subresourceTarget"),
        )
        for rule in rules.values()
        if same(rule.get("type"), "PrivateEndpoint")
    ]
    # Endpoints take models from the registry: of the workspaces that serve, only batch reads the platform's storage.
    serves = "-inference" in workspace.name
    reads = not serves or (workspace.name.endswith("-inference") and project.answers["own_batch"])
    if reads and ("microsoft.storage/storageaccounts", "blob") not in ends:
        yield "add a private endpoint for the blobs of the platform"
    registry = ("microsoft.machinelearningservices/registries", "amlregistry")
    if not workspace.name.endswith("-exploration") and registry not in ends:
        yield "add a private endpoint for the registry of models"


@check("NET-05")
def computes_without_public_address(project: Project) -> Iterator[Finding]:
    """NET-05: no machine-learning compute has a public address or answers SSH from outside.

    Source: https://learn.microsoft.com/azure/well-architected/service-guides/azure-machine-learning
    """
    computes = list(located(project, COMPUTE))
    if not computes:
        raise DoesNotApply("No machine-learning compute is part of this project.")
    for environment, compute in computes:
        kind = compute.properties.get("computeType")
        wanted: dict[str, Any] = {"properties.properties.enableNodePublicIp": False}
        if kind == "AmlCompute":
            wanted["properties.properties.remoteLoginPortPublicAccess"] = "Disabled"
        elif kind == "ComputeInstance":
            wanted["properties.properties.sshSettings.sshPublicAccess"] = "Disabled"
        else:
            wanted = {"properties.computeType": ("AmlCompute", "ComputeInstance", "Kubernetes")}
        yield compare(environment, compute, wanted)


@check("NET-06")
def controlled_egress(project: Project) -> Iterator[Finding]:
    """NET-06: with controlled egress or a hub every workload subnet leaves through the firewall, and it allows a list.

    Looks at the route of every workload subnet, at the firewall and its rules, and at the outbound type of clusters.
    Source: https://learn.microsoft.com/azure/well-architected/ai/application-platform
    """
    answers = project.answers
    through_firewall = answers["controlled"] or answers["hub"]
    if not answers["private"]:
        raise DoesNotApply("The posture is public: there is no network whose egress could be controlled.")
    if answers["own_firewall"] or any(located(project, FIREWALL)):
        yield from presence(project, FIREWALL)
    subnets = [row for row in _subnets(project) if _is_workload(row[2])]
    if not subnets and not answers["own_firewall"]:
        raise DoesNotApply("No subnet holds workloads: nothing needs a way out.")
    for environment, network, subnet in subnets:
        hops = _default_hops(environment, subnet)
        if through_firewall:
            address = _firewall_address(answers, network)
            due = [("VirtualAppliance", address)]
            faults = [] if hops == due else [f"route 0.0.0.0/0 to the firewall at {address}"]
        else:
            faults = ["no firewall was asked for, remove the route to one"] if hops else []
        yield verdict(_subnet_label(environment, network, subnet), faults)
    for environment, group in located(project, RULES):
        yield _allow_list(project, environment, group)
    for environment, cluster in located(project, "Microsoft.ContainerService/managedClusters"):
        if through_firewall:
            yield compare(environment, cluster, {"properties.networkProfile.outboundType": "userDefinedRouting"})


def _subnets(project: Project) -> Iterator[tuple[Environment, Resource, Mapping[str, Any]]]:
    """Every subnet with its network; one that is a resource of its own without a network here stands for both."""
    for environment in project.environments.values():
        networks = {network.id.lower(): network for network in environment.of_type(NETWORK)}
        for network in networks.values():
            for subnet in network.properties.get("subnets") or []:
                yield environment, network, subnet
        for child in environment.of_type(SUBNET):
            parent = networks.get(str(child.parent_id).lower(), child)
            yield environment, parent, {"name": child.id.rpartition("/")[2], "properties": child.properties}


def _is_workload(subnet: Mapping[str, Any]) -> bool:
    return subnet["name"] not in (PRIVATE_ENDPOINT_SUBNET, "ingress", *UNGUARDED_SUBNETS)


def _subnet_label(environment: Environment, network: Resource, subnet: Mapping[str, Any]) -> str:
    return f"{environment.name}: {network} subnet {subnet['name']}"


def _default_hops(environment: Environment, subnet: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Next hop type and address of the default routes of a subnet, without the one that leads nowhere."""
    table = str(value_at(subnet, "properties.routeTable.id")).lower()
    routes = [
        route["properties"]
        for item in environment.of_type(ROUTE_TABLE)
        if item.id.lower() == table
        for route in item.properties.get("routes") or []
    ]
    return [
        (route["nextHopType"], route.get("nextHopIpAddress", ""))
        for route in routes
        if route["addressPrefix"] == "0.0.0.0/0" and route["nextHopType"] not in ("None", "Internet")
    ]


def _firewall_address(answers: Mapping[str, Any], network: Resource) -> str:
    """Private address of the firewall: the hub's, or the first usable one of the firewall's own subnet."""
    if answers["hub"]:
        return str(answers["existing_firewall_private_ip"])
    for subnet in network.properties.get("subnets") or []:
        if subnet["name"] == FIREWALL_SUBNET:
            # The platform keeps the first four addresses of a subnet, counted from zero.
            return str(ipaddress.ip_network(subnet["properties"]["addressPrefix"])[4])
    return "none"


def _allow_list(project: Project, environment: Environment, group: Resource) -> Finding:
    """The rules of the firewall name exactly the hosts of infra/egress-rules.json, and none allows everything."""
    path = project.root / "infra" / "egress-rules.json"
    if not path.is_file():
        return Finding(False, "infra/egress-rules.json", f"infra/egress-rules.json is absent: {group} needs its list.")
    rules = [rule for row in group.properties.get("ruleCollections") or [] for rule in row.get("rules") or []]
    hosts = {host for rule in rules for host in rule.get("targetFqdns") or []}
    listed = {host for row in json.loads(path.read_text(encoding="utf-8"))["domainNames"] for host in row["names"]}
    wide = {"*", "0.0.0.0/0", "Internet"}
    open_rules = [
        rule["name"] for rule in rules if wide & {*rule.get("targetFqdns", []), *rule.get("destinationAddresses", [])}
    ]
    faults = [f"rule {name} allows everything, narrow it" for name in open_rules]
    faults += [f"host {host} differs from infra/egress-rules.json" for host in sorted(hosts ^ listed)]
    faults += [] if rules else ["it has no rules, take them from infra/egress-rules.json"]
    return verdict(label(environment, group), faults, str(group))


@check("NET-07")
def guarded_subnets(project: Project) -> Iterator[Finding]:
    """NET-07: every subnet has a security group, an explicit way out and no default outbound access.

    Looks at every subnet, at the groups, routes and gateways it names, and at the address ranges, which keep apart.
    Source: https://learn.microsoft.com/azure/virtual-network/ip-services/default-outbound-access
    """
    yield from presence(project, NETWORK)
    wanted = {
        PRIVATE_ENDPOINT_SUBNET,
        *(FIREWALL_SUBNET if name == "firewall" else name for name in project.answers["subnets"]),
    }
    for environment, network in located(project, NETWORK):
        names = {
            subnet["name"] for env, parent, subnet in _subnets(project) if env is environment and parent is network
        }
        faults = [f"add the subnet {name}" for name in sorted(wanted - names)]
        faults += [f"remove the subnet {name}" for name in sorted(names - wanted)]
        yield verdict(f"{label(environment, network)} subnets", faults, str(network))
    for environment, network, subnet in _subnets(project):
        faults = [] if subnet["name"] in UNGUARDED_SUBNETS else _guard_faults(environment, subnet)
        yield verdict(_subnet_label(environment, network, subnet), faults)
    yield from _overlaps(project)


def _guard_faults(environment: Environment, subnet: Mapping[str, Any]) -> list[str]:
    present = {resource.id.lower() for resource in environment.resources}
    properties = subnet["properties"]
    links = {
        key: str(value_at(properties, f"{key}.id") or "")
        for key in ("networkSecurityGroup", "natGateway", "routeTable")
    }
    faults = [
        f"{key} {target} is deployed nowhere"
        for key, target in links.items()
        if target and target.lower() not in present
    ]
    if not links["networkSecurityGroup"]:
        faults.append("give it a network security group")
    if properties.get("defaultOutboundAccess") is not False:
        faults.append("set defaultOutboundAccess to false")
    if not links["natGateway"] and not links["routeTable"]:
        faults.append("give it a NAT gateway or a route table")
    return faults


def _overlaps(project: Project) -> Iterator[Finding]:
    """Networks of all environments and subnets of one network keep apart, and subnets stay inside their network."""
    networks = [
        (
            label(environment, network),
            [ipaddress.ip_network(item) for item in value_at(network.properties, "addressSpace.addressPrefixes")],
        )
        for environment, network in located(project, NETWORK)
    ]
    for index, (name, ranges) in enumerate(networks):
        clashes = [
            f"it overlaps {other}, give it a range of its own"
            for other, others in networks[:index]
            if any(one.overlaps(two) for one in ranges for two in others)
        ]
        yield verdict(f"{name} address range", clashes)
    for environment, network in located(project, NETWORK):
        yield _subnet_ranges(environment, network)


def _subnet_ranges(environment: Environment, network: Resource) -> Finding:
    space = [ipaddress.IPv4Network(item) for item in value_at(network.properties, "addressSpace.addressPrefixes")]
    subnets = [
        (subnet["name"], ipaddress.IPv4Network(subnet["properties"]["addressPrefix"]))
        for subnet in network.properties.get("subnets") or []
    ]
    faults = [
        f"{name} lies outside the network" for name, item in subnets if not any(item.subnet_of(part) for part in space)
    ]
    faults += [
        f"{name} overlaps {other}"
        for index, (name, item) in enumerate(subnets)
        for other, earlier in subnets[:index]
        if item.overlaps(earlier)
    ]
    return verdict(f"{label(environment, network)} subnet ranges", faults, str(network))


@check("NET-08")
def one_public_door(project: Project) -> Iterator[Finding]:
    """NET-08: only the gateway is reachable from outside, behind a web application firewall when the internet calls.

    Looks at every public address and its holder, at inbound rules that admit the internet, at environments of container
    apps, and at the web application firewall.
    Source: https://learn.microsoft.com/azure/well-architected/ai/architecture-pattern
    """
    yield from presence(project, RESOURCE_GROUP, NETWORK, APP_GATEWAY)
    for environment in project.environments.values():
        addresses = environment.of_type(ADDRESS)
        due = _addresses_due(project, environment)
        faults = [] if len(addresses) == due else [f"{len(addresses)} public addresses where {due} is due"]
        yield verdict(f"{environment.name}: public addresses", faults)
        for address in addresses:
            holders = {item.type for item in environment.resources if item is not address and _mentions(item, address)}
            strangers = sorted(name for name in holders if name.lower() not in ADDRESS_HOLDERS)
            faults = [f"{name} must not hold it" for name in strangers]
            faults += [] if holders else ["nothing holds it, remove it"]
            yield verdict(label(environment, address), faults, str(address))
        for group in environment.of_type(SECURITY_GROUP):
            yield _inbound(project, environment, group)
    for environment, apps in located(project, CONTAINER_APPS):
        if project.answers["private"]:
            closed = {"properties.vnetConfiguration.internal": True, "properties.publicNetworkAccess": "Disabled"}
            yield compare(environment, apps, closed)
    yield from _web_firewall(project)


def _addresses_due(project: Project, environment: Environment) -> int:
    """How many public addresses an environment has: one for each NAT gateway, firewall and door of each network."""
    facts = environment_facts(project.answers, environment.name)
    if not facts["private"]:
        return len(environment.of_type(APP_GATEWAY))
    nat = bool(facts["workload_subnets"]) and not facts["controlled"] and not facts["hub"]
    return (int(nat) + int(facts["own_firewall"])) * len(environment.of_type(NETWORK)) + len(
        environment.of_type(APP_GATEWAY)
    )


def _mentions(resource: Resource, target: Resource) -> bool:
    """Whether a resource uses another one; what is attached to the other one (its logs, its locks) does not."""
    if resource.id.lower().startswith(target.id.lower() + "/"):
        return False
    return f'"{target.id.lower()}"' in json.dumps(resource.properties).lower()


def _inbound(project: Project, environment: Environment, group: Resource) -> Finding:
    """A security group lets the internet in on the subnet of the public door only, and there on port 443."""
    door = group.name.endswith("-ingress") and project.answers["internet_facing"] is True
    faults = []
    for rule in group.properties.get("securityRules") or []:
        row = rule["properties"]
        sources = [row.get("sourceAddressPrefix") or "", *(row.get("sourceAddressPrefixes") or [])]
        inbound = same(row["direction"], "Inbound") and same(row["access"], "Allow")
        is_open = inbound and any(item.lower() in OPEN_SOURCES for item in sources)
        if is_open and not (door and row.get("destinationPortRange") == "443"):
            faults.append(f"rule {rule['name']} lets the internet in, remove it")
    return verdict(label(environment, group), faults, str(group))


def _web_firewall(project: Project) -> Iterator[Finding]:
    """A web application firewall stands before the gateway if and only if the internet calls."""
    doors = list(located(project, APP_GATEWAY, FRONT_DOOR))
    gateways = {environment.name for environment, _ in located(project, "Microsoft.ApiManagement/service")}
    if not project.answers["internet_facing"]:
        yield verdict(
            "no door to the internet", [f"nobody calls from the internet, remove {item}" for _, item in doors]
        )
        return
    for name in sorted(gateways - {environment.name for environment, _ in doors}):
        yield verdict(f"{name}: web application firewall", [f"put {APP_GATEWAY} or {FRONT_DOOR} before the gateway"])
    for environment, door in doors:
        if same(door.type, APP_GATEWAY):
            yield compare(environment, door, {"properties.sku.tier": "WAF_v2"}, _door_faults(environment, door))
        else:
            yield compare(environment, door, {"sku.name": "Premium_AzureFrontDoor"})
        if not environment.of_type(APP_GATEWAY_POLICY, FRONT_DOOR_POLICY):
            yield verdict(f"{label(environment, door)} policy", ["add a web application firewall policy"], str(door))
    for environment, policy in located(project, APP_GATEWAY_POLICY, FRONT_DOOR_POLICY):
        wanted = {"properties.policySettings.state": "Enabled"}
        if environment.name == "prod":
            wanted["properties.policySettings.mode"] = "Prevention"
        yield compare(environment, policy, wanted)


def _door_faults(environment: Environment, door: Resource) -> list[str]:
    """What is wrong with an application gateway besides its tier."""
    policies = {item.id.lower() for item in environment.of_type(APP_GATEWAY_POLICY)}
    faults = []
    if str(value_at(door.properties, "firewallPolicy.id")).lower() not in policies:
        faults.append("its firewallPolicy is deployed nowhere, name the policy")
    listeners = door.properties.get("httpListeners") or []
    if not listeners or not all(same(value_at(row, "properties.protocol"), "Https") for row in listeners):
        faults.append("callers reach it without TLS, keep listeners of protocol Https only")
    settings = door.properties.get("backendHttpSettingsCollection") or []
    if not settings or not all(value_at(row, "properties.probe.id") for row in settings):
        faults.append("nobody asks whether the gateway is well, add a probe")
    return faults


@check("NET-09")
def inside_the_network(project: Project) -> Iterator[Finding]:
    """NET-09: images are built by a machine of the workspace, and pipelines reach it from the subnet of our runners.

    Looks at `imageBuildCompute` of every workspace, at the machine that it names, at the subnet of the runners, and at
    where the jobs run that call the data plane of Azure Machine Learning.
    Source: https://learn.microsoft.com/azure/machine-learning/how-to-managed-network
    """
    yield from presence(project, WORKSPACE)
    for environment, workspace in located(project, WORKSPACE):
        name = workspace.properties.get("imageBuildCompute")
        prefix = f"{workspace.id.lower()}/"
        computes = {
            item.name.rpartition("/")[2] for item in environment.of_type(COMPUTE) if item.id.lower().startswith(prefix)
        }
        faults = (
            [] if name in computes else [f"imageBuildCompute is {name or 'not set'}, name a cluster of the workspace"]
        )
        yield verdict(label(environment, workspace), faults, str(workspace))
    for environment, network in located(project, NETWORK):
        if not project.answers["private_runners"] or network.location != project.answers["location"]:
            continue
        names = {subnet["name"] for subnet in network.properties.get("subnets") or []}
        faults = [] if "runners" in names else ["add the subnet runners, pipelines run there"]
        yield verdict(f"{label(environment, network)} runners", faults, str(network))
    if project.answers["private_runners"]:
        yield from _jobs_inside(project)


def _jobs_inside(project: Project) -> Iterator[Finding]:
    """Jobs that call the data plane of Azure Machine Learning run on our runners, by their word or their caller's."""
    for path in sorted((project.root / pipelines(project)).rglob("*.yml")):
        for name, runner in _callers(yaml_text.parse(text_of(path)), path.stem):
            faults = ["run it on the runners of the network"] if HOSTED.search(runner) else []
            yield verdict(f"{path.relative_to(project.root)}: {name}", faults)


def _callers(node: Any, name: str) -> Iterator[tuple[str, str]]:
    """Name and runner of each job, and of each call of a reusable one, that runs a script of the data plane."""
    if isinstance(node, Mapping):
        runner = next((node[key] for key in ("runs-on", "pool", "runner") if key in node), None)
        if runner is not None and DATA_PLANE.search(json.dumps(node, default=str)):
            yield name, json.dumps(runner)
        else:
            for key, value in node.items():
                yield from _callers(value, str(key))
    elif isinstance(node, list):
        for item in node:
            yield from _callers(item, name)


@check("NET-10")
def endpoint_after_children(project: Project) -> Iterator[Finding]:
    """NET-10: children of a Foundry account are made one after the other, and its private endpoint after all of them.

    Looks at the compiled templates: what the loop of deployments allows at once, what waits for what, and whether the
    private endpoint waits for the module that makes the account.
    Source: https://github.com/Azure-Samples/microsoft-foundry-baseline
    """
    found = False
    for path, template in nested_templates(project.template):
        rows = dict(resources_of(template))
        makers = [key for key, row in rows.items() if _makes(row, FOUNDRY)]
        for key in makers:
            found = True
            inner = dict(resources_of(value_at(rows[key], "properties.template") or {}))
            yield from _serial_children(f"{path}/{key}", inner)
            yield _waiting_endpoint(path, key, rows)
    if not found:
        yield verdict("infra/main.bicep", ["no module makes a Foundry account, add it"])


def _makes(module: Mapping[str, Any], resource_type: str) -> bool:
    """Whether a module itself (not one inside it) makes a resource of a type."""
    inner = value_at(module, "properties.template")
    return isinstance(inner, Mapping) and any(same(row.get("type"), resource_type) for _, row in resources_of(inner))


def _serial_children(path: str, rows: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """Deployments one at a time, and each kind of child after another one or alone."""
    children = {key: row for key, row in rows.items() if str(row.get("type")).startswith(f"{FOUNDRY}/")}
    first = [key for key, row in children.items() if not children.keys() & {*row.get("dependsOn", [])}]
    faults = [f"{' and '.join(sorted(first))} start at the same time, make one wait"] if len(first) > 1 else []
    for key, row in children.items():
        if "copy" in row and (row["copy"].get("mode"), row["copy"].get("batchSize")) != ("serial", 1):
            faults.append(f"put @batchSize(1) on {key}")
    yield verdict(f"{path}: children of the account", faults)


def _waiting_endpoint(path: str, maker: str, rows: Mapping[str, Mapping[str, Any]]) -> Finding:
    """A module that makes private endpoints for the account waits for the module that makes the account."""
    waiting = [
        key
        for key, row in rows.items()
        if _makes(row, ENDPOINT) and any(maker in str(item) for item in row.get("dependsOn", []))
    ]
    faults = [] if waiting else ["make its private endpoint wait for it"]
    return verdict(f"{path}/{maker}: private endpoint", faults)
