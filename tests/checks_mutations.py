"""What can go wrong in a project, one row each: the check that must notice, and what its detail must say."""

from tests.checks_support import add, answer, both, drop, edit, put, remove, write

VARIANT_NAMES = ("regulated-two-regions", "all-reused", "default", "smallest-prototype", "foundation-chat")
REGULATED, REUSED, DEFAULT, PROTOTYPE, CHAT = VARIANT_NAMES

GROUP = "Microsoft.Resources/resourceGroups"
VAULT = "Microsoft.KeyVault/vaults"
KEY = "Microsoft.KeyVault/vaults/keys"
STORAGE = "Microsoft.Storage/storageAccounts"
CONTAINER = "Microsoft.Storage/storageAccounts/blobServices/containers"
REGISTRY = "Microsoft.ContainerRegistry/registries"
REPLICA = "Microsoft.ContainerRegistry/registries/replications"
INSIGHTS = "Microsoft.Insights/components"
LOGS = "Microsoft.OperationalInsights/workspaces"
LINK_SCOPE = "Microsoft.Insights/privateLinkScopes"
LINKED = "Microsoft.Insights/privateLinkScopes/scopedResources"
IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
ROLE = "Microsoft.Authorization/roleAssignments"
NETWORK = "Microsoft.Network/virtualNetworks"
SECURITY_GROUP = "Microsoft.Network/networkSecurityGroups"
ENDPOINT = "Microsoft.Network/privateEndpoints"
ZONE_GROUP = "Microsoft.Network/privateEndpoints/privateDnsZoneGroups"
ZONE = "Microsoft.Network/privateDnsZones"
ZONE_LINK = "Microsoft.Network/privateDnsZones/virtualNetworkLinks"
ROUTES = "Microsoft.Network/routeTables"
ADDRESS = "Microsoft.Network/publicIPAddresses"
NAT = "Microsoft.Network/natGateways"
FIREWALL = "Microsoft.Network/azureFirewalls"
RULES = "Microsoft.Network/firewallPolicies/ruleCollectionGroups"
ACCOUNT = "Microsoft.CognitiveServices/accounts"
DEPLOYMENT = "Microsoft.CognitiveServices/accounts/deployments"
WORKSPACE = "Microsoft.MachineLearningServices/workspaces"
COMPUTE = "Microsoft.MachineLearningServices/workspaces/computes"
SEARCH = "Microsoft.Search/searchServices"
APIM = "Microsoft.ApiManagement/service"
APP_GATEWAY = "Microsoft.Network/applicationGateways"
WAF_POLICY = "Microsoft.Network/ApplicationGatewayWebApplicationFirewallPolicies"
CLUSTER = "Microsoft.ContainerService/managedClusters"
APPS = "Microsoft.App/managedEnvironments"
LOCAL = "infra/modules/local/main.bicep"

OWNER_ROLE = "/subscriptions/x/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
OPEN_RULE = {
    "name": "callers",
    "properties": {
        "direction": "Inbound",
        "access": "Allow",
        "sourceAddressPrefix": "Internet",
        "destinationPortRange": "443",
    },
}


def rename(environment, resource_type, name):
    """Another name for the first resource of a type, in its id too."""

    def change(draft):
        body = draft.first(environment, resource_type)
        body["id"] = f"{body['id'].rpartition('/')[0]}/{name}"
        body["name"] = name

    return change


def twice(environment, resource_type, name=""):
    """The first resource of a type once more."""
    return lambda draft: draft.environments[environment].append(dict(draft.first(environment, resource_type, name)))


def group_role(environment, role, principal="", principal_type="Group"):
    """One more role for a group on the key vault."""

    def change(draft):
        vault = draft.first(environment, VAULT)
        name = "11111111-2222-3333-4444-555555555555"
        draft.environments[environment].append(
            {
                "id": f"{vault['id']}/providers/{ROLE}/{name}",
                "type": ROLE,
                "name": name,
                "apiVersion": "2022-04-01",
                "properties": {
                    "principalId": principal or draft.answers["operators_group_id"],
                    "principalType": principal_type,
                    "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{role}",
                },
            }
        )

    return change


def move_role(environment, name, scope):
    """Another scope for a role assignment of an identity."""

    def change(draft):
        body = next(
            item for item in draft.of_type(environment, ROLE) if name in str(item["properties"].get("principalId"))
        )
        body["id"] = f"{scope}/providers/{ROLE}/{body['name']}"

    return change


