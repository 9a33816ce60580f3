"""What can go wrong with the network rows (NET), and what the detail of the check must say."""

from tests.checks_support import Addition, Mutation, add, answer, both, drop, edit, put, write
from tests.mutations.common import (
    ACCOUNT,
    ADDRESS,
    APIM,
    APP_GATEWAY,
    APPS,
    CENTRAL,
    CHAT,
    CLUSTER,
    COMPUTE,
    DEFAULT,
    DEPLOYMENT,
    ENDPOINT,
    FIREWALL,
    FLAGS,
    KUBERNETES,
    LINK_SCOPE,
    LINKED,
    LOGS,
    NAT,
    NETWORK,
    PROTOTYPE,
    REGULATED,
    REUSED,
    ROUTES,
    RULES,
    SEARCH,
    SECURITY_GROUP,
    STORAGE,
    TUNING,
    VAULT,
    WAF_POLICY,
    WORKSPACE,
    ZONE,
    ZONE_GROUP,
    ZONE_LINK,
    rename,
    twice,
)

OPEN_RULE = {
    "name": "callers",
    "properties": {
        "direction": "Inbound",
        "access": "Allow",
        "sourceAddressPrefix": "Internet",
        "destinationPortRange": "443",
    },
}
GOOD_COMPUTE = {
    "computeType": "AmlCompute",
    "properties": {"enableNodePublicIp": False, "remoteLoginPortPublicAccess": "Disabled"},
}


def overlapping_network(draft):
    for name in ("dev", "test"):
        draft.first(name, NETWORK)["properties"]["addressSpace"]["addressPrefixes"] = ["10.40.0.0/22"]


def overlapping_subnet(draft):
    subnets = draft.first("dev", NETWORK)["properties"]["subnets"]
    subnets[1]["properties"]["addressPrefix"] = subnets[0]["properties"]["addressPrefix"]


def stray_zone(draft):
    zone = dict(draft.first("prod", ZONE))
    zone["id"] = zone["id"].rpartition("/")[0] + "/privatelink.search.windows.net"
    zone["name"] = "privatelink.search.windows.net"
    draft.environments["prod"].append(zone)


def held_by_machine(draft):
    address = draft.first("dev", ADDRESS)
    add(
        "dev", "Microsoft.Network/networkInterfaces", "nic-open", properties={"publicIPAddress": {"id": address["id"]}}
    )(draft)


def endpoint_elsewhere(draft):
    subnet = draft.first("prod", ENDPOINT)["properties"]["subnet"]
    subnet["id"] = subnet["id"].replace("/private-endpoints", "/runners")


def foundry(draft):
    """Resources of the template that makes accounts of foundation models, and those of one account."""
    outer = draft.template["resources"]["foundation"]["properties"]["template"]["resources"]
    return outer, outer["models"]["properties"]["template"]["resources"]


def parallel_deployments(draft):
    _, account = foundry(draft)
    row = next(row for row in account.values() if row["type"] == DEPLOYMENT)
    row["copy"].pop("batchSize")


def parallel_children(draft):
    _, account = foundry(draft)
    for row in account.values():
        if row["type"] == DEPLOYMENT:
            row["dependsOn"] = ["account"]


def early_endpoint(draft):
    outer, _ = foundry(draft)
    outer["endpoints"]["dependsOn"] = []


def no_runners(draft):
    properties = draft.first("prod", NETWORK)["properties"]
    properties["subnets"] = [item for item in properties["subnets"] if item["name"] != "runners"]


def open_rule(environment):
    rule = {"type": "FQDN", "category": "UserDefined", "destination": "*"}
    return put(environment, WORKSPACE, "properties.managedNetwork.outboundRules.all", rule)


FILE_ROWS = {"NET-10"}

