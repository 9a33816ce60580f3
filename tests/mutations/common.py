"""Names that the mutations share: variants, resource types, and ways to spoil that several areas use."""

VARIANT_NAMES = (
    "regulated-two-regions",
    "all-reused",
    "default",
    "smallest-prototype",
    "foundation-chat",
    "kubernetes-models",
    "databricks-first",
    "batch-only",
    "exploration-only",
    "fine-tuning",
    "training-only",
    "central-platform",
    "new-databricks",
    "prototype-everything",
    "open-weights",
)
REGULATED, REUSED, DEFAULT, PROTOTYPE, CHAT = VARIANT_NAMES[:5]
KUBERNETES, DATABRICKS, BATCH, EXPLORATION, TUNING, TRAINING, CENTRAL = VARIANT_NAMES[5:12]
NEW_DATABRICKS, EVERYTHING, OPEN_WEIGHTS = VARIANT_NAMES[12:]

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
DIAGNOSTICS = "Microsoft.Insights/diagnosticSettings"
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
APP = "Microsoft.App/containerApps"
FLAGS = "Microsoft.AppConfiguration/configurationStores"
FILTER = "Microsoft.CognitiveServices/accounts/raiPolicies"
ONLINE_ENDPOINT = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
BATCH_ENDPOINT = "Microsoft.MachineLearningServices/workspaces/batchEndpoints"
LOCAL = "infra/modules/local/main.bicep"
CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"


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