def idle_module(draft):
    draft.template["resources"]["extra"] = {
        "condition": "[parameters('extra')]",
        "type": "Microsoft.Resources/deployments",
    }
    for values in draft.parameters.values():
        values["extra"] = False


def long_deployment_name(draft):
    draft.template["resources"]["identities"]["name"] = f"[format('{'x' * 60}-{{0}}', parameters('workload'))]"


def large_template(draft):
    draft.template["padding"] = "x" * 1_000_000


def many_parameters(draft):
    draft.template["parameters"] = {f"p{number}": {"type": "string"} for number in range(40)}


def secret_output(draft):
    nested = draft.template["resources"]["storage"]["properties"]["template"]
    nested["outputs"] = {
        "access": {"type": "string", "value": "[listKeys(resourceId('x', 'y'), '2026-04-01').keys[0].value]"}
    }


def named_secret(draft):
    draft.template["outputs"] = {"storageAccountKey": {"type": "string", "value": "x"}}


def shared_identity(draft):
    storage, registry = draft.first("prod", STORAGE), draft.first("prod", REGISTRY)
    registry["identity"] = storage["identity"]


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


def unencrypted_by_nobody(draft):
    key = draft.first("prod", KEY, "/storage")
    roles = [item for item in draft.of_type("prod", ROLE) if item["id"].startswith(key["id"] + "/")]
    assert roles
    for item in roles:
        draft.environments["prod"].remove(item)


def endpoint_elsewhere(draft):
    subnet = draft.first("prod", ENDPOINT)["properties"]["subnet"]
    subnet["id"] = subnet["id"].replace("/private-endpoints", "/runners")