# Requirement, variant, what goes wrong, how, and what the detail must say.
MUTATIONS: list[Mutation] = [
    ("NET-01", TUNING, "public flags", put("prod", FLAGS, "properties.publicNetworkAccess", "Enabled"), "appcs-"),
    ("NET-01", DEFAULT, "public vault", put("prod", VAULT, "properties.publicNetworkAccess", "Enabled"), "vaults kv-"),
    (
        "NET-01",
        DEFAULT,
        "open rules",
        put("prod", STORAGE, "properties.networkAcls.defaultAction", "Allow"),
        "networkAcls.defaultAction",
    ),
    (
        "NET-01",
        DEFAULT,
        "an address rule",
        put("prod", VAULT, "properties.networkAcls.ipRules", [{"value": "203.0.113.0/24"}]),
        "203.0.113.0/24",
    ),
    (
        "NET-01",
        PROTOTYPE,
        "open to all",
        put("dev", STORAGE, "properties.networkAcls.defaultAction", "Allow"),
        "storageAccounts st",
    ),
    ("NET-01", PROTOTYPE, "a range not admitted", answer(allowed_ip_ranges=["192.0.2.0/24"]), "rule for 192.0.2.0/24"),
    (
        "NET-01",
        REGULATED,
        "logs over public endpoints",
        put("prod", LOGS, "properties.publicNetworkAccessForIngestion", "Enabled"),
        "workspaces log-",
    ),
    (
        "NET-01",
        DEFAULT,
        "public search",
        add("prod", SEARCH, "srch-1", properties={"publicNetworkAccess": "Enabled"}),
        "searchServices srch-1",
    ),
    ("NET-02", DEFAULT, "an endpoint missing", drop("prod", ENDPOINT, "-storage"), "blob of"),
    ("NET-02", TUNING, "flags without one", drop("prod", ENDPOINT, "-flags"), "configurationStores of"),
    ("NET-02", DEFAULT, "an endpoint too many", twice("prod", ENDPOINT, "-storage"), "too many"),
    ("NET-02", DEFAULT, "a service of later releases without one", add("prod", ACCOUNT, "ai-1"), "account of"),
    (
        "NET-02",
        DEFAULT,
        "another part",
        put("prod", ENDPOINT, "properties.privateLinkServiceConnections.0.properties.groupIds", ["dfs"], "-storage"),
        "dfs of",
    ),
    ("NET-02", DEFAULT, "the wrong subnet", endpoint_elsewhere, "privateEndpoints pep-"),
    ("NET-03", TUNING, "no zone of flags", drop("prod", ZONE, "privatelink.azconfig.io"), "privatelink.azconfig.io"),
    ("NET-03", DEFAULT, "no zone group", drop("prod", ZONE_GROUP), "privateEndpoints pep-"),
    (
        "NET-03",
        REGULATED,
        "a misspelt zone",
        rename("prod", ZONE, "privatelink.agentsvc.azure.automation.net"),
        "privatelink.agentsvc.azure.automation.net",
    ),
    (
        "NET-03",
        REGULATED,
        "four of five zones",
        put("prod", ZONE_GROUP, "properties.privateDnsZoneConfigs", [], "-monitoring"),
        "privatelink.agentsvc.azure-automation.net",
    ),
    ("NET-03", DEFAULT, "a zone that nobody uses", stray_zone, "privatelink.search.windows.net"),
    ("NET-03", DEFAULT, "a zone not linked", drop("prod", ZONE_LINK), "link it to"),
    (
        "NET-03",
        REUSED,
        "own zones beside the hub's",
        add("prod", ZONE, "privatelink.vaultcore.azure.net"),
        "the hub has it",
    ),
    (
        "NET-03",
        REUSED,
        "not the hub's zone",
        answer(existing_private_dns_resource_group_id="/subscriptions/x/resourceGroups/other"),
        "hub's zone",
    ),
    (
        "NET-03",
        REGULATED,
        "no private link scope",
        drop("prod", LINK_SCOPE),
        "prod: Microsoft.Insights/privateLinkScopes",
    ),
    (
        "NET-03",
        DEFAULT,
        "a private link scope nobody asked for",
        add("prod", LINK_SCOPE, "ampls-1"),
        "prod: Microsoft.Insights/privateLinkScopes",
    ),
    ("NET-03", REGULATED, "logs outside the scope", drop("prod", LINKED, "log-analytics"), "scoped resource for"),
    (
        "NET-05",
        DEFAULT,
        "a public node",
        add(
            "dev",
            COMPUTE,
            "mlw/cpu",
            properties={
                "computeType": "AmlCompute",
                "properties": {"enableNodePublicIp": True, "remoteLoginPortPublicAccess": "Disabled"},
            },
        ),
        "enableNodePublicIp",
    ),
    (
        "NET-05",
        DEFAULT,
        "SSH from outside",
        add(
            "dev",
            COMPUTE,
            "mlw/ci",
            properties={
                "computeType": "ComputeInstance",
                "properties": {"enableNodePublicIp": False, "sshSettings": {"sshPublicAccess": "Enabled"}},
            },
        ),
        "computes mlw/ci",
    ),
    (
        "NET-05",
        DEFAULT,
        "remote login",
        add(
            "dev",
            COMPUTE,
            "mlw/cpu",
            properties={"computeType": "AmlCompute", "properties": {"enableNodePublicIp": False}},
        ),
        "remoteLoginPortPublicAccess",
    ),
    (
        "NET-06",
        REGULATED,
        "no way through the firewall",
        put("prod", ROUTES, "properties.routes", [], "-firewall"),
        "route 0.0.0.0/0 to the firewall",
    ),
    (
        "NET-06",
        REGULATED,
        "another next hop",
        put("prod", ROUTES, "properties.routes.0.properties.nextHopIpAddress", "10.9.9.9", "-firewall"),
        "route 0.0.0.0/0 to the firewall",
    ),
    ("NET-06", REUSED, "not the hub's firewall", answer(existing_firewall_private_ip="10.9.9.9"), "10.9.9.9"),
    ("NET-06", REGULATED, "no firewall", drop("prod", FIREWALL), "prod: Microsoft.Network/azureFirewalls"),
    (
        "NET-06",
        REGULATED,
        "a rule for everything",
        put("prod", RULES, "properties.ruleCollections.1.rules.0.targetFqdns", ["*"]),
        "allows everything",
    ),
    (
        "NET-06",
        REGULATED,
        "a list that differs",
        edit("infra/egress-rules.json", "packages.microsoft.com", "packages.example.com"),
        "ruleCollectionGroups",
    ),
    (
        "NET-06",
        REGULATED,
        "a cluster past the firewall",
        add("prod", CLUSTER, "aks-1", properties={"networkProfile": {"outboundType": "loadBalancer"}}),
        "managedClusters aks-1",
    ),
    (
        "NET-06",
        DEFAULT,
        "a firewall nobody asked for",
        add("prod", FIREWALL, "afw-1"),
        "prod: Microsoft.Network/azureFirewalls",
    ),
    (
        "NET-07",
        DEFAULT,
        "default outbound access",
        put("prod", NETWORK, "properties.subnets.0.properties.defaultOutboundAccess", True),
        "subnet private-endpoints",
    ),
    (
        "NET-07",
        DEFAULT,
        "no security group",
        put("prod", NETWORK, "properties.subnets.0.properties.networkSecurityGroup", None),
        "network security group",
    ),
    (
        "NET-07",
        DEFAULT,
        "no way out",
        put("prod", NETWORK, "properties.subnets.0.properties.routeTable", None),
        "NAT gateway or a route table",
    ),
    ("NET-07", DEFAULT, "a NAT gateway that is not there", drop("prod", NAT), "deployed nowhere"),
    (
        "NET-07",
        DEFAULT,
        "a subnet missing",
        put("prod", NETWORK, "properties.subnets", []),
        "add the subnet private-endpoints",
    ),
    (
        "NET-07",
        DEFAULT,
        "a separate subnet without a guard",
        add("prod", "Microsoft.Network/virtualNetworks/subnets", "v/extra"),
        "virtualNetworks",
    ),
    ("NET-07", DEFAULT, "overlapping networks", overlapping_network, "overlaps"),
    ("NET-07", DEFAULT, "overlapping subnets", overlapping_subnet, "overlaps private-endpoints"),
    ("NET-07", DEFAULT, "no network", drop("prod", NETWORK), "prod: Microsoft.Network/virtualNetworks"),
    ("NET-08", DEFAULT, "an address of a machine", held_by_machine, "publicIPAddresses pip-"),
    ("NET-08", DEFAULT, "an address that nobody holds", add("prod", ADDRESS, "pip-idle"), "publicIPAddresses pip-idle"),
    (
        "NET-08",
        PROTOTYPE,
        "an address in a public posture",
        add("dev", ADDRESS, "pip-idle"),
        "publicIPAddresses pip-idle",
    ),
    (
        "NET-08",
        DEFAULT,
        "the internet let in",
        put("prod", SECURITY_GROUP, "properties.securityRules.0", OPEN_RULE),
        "networkSecurityGroups nsg-",
    ),
    (
        "NET-08",
        DEFAULT,
        "container apps open",
        add("prod", APPS, "cae-1", properties={"vnetConfiguration": {"internal": False}}),
        "managedEnvironments cae-1",
    ),
    ("NET-08", DEFAULT, "a door nobody asked for", add("prod", APP_GATEWAY, "agw-1"), "applicationGateways agw-1"),
    (
        "NET-08",
        DEFAULT,
        "a gateway without web firewall",
        both(answer(internet_facing=True), add("prod", APIM, "apim-1")),
        "prod: web application firewall",
    ),
    (
        "NET-08",
        DEFAULT,
        "a door without web firewall",
        both(
            answer(internet_facing=True), add("prod", APP_GATEWAY, "agw-1", properties={"sku": {"tier": "Standard_v2"}})
        ),
        "applicationGateways agw-1",
    ),
    (
        "NET-08",
        DEFAULT,
        "a web firewall that only detects",
        both(
            answer(internet_facing=True),
            add("prod", WAF_POLICY, "waf-1", properties={"policySettings": {"mode": "Detection"}}),
        ),
        "waf-1",
    ),
    ("NET-08", CENTRAL, "no door", drop("prod", APP_GATEWAY), "prod: web application firewall"),
    ("NET-08", CENTRAL, "no rules", put("prod", APP_GATEWAY, "properties.sku.tier", "Standard_v2"), "WAF_v2"),
    (
        "NET-08",
        CENTRAL,
        "only watching",
        put("prod", WAF_POLICY, "properties.policySettings.mode", "Detection"),
        "Prevention",
    ),
    (
        "NET-08",
        CENTRAL,
        "switched off",
        put("dev", WAF_POLICY, "properties.policySettings.state", "Disabled"),
        "Enabled",
    ),
    ("NET-08", CENTRAL, "another policy", put("prod", APP_GATEWAY, "properties.firewallPolicy.id", "x"), "nowhere"),
    (
        "NET-08",
        CENTRAL,
        "without TLS",
        put("prod", APP_GATEWAY, "properties.httpListeners.0.properties.protocol", "Http"),
        "without TLS",
    ),
    (
        "NET-08",
        CENTRAL,
        "nobody asks",
        put("prod", APP_GATEWAY, "properties.backendHttpSettingsCollection.0.properties.probe", None),
        "add a probe",
    ),
    ("NET-08", CENTRAL, "an address of the gateway", add("prod", ADDRESS, "pip-apim"), "nothing holds it"),
    (
        "NET-01",
        DEFAULT,
        "a gateway open beside the network",
        put("prod", APIM, "properties.virtualNetworkType", "External"),
        "service apim-",
    ),
    (
        "NET-02",
        DEFAULT,
        "a gateway beside the network",
        put("prod", APIM, "properties.virtualNetworkType", "External"),
        "Gateway of",
    ),
    ("NET-03", DEFAULT, "no zone for the gateway", drop("prod", ZONE, ".azure-api.net"), "azure-api.net"),
    (
        "NET-04",
        DEFAULT,
        "no managed network",
        put("prod", WORKSPACE, "properties.managedNetwork.isolationMode", "Disabled"),
        "isolationMode",
    ),
    (
        "NET-04",
        REGULATED,
        "every way out",
        put("prod", WORKSPACE, "properties.managedNetwork.isolationMode", "AllowInternetOutbound"),
        "isolationMode",
    ),
    (
        "NET-04",
        REGULATED,
        "no tier",
        put("prod", WORKSPACE, "properties.managedNetwork.firewallSku", None),
        "firewallSku",
    ),
    ("NET-03", TUNING, "no zone of its domain", drop("prod", ZONE, "defaultDomain"), "for its domain"),
    ("NET-03", TUNING, "domain not linked", drop("dev", ZONE_LINK, "defaultDomain"), "link the zone of its domain"),
    ("NET-03", TUNING, "nothing in its domain", drop("test", APPS), "nothing answers in it"),
    (
        "NET-08",
        TUNING,
        "services on the internet",
        put("prod", APPS, "properties.publicNetworkAccess", "Enabled"),
        "publicNetworkAccess",
    ),
    ("NET-04", REGULATED, "a rule for everything", open_rule("prod"), "allows everything"),
    ("NET-04", DEFAULT, "a rule that nobody needs", open_rule("prod"), "the posture allows every domain"),
    (
        "NET-04",
        DEFAULT,
        "a network that comes later",
        put("prod", WORKSPACE, "properties.provisionNetworkNow", False),
        "provisionNetworkNow",
    ),
    (
        "NET-09",
        DEFAULT,
        "no machine that builds",
        drop("prod", COMPUTE, "image-build"),
        "name a cluster of the workspace",
    ),
    (
        "NET-09",
        DEFAULT,
        "images built outside",
        put("prod", WORKSPACE, "properties.imageBuildCompute", None),
        "imageBuildCompute is not set",
    ),
    (
        "NET-04",
        REGULATED,
        "data over the internet",
        put("dev", WORKSPACE, "properties.managedNetwork.outboundRules.data", None),
        "blobs of the platform",
    ),
    (
        "NET-04",
        DEFAULT,
        "models over the internet",
        put("prod", WORKSPACE, "properties.managedNetwork.outboundRules.models", None, "-inference"),
        "registry of models",
    ),
    (
        "NET-04",
        REGULATED,
        "a domain approved in vain",
        write("infra/approved-domains.json", '["pypi.org"]\n'),
        "add a rule for pypi.org",
    ),
    (
        "NET-09",
        DEFAULT,
        "training started from outside",
        edit(
            ".github/workflows/retrain.yml",
            """${{ fromJSON(format('["self-hosted","contosovis-{0}"]', inputs.environment || 'dev')) }}""",
            "ubuntu-24.04",
        ),
        "run it on the runners of the network",
    ),
    (
        "NET-09",
        DEFAULT,
        "a rollout from outside",
        edit(
            ".github/workflows/rollout-batch.yml",
            """${{ format('["self-hosted","contosovis-{0}"]', inputs.environment) }}""",
            """'["ubuntu-24.04"]'""",
        ),
        "run it on the runners of the network",
    ),
    (
        "NET-09",
        KUBERNETES,
        "training started from outside in Azure Pipelines",
        edit(".azuredevops/retrain.yml", "name: weldvision-dev", "vmImage: ubuntu-24.04"),
        "run it on the runners of the network",
    ),
    ("NET-09", DEFAULT, "nowhere to run", no_runners, "add the subnet runners"),
    ("NET-10", CHAT, "deployments at the same time", parallel_deployments, "@batchSize(1)"),
    ("NET-10", CHAT, "children at the same time", parallel_children, "start at the same time"),
    ("NET-10", CHAT, "an endpoint too early", early_endpoint, "make its private endpoint wait"),
]

# What is right and must stay green: requirement, variant, how.
ADDITIONS: list[Addition] = [
    ("NET-05", add("dev", COMPUTE, "mlw/cpu", properties=GOOD_COMPUTE)),
    (
        "NET-05",
        add(
            "dev",
            COMPUTE,
            "mlw/ci",
            properties={
                "computeType": "ComputeInstance",
                "properties": {"enableNodePublicIp": False, "sshSettings": {"sshPublicAccess": "Disabled"}},
            },
        ),
    ),
]