# Requirement, variant, what goes wrong, how, and what the detail must say.
MUTATIONS = [
    (
        "GEN-01",
        CHAT,
        "storage nobody asked for",
        add("prod", STORAGE, "stchat"),
        "Microsoft.Storage/storageAccounts stchat",
    ),
    ("GEN-01", CHAT, "a machine", add("prod", "Microsoft.Compute/virtualMachines", "vm-1"), "virtualMachines vm-1"),
    ("GEN-01", DEFAULT, "no key vault", drop("dev", VAULT), "dev: Microsoft.KeyVault/vaults"),
    ("GEN-01", DEFAULT, "no budget", drop("prod", "Microsoft.Consumption/budgets"), "Microsoft.Consumption/budgets"),
    (
        "GEN-01",
        DEFAULT,
        "an unused module",
        write("infra/modules/gpu/pool.bicep", "param a string"),
        "infra/modules/gpu/pool.bicep",
    ),
    ("GEN-01", DEFAULT, "an unused data file", write("infra/sizes.json", "{}"), "infra/sizes.json"),
    ("GEN-01", DEFAULT, "a module behind a constant false", idle_module, "parameter extra"),
    (
        "GEN-02",
        REUSED,
        "a second registry",
        add("dev", REGISTRY, "crnew"),
        "Microsoft.ContainerRegistry/registries crnew",
    ),
    (
        "GEN-02",
        REUSED,
        "a second workspace",
        add("dev", LOGS, "log-new"),
        "Microsoft.OperationalInsights/workspaces log-new",
    ),
    (
        "GEN-02",
        REUSED,
        "an id not passed",
        edit("infra/prod.bicepparam", "existingLogAnalyticsId = '/", "existingLogAnalyticsId = '/x/"),
        "infra/prod.bicepparam",
    ),
    (
        "GEN-02",
        REUSED,
        "the hub not passed",
        edit("infra/prod.bicepparam", "hubNetworkId = '/", "hubNetworkId = '/x/"),
        "existing_hub_network_id",
    ),
    (
        "GEN-02",
        REUSED,
        "not declared as existing",
        edit("infra/modules/reuse/log-analytics.bicep", " existing = {", " = {"),
        "infra: existing",
    ),
    (
        "GEN-03",
        DEFAULT,
        "no reason",
        edit("docs/decisions/network.md", "## Reason", "## Because"),
        "docs/decisions/network.md",
    ),
    (
        "GEN-03",
        DEFAULT,
        "an answer named nowhere",
        edit("docs/decisions/placement.md", "| `location` |", "| location |"),
        "docs/decisions: location",
    ),
    (
        "GEN-03",
        DEFAULT,
        "an answer named twice",
        edit("docs/decisions/scope.md", "| `workload` |", "| `location` | x | y |\n| `workload` |"),
        "docs/decisions: location",
    ),
    ("GEN-03", DEFAULT, "a cluster without its reason", add("prod", CLUSTER, "aks-1"), "managedClusters aks-1"),
    ("GEN-04", DEFAULT, "another region", put("prod", VAULT, "location", "westus"), "Microsoft.KeyVault/vaults kv-"),
    ("GEN-04", REGULATED, "the second region in test", put("test", VAULT, "location", "germanywestcentral"), "kv-"),
    ("GEN-04", REGULATED, "an unresolved region", put("prod", VAULT, "location", "[resourceGroup().location]"), "kv-"),
    (
        "GEN-05",
        CHAT,
        "a wider deployment type",
        both(answer(data_residency="region"), add("prod", DEPLOYMENT, "ai/gpt", sku={"name": "GlobalStandard"})),
        "deployments ai/gpt",
    ),
    (
        "GEN-05",
        CHAT,
        "a data zone for a region",
        both(answer(data_residency="region"), add("prod", DEPLOYMENT, "ai/gpt", sku={"name": "DataZoneStandard"})),
        "DataZoneStandard",
    ),
    (
        "GEN-05",
        CHAT,
        "global for a data zone",
        both(answer(data_residency="data_zone"), add("prod", DEPLOYMENT, "ai/gpt", sku={"name": "GlobalBatch"})),
        "deployments ai/gpt",
    ),
    ("GEN-08", DEFAULT, "retired serving software", write("ml/serve.py", "import torchserve\n"), "ml/serve.py"),
    (
        "GEN-08",
        DEFAULT,
        "a retiring machine",
        edit("infra/prod.bicepparam", "using 'main.bicep'", "using 'main.bicep'\n// Standard_DS3_v2"),
        "infra/prod.bicepparam",
    ),
    ("GEN-09", DEFAULT, "another version", put("prod", VAULT, "apiVersion", "2022-07-01"), "Microsoft.KeyVault/vaults"),
    (
        "GEN-09",
        DEFAULT,
        "a preview",
        edit("infra/modules/platform/key-vault.bicep", "vaults@2026-02-01", "vaults@2026-03-01-preview"),
        "2026-03-01-preview",
    ),
    (
        "GEN-09",
        DEFAULT,
        "a type without a row",
        add("prod", "Microsoft.Compute/disks", "disk-1"),
        "Microsoft.Compute/disks",
    ),
    ("GEN-10", DEFAULT, "a vault name too long", rename("prod", VAULT, "kv-" + "a" * 22), "25 characters"),
    (
        "GEN-10",
        DEFAULT,
        "a storage name with a hyphen",
        rename("prod", STORAGE, "st-vision"),
        "Microsoft.Storage/storageAccounts st-vision",
    ),
    (
        "GEN-10",
        PROTOTYPE,
        "too long for the longest workload",
        both(answer(workload="ab"), rename("dev", VAULT, "kv-ab-dev-abcdefghijkl")),
        "longest workload",
    ),
    ("GEN-10", DEFAULT, "a deployment name too long", long_deployment_name, "identities: deployment name"),
    ("GEN-10", DEFAULT, "a large template", large_template, "main.json: size"),
    ("GEN-10", DEFAULT, "many parameters", many_parameters, "main.json: parameters"),
    (
        "GEN-10",
        DEFAULT,
        "a long module",
        write("infra/modules/platform/long.bicep", "// x\n" * 300),
        "infra/modules/platform/long.bicep",
    ),
    ("GEN-10", DEFAULT, "a folder without a README", write("infra/modules/gpu/pool.bicep", ""), "infra/modules/gpu"),
    (
        "GEN-10",
        DEFAULT,
        "a lenient linter",
        edit(
            "infra/bicepconfig.json",
            '"no-unused-params": { "level": "error" }',
            '"no-unused-params": { "level": "warning" }',
        ),
        "no-unused-params",
    ),
    ("GEN-11", DEFAULT, "a missing tag", put("prod", VAULT, "tags.owner", None), "tag owner"),
    ("GEN-11", DEFAULT, "a wrong tag", put("test", STORAGE, "tags.environment", "prod"), "tag environment"),
    (
        "GEN-11",
        DEFAULT,
        "no tags on a type of later releases",
        add("dev", SEARCH, "srch-1", tags={}),
        "searchServices srch-1",
    ),
    (
        "GEN-12",
        DEFAULT,
        "another template",
        edit("infra/prod.bicepparam", "using 'main.bicep'", "using 'other.bicep'"),
        "infra/prod.bicepparam",
    ),
    ("GEN-12", DEFAULT, "a parameter file missing", remove("infra/test.bicepparam"), "infra/test.bicepparam"),
    (
        "GEN-12",
        DEFAULT,
        "an environment nobody asked for",
        write("infra/stage.bicepparam", "using 'main.bicep'\n"),
        "infra/stage.bicepparam",
    ),
    (
        "GEN-12",
        DEFAULT,
        "a parameter in one only",
        edit("infra/prod.bicepparam", "param owner = ", "// param owner = "),
        "parameter owner",
    ),
    (
        "GEN-12",
        DEFAULT,
        "a type in prod only",
        drop("test", "Microsoft.Insights/actionGroups"),
        "microsoft.insights/actiongroups",
    ),
    (
        "GEN-12",
        REGULATED,
        "prod without its second region is as test",
        drop("prod", INSIGHTS),
        "microsoft.insights/components",
    ),
    (
        "GEN-12",
        DEFAULT,
        "dev more open",
        put("dev", VAULT, "properties.publicNetworkAccess", "Enabled"),
        "publicNetworkAccess",
    ),
    (
        "GEN-12",
        DEFAULT,
        "other inbound rules in test",
        put("test", SECURITY_GROUP, "properties.securityRules", []),
        "securityRules",
    ),
    (
        "SEC-01",
        DEFAULT,
        "keys on",
        put("prod", INSIGHTS, "properties.DisableLocalAuth", False),
        "Microsoft.Insights/components appi-",
    ),
    (
        "SEC-01",
        DEFAULT,
        "keys of the logs on",
        put("prod", LOGS, "properties.features.disableLocalAuth", False),
        "workspaces log-",
    ),
    ("SEC-01", DEFAULT, "no component", drop("dev", INSIGHTS), "dev: Microsoft.Insights/components"),
    (
        "SEC-01",
        CHAT,
        "model account with keys",
        add("prod", ACCOUNT, "ai-1", properties={"customSubDomainName": "a"}),
        "accounts ai-1",
    ),
    (
        "SEC-01",
        CHAT,
        "model account without subdomain",
        add("prod", ACCOUNT, "ai-1", properties={"disableLocalAuth": True}),
        "customSubDomainName",
    ),
    (
        "SEC-01",
        DEFAULT,
        "compute with keys",
        add("dev", COMPUTE, "mlw/ci", properties={"computeType": "ComputeInstance"}),
        "computes mlw/ci",
    ),
    (
        "SEC-03",
        DEFAULT,
        "shared keys",
        put("prod", STORAGE, "properties.allowSharedKeyAccess", True),
        "storageAccounts st",
    ),
    (
        "SEC-03",
        DEFAULT,
        "public blobs not refused",
        put("prod", STORAGE, "properties.allowBlobPublicAccess", None),
        "not set",
    ),
    ("SEC-03", DEFAULT, "no storage", drop("prod", STORAGE), "prod: Microsoft.Storage/storageAccounts"),
    ("SEC-03", DEFAULT, "workspace by key", add("dev", WORKSPACE, "mlw", properties={}), "systemDatastoresAuthMode"),
    (
        "SEC-03",
        DEFAULT,
        "workspace without data roles",
        add("dev", WORKSPACE, "mlw", properties={"systemDatastoresAuthMode": "Identity"}),
        "Storage File Data Privileged Contributor",
    ),
    (
        "SEC-04",
        DEFAULT,
        "access policies model",
        put("prod", VAULT, "properties.enableRbacAuthorization", False),
        "vaults kv-",
    ),
    (
        "SEC-04",
        DEFAULT,
        "no purge protection",
        put("prod", VAULT, "properties.enablePurgeProtection", None),
        "enablePurgeProtection",
    ),
    (
        "SEC-04",
        DEFAULT,
        "short soft delete",
        put("prod", VAULT, "properties.softDeleteRetentionInDays", 7),
        "set it to 90",
    ),
    (
        "SEC-04",
        DEFAULT,
        "access policies",
        put("prod", VAULT, "properties.accessPolicies", [{"objectId": "x"}]),
        "accessPolicies",
    ),
    ("SEC-04", DEFAULT, "no vault", drop("test", VAULT), "test: Microsoft.KeyVault/vaults"),
    ("SEC-05", DEFAULT, "admin user", put("prod", REGISTRY, "properties.adminUserEnabled", True), "registries cr"),
    (
        "SEC-05",
        DEFAULT,
        "anonymous pull",
        put("prod", REGISTRY, "properties.anonymousPullEnabled", True),
        "anonymousPullEnabled",
    ),
    ("SEC-05", DEFAULT, "too small a tier", put("prod", REGISTRY, "sku.name", "Standard"), "set it to Premium"),
    ("SEC-05", DEFAULT, "no registry", drop("prod", REGISTRY), "prod: Microsoft.ContainerRegistry/registries"),
    ("SEC-06", DEFAULT, "a component without identity", drop("dev", IDENTITY, "-training"), "component training"),
    ("SEC-06", REGULATED, "an identity shared", shared_identity, "share it"),
    (
        "SEC-07",
        DEFAULT,
        "a subscription scope",
        move_role("prod", "-serving", "/subscriptions/x"),
        "whole subscription",
    ),
    (
        "SEC-07",
        DEFAULT,
        "a group scope for an identity",
        move_role("prod", "-serving", "/subscriptions/x/resourceGroups/y"),
        "whole resource group",
    ),
    ("SEC-07", DEFAULT, "Owner", put("prod", ROLE, "properties.roleDefinitionId", OWNER_ROLE), "gives Owner"),
    (
        "SEC-07",
        DEFAULT,
        "a role outside roles.json",
        group_role("prod", "749f88d5-cbae-40b8-bcfc-e573ddc772fa"),
        "749f88d5",
    ),
    (
        "SEC-07",
        DEFAULT,
        "no principal type",
        put("prod", ROLE, "properties.principalType", None),
        "principalType is not set",
    ),
    (
        "SEC-07",
        DEFAULT,
        "a name that is no GUID",
        put("prod", ROLE, "name", "serving-reads"),
        "roleAssignments serving-reads",
    ),
    ("SEC-07", DEFAULT, "the same twice", twice("prod", ROLE), "twice"),
    ("SEC-07", DEFAULT, "a missing grant", drop("prod", ROLE, "/containers/models/"), "Storage Blob Data Reader"),
    ("SEC-07", REUSED, "no pull from the existing registry", drop("prod", ROLE, "/registries/"), "AcrPull"),
    ("SEC-07", DEFAULT, "a wrong GUID", edit("infra/roles.json", "7f951dda", "8f951dda"), "infra/roles.json"),
    ("SEC-07", DEFAULT, "no roles file", remove("infra/roles.json"), "infra/roles.json"),
    (
        "SEC-09",
        DEFAULT,
        "a single person",
        group_role("dev", "acdd72a7-3385-48ef-bd42-f606fba81ae7", "", "User"),
        "principalType is User",
    ),
    (
        "SEC-09",
        DEFAULT,
        "an unknown group",
        group_role("dev", "acdd72a7-3385-48ef-bd42-f606fba81ae7", "99999999-0000-0000-0000-000000000000"),
        "99999999",
    ),
    ("SEC-09", DEFAULT, "people write in prod", group_role("prod", CONTRIBUTOR), "change prod by hand"),
    (
        "SEC-09",
        DEFAULT,
        "operators cannot read",
        drop("prod", ROLE, "-monitoring/providers/Microsoft.Authorization"),
        "-monitoring",
    ),
    ("SEC-10", DEFAULT, "keys in an output", secret_output, "output access hands out a key"),
    ("SEC-10", DEFAULT, "an output that looks like a key", named_secret, "storageAccountKey"),
    (
        "SEC-10",
        DEFAULT,
        "keys in Bicep",
        edit(LOCAL, "param location string", "param location string\nvar key = account.listKeys().keys[0].value"),
        LOCAL,
    ),
    (
        "SEC-10",
        DEFAULT,
        "a lenient linter",
        edit(
            "infra/bicepconfig.json",
            '"outputs-should-not-contain-secrets": { "level": "error" }',
            '"outputs-should-not-contain-secrets": { "level": "off" }',
        ),
        "outputs-should-not-contain-secrets",
    ),
    (
        "SEC-11",
        REGULATED,
        "storage with Microsoft's key",
        put("prod", STORAGE, "properties.encryption.keySource", "Microsoft.Storage"),
        "storageAccounts st",
    ),
    (
        "SEC-11",
        REGULATED,
        "registry with Microsoft's key",
        put("prod", REGISTRY, "properties.encryption.status", "disabled"),
        "registries cr",
    ),
    ("SEC-11", REGULATED, "no key", drop("prod", KEY), "prod: Microsoft.KeyVault/vaults/keys"),
    ("SEC-11", REGULATED, "no rotation", put("prod", KEY, "properties.rotationPolicy", None), "rotates"),
    ("SEC-11", REGULATED, "the key out of reach", unencrypted_by_nobody, "e147488a"),
    (
        "SEC-11",
        DEFAULT,
        "a key nobody asked for",
        put("prod", STORAGE, "properties.encryption", {"keySource": "Microsoft.Keyvault"}),
        "nobody asked",
    ),
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
    (
        "REL-01",
        DEFAULT,
        "one datacentre in prod",
        put("prod", STORAGE, "sku.name", "Standard_LRS"),
        "storageAccounts st",
    ),
    ("REL-01", DEFAULT, "zones outside prod", put("test", STORAGE, "sku.name", "Standard_ZRS"), "do not spread"),
    (
        "REL-01",
        DEFAULT,
        "registry in one datacentre",
        put("prod", REGISTRY, "properties.zoneRedundancy", "Disabled"),
        "registries cr",
    ),
    ("REL-01", DEFAULT, "address in one datacentre", put("prod", ADDRESS, "zones", []), "publicIPAddresses pip-"),
    ("REL-01", REGULATED, "not geo-redundant", put("prod", STORAGE, "sku.name", "Standard_ZRS"), "geo-redundant"),
    (
        "REL-01",
        DEFAULT,
        "geo-redundant unasked",
        put("prod", STORAGE, "sku.name", "Standard_GZRS"),
        "not be geo-redundant",
    ),
    (
        "REL-01",
        REGULATED,
        "no replica",
        drop("prod", REPLICA),
        "prod: Microsoft.ContainerRegistry/registries/replications",
    ),
    (
        "REL-01",
        DEFAULT,
        "too few search replicas",
        add("prod", SEARCH, "srch-1", properties={"replicaCount": 1}),
        "replicaCount",
    ),
    (
        "REL-01",
        DEFAULT,
        "a cluster in one zone",
        add("prod", CLUSTER, "aks-1", properties={"agentPoolProfiles": [{"availabilityZones": ["1"]}]}),
        "managedClusters aks-1",
    ),
    ("REL-01", DEFAULT, "a gateway in one zone", add("prod", APIM, "apim-1", properties={}), "service apim-1"),
    (
        "REL-01",
        DEFAULT,
        "container apps in one zone",
        add("prod", APPS, "cae-1", properties={}),
        "managedEnvironments cae-1",
    ),
]

GOOD_COMPUTE = {
    "computeType": "AmlCompute",
    "properties": {"enableNodePublicIp": False, "remoteLoginPortPublicAccess": "Disabled"},
}

# What later releases add and get right: requirement, variant, how.
ADDITIONS = [
    ("GEN-01", both(answer(training_compute="cluster"), add("dev", COMPUTE, "mlw/cpu", properties=GOOD_COMPUTE))),
    (
        "GEN-05",
        both(answer(data_residency="data_zone"), add("prod", DEPLOYMENT, "ai/gpt", sku={"name": "DataZoneStandard"})),
    ),
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
    ("SEC-01", add("prod", ACCOUNT, "ai-1", properties={"disableLocalAuth": True, "customSubDomainName": "ai-1"})),
    ("REL-01", add("prod", SEARCH, "srch-1", properties={"replicaCount": 3})),
    ("REL-01", add("prod", APIM, "apim-1", properties={"zoneRedundant": True})),
    ("REL-01", add("dev", APIM, "apim-1", properties={})),
]
