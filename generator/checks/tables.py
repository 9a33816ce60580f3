"""The tables that the checks look things up in: a later release that adds a resource type adds its rows here.

Conditions and numbers are Jinja expressions over the answers and `expected.environment_facts`.
"""

from typing import Any

# What must exist and what may.

PRIVATE_ENDPOINT_SUBNET = "private-endpoints"

FIREWALL_SUBNET = "AzureFirewallSubnet"

EXPECTED_COUNTS = {
    "Microsoft.Resources/resourceGroups": "2 + (1 if private else 0) + (1 if private and second_region else 0)"
    " + workspaces | length + [model_registry, serves_foundation, new_gateway] | select | list | length"
    " + here | select('in', ['tuning', 'cluster', 'orchestrator']) | list | length"
    " + (1 if environment in databricks_environments else 0)",
    "Microsoft.OperationalInsights/workspaces": "0 if 'log_analytics' in reuse else 1",
    "Microsoft.Insights/components": "1",
    "Microsoft.Insights/actionGroups": "1",
    "Microsoft.Insights/privateLinkScopes": "1 if controlled else 0",
    "Microsoft.Consumption/budgets": "1",
    "Microsoft.KeyVault/vaults": "1 + workspaces | length + (1 if 'orchestrator' in here else 0)"
    " + (1 if customer_managed_keys and serves_foundation and second_region else 0)",
    "Microsoft.KeyVault/vaults/keys": "encrypted | length",
    "Microsoft.ManagedIdentity/userAssignedIdentities": "1 + here | length + encrypted | length",
    "Microsoft.Storage/storageAccounts": "(1 if stores else 0) + workspaces | length",
    "Microsoft.Storage/storageAccounts/blobServices/containers": "stores | length",
    "Microsoft.ContainerRegistry/registries": "1 if own_registry else 0",
    "Microsoft.ContainerRegistry/registries/replications": "1 if own_registry and second_region else 0",
    "Microsoft.Network/virtualNetworks": "(2 if second_region else 1) if private else 0",
    "Microsoft.Network/azureFirewalls": "(2 if second_region else 1) if own_firewall else 0",
    "Microsoft.MachineLearningServices/workspaces": "workspaces | length",
    "Microsoft.MachineLearningServices/registries": "1 if model_registry else 0",
    "Microsoft.CognitiveServices/accounts": "models | length",
    "Microsoft.ApiManagement/service": "1 if new_gateway else 0",
    "Microsoft.ContainerService/managedClusters": "1 if 'cluster' in here else 0",
    "Microsoft.Databricks/workspaces": "1 if environment in databricks_environments else 0",
    "Microsoft.Databricks/accessConnectors": "here | select('in', databricks_connectors) | list | length",
    "Microsoft.Cache/redisEnterprise": "1 if semantic_cache else 0",
    "Microsoft.Network/applicationGateways": "(2 if second_region else 1) if internet_facing else 0",
    "Microsoft.App/managedEnvironments": "1 if 'orchestrator' in here else 0",
    "Microsoft.App/containerApps": "1 if 'orchestrator' in here else 0",
    "Microsoft.AppConfiguration/configurationStores": "1 if 'orchestrator' in here else 0",
}
"""Resource type -> how many of them one environment has: an expression over the answers and `environment_facts`."""

ALLOWED_TYPES = {
    "true": (
        "Microsoft.Resources/resourceGroups",
        "Microsoft.Authorization/policyAssignments",
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
    "ci_platform": (
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
    ),
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
    "workspaces": (
        "Microsoft.MachineLearningServices/workspaces",
        "Microsoft.MachineLearningServices/workspaces/computes",
        "Microsoft.MachineLearningServices/workspaces/datastores",
        "Microsoft.Storage/storageAccounts",
        "Microsoft.Storage/storageAccounts/blobServices",
    ),
    "'exploration' in workspaces": (
        "Microsoft.Storage/storageAccounts/fileServices",
        "Microsoft.Storage/storageAccounts/fileServices/shares",
    ),
    "'training' in workspaces or 'serving' in here": ("Microsoft.MachineLearningServices/workspaces/schedules",),
    "'serving' in here": ("Microsoft.MachineLearningServices/workspaces/onlineEndpoints",),
    "'cluster' in here": (
        "Microsoft.ContainerService/managedClusters",
        "Microsoft.KubernetesConfiguration/extensions",
    ),
    "'batch' in here and own_batch": ("Microsoft.MachineLearningServices/workspaces/batchEndpoints",),
    "model_registry": ("Microsoft.MachineLearningServices/registries",),
    "models": (
        "Microsoft.CognitiveServices/accounts",
        "Microsoft.CognitiveServices/accounts/deployments",
        "Microsoft.CognitiveServices/accounts/projects",
        "Microsoft.CognitiveServices/accounts/raiPolicies",
    ),
    "new_gateway": ("Microsoft.ApiManagement/service",),
    "new_gateway and private and not hub": ("Microsoft.Network/privateDnsZones/A",),
    "online": (
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
    "'orchestrator' in here": (
        "Microsoft.App/managedEnvironments",
        "Microsoft.App/containerApps",
        "Microsoft.App/containerApps/authConfigs",
        "Microsoft.AppConfiguration/configurationStores",
        "Microsoft.Network/privateDnsZones",
        "Microsoft.Network/privateDnsZones/A",
        "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
    ),
    "environment in databricks_environments": ("Microsoft.Databricks/workspaces",),
    "here | select('in', databricks_connectors) | list": ("Microsoft.Databricks/accessConnectors",),
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


# General rows.

REUSED = {
    "databricks": ("Microsoft.Databricks/workspaces", "existing_databricks_id"),
    "api_management": ("Microsoft.ApiManagement/service", "existing_api_management_id"),
    "log_analytics": ("Microsoft.OperationalInsights/workspaces", "existing_log_analytics_id"),
    "container_registry": ("Microsoft.ContainerRegistry/registries", "existing_container_registry_id"),
    "ml_registry": ("Microsoft.MachineLearningServices/registries", "existing_ml_registry_id"),
}
"""What can be reused -> its type and the answer that names it."""

HUB_ANSWERS = ("existing_hub_network_id", "existing_private_dns_resource_group_id", "existing_firewall_private_ip")

REGIONAL_SKUS = ("Standard", "ProvisionedManaged")

DATA_ZONE_SKUS = ("DataZoneStandard", "DataZoneProvisionedManaged", "DataZoneBatch")

GLOBAL_SKUS = ("GlobalStandard", "GlobalProvisionedManaged", "GlobalBatch", "DeveloperTier")

DEPLOYMENT_SKUS = {
    "region": REGIONAL_SKUS,
    "data_zone": REGIONAL_SKUS + DATA_ZONE_SKUS,
    "global": REGIONAL_SKUS + DATA_ZONE_SKUS + GLOBAL_SKUS,
}
"""Residency -> deployment types that honour it.
Source: https://learn.microsoft.com/azure/ai-foundry/foundry-models/concepts/deployment-types"""

PLAIN = r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9_])?"

NAME_RULES = {
    "Microsoft.Resources/resourceGroups": (1, 90, r"[\w.()-]*[\w()-]"),
    "Microsoft.OperationalInsights/workspaces": (4, 63, r"[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]"),
    "Microsoft.Insights/components": (1, 260, r"[^%&\\?/]*[^%&\\?/ .]"),
    "Microsoft.Insights/actionGroups": (1, 260, r"[^:<>+/&%\\?|]*[^:<>+/&%\\?| .]"),
    "Microsoft.Consumption/budgets": (1, 63, r"[A-Za-z0-9_-]+"),
    "Microsoft.ManagedIdentity/userAssignedIdentities": (3, 128, r"[A-Za-z0-9][A-Za-z0-9_-]*"),
    "Microsoft.KeyVault/vaults": (3, 24, r"[A-Za-z]([A-Za-z0-9]|-(?!-))*(?<!-)"),
    "Microsoft.KeyVault/vaults/keys": (1, 127, r"[A-Za-z0-9-]+"),
    "Microsoft.Storage/storageAccounts": (3, 24, r"[a-z0-9]+"),
    "Microsoft.Storage/storageAccounts/blobServices/containers": (3, 63, r"[a-z0-9]([a-z0-9]|-(?!-))*(?<!-)"),
    "Microsoft.ContainerRegistry/registries": (5, 50, r"[A-Za-z0-9]+"),
    "Microsoft.ContainerRegistry/registries/replications": (5, 50, r"[A-Za-z0-9]+"),
    "Microsoft.Network/virtualNetworks": (2, 64, PLAIN),
    "Microsoft.Network/virtualNetworks/subnets": (1, 80, PLAIN),
    "Microsoft.Network/virtualNetworks/virtualNetworkPeerings": (1, 80, PLAIN),
    "Microsoft.Network/networkSecurityGroups": (1, 80, PLAIN),
    "Microsoft.Network/routeTables": (1, 80, PLAIN),
    "Microsoft.Network/publicIPAddresses": (1, 80, PLAIN),
    "Microsoft.Network/natGateways": (1, 80, PLAIN),
    "Microsoft.Network/privateEndpoints": (2, 64, PLAIN),
    "Microsoft.Network/privateDnsZones": (1, 63, r"[\w-]+(\.[\w-]+){1,33}"),
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": (1, 80, PLAIN),
    "Microsoft.Network/azureFirewalls": (1, 80, PLAIN),
    "Microsoft.Network/firewallPolicies": (1, 80, PLAIN),
    "Microsoft.Network/applicationGateways": (1, 80, PLAIN),
    "Microsoft.MachineLearningServices/workspaces": (3, 33, r"[A-Za-z0-9][A-Za-z0-9-]*"),
    "Microsoft.MachineLearningServices/workspaces/computes": (2, 32, r"[A-Za-z0-9-]+"),
    "Microsoft.CognitiveServices/accounts": (2, 64, r"[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]"),
    "Microsoft.ApiManagement/service": (1, 50, r"[A-Za-z]([A-Za-z0-9-]*[A-Za-z0-9])?"),
    "Microsoft.Search/searchServices": (2, 60, r"[a-z0-9][a-z0-9-]*[a-z0-9]"),
    "Microsoft.ContainerService/managedClusters": (1, 63, r"[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?"),
    "Microsoft.Databricks/workspaces": (3, 64, r"[A-Za-z0-9_-]+"),
    "Microsoft.App/managedEnvironments": (2, 32, r"[a-z]([a-z0-9]|-(?!-))*(?<!-)"),
    "Microsoft.App/containerApps": (2, 32, r"[a-z]([a-z0-9]|-(?!-))*(?<!-)"),
    "Microsoft.AppConfiguration/configurationStores": (5, 50, r"[A-Za-z0-9]([A-Za-z0-9]|-(?!-))*(?<!-)"),
}
"""Type -> shortest and longest name in characters, and its pattern.
Source: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules"""

NOT_TAGGABLE = {
    name.lower()
    for name in (
        "Microsoft.Authorization/policyAssignments",
        "Microsoft.Authorization/roleAssignments",
        "Microsoft.Authorization/policyAssignments",
        "Microsoft.Authorization/locks",
        "Microsoft.Insights/diagnosticSettings",
        "Microsoft.Insights/privateLinkScopes/scopedResources",
        "Microsoft.Consumption/budgets",
        "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
        "Microsoft.Storage/storageAccounts/blobServices",
        "Microsoft.Storage/storageAccounts/blobServices/containers",
        "Microsoft.Storage/storageAccounts/fileServices",
        "Microsoft.Storage/storageAccounts/fileServices/shares",
        "Microsoft.Storage/storageAccounts/managementPolicies",
        "Microsoft.Network/virtualNetworks/subnets",
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
        "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
        "Microsoft.Network/firewallPolicies/ruleCollectionGroups",
        "Microsoft.MachineLearningServices/workspaces/datastores",
        "Microsoft.MachineLearningServices/workspaces/schedules",
        "Microsoft.MachineLearningServices/workspaces/connections",
        "Microsoft.MachineLearningServices/workspaces/outboundRules",
        "Microsoft.ApiManagement/service/apis",
        "Microsoft.ApiManagement/service/apis/diagnostics",
        "Microsoft.ApiManagement/service/apis/operations",
        "Microsoft.ApiManagement/service/apis/policies",
        "Microsoft.ApiManagement/service/apis/releases",
        "Microsoft.ApiManagement/service/apiVersionSets",
        "Microsoft.ApiManagement/service/backends",
        "Microsoft.ApiManagement/service/caches",
        "Microsoft.ApiManagement/service/diagnostics",
        "Microsoft.ApiManagement/service/loggers",
        "Microsoft.ApiManagement/service/namedValues",
        "Microsoft.ApiManagement/service/policies",
        "Microsoft.ApiManagement/service/policyFragments",
        "Microsoft.ApiManagement/service/products",
        "Microsoft.ApiManagement/service/products/apis",
        "Microsoft.ApiManagement/service/products/policies",
        "Microsoft.ApiManagement/service/subscriptions",
        "Microsoft.App/containerApps/authConfigs",
        "Microsoft.Cache/redisEnterprise/databases",
        "Microsoft.Network/privateDnsZones/A",
        "Microsoft.KubernetesConfiguration/extensions",
    )
}
"""Types without a `tags` property at the pinned versions (types of the compiler)."""

TAGS = {
    "workload": "workload",
    "owner": "owner_email",
    "costCenter": "cost_center",
    "criticality": "criticality",
    "dataClassification": "data_classification",
}
"""Tag -> the answer that it repeats; the sixth, `environment`, is the environment itself."""

SUCCESSOR_TYPES = {
    "microsoft.apimanagement/service/apis",
    "microsoft.apimanagement/service/apis/policies",
    "microsoft.apimanagement/service/backends",
    "microsoft.cognitiveservices/accounts/deployments",
}
"""What a chat model that takes the place of another brings besides, as long as it does."""

STORES = ("-platform", "-orchestrator")
"""Ends of the names of the groups whose vaults, storage and registries are no workspace's."""

SECOND_REGION_TYPES = {
    "microsoft.network/virtualnetworks/virtualnetworkpeerings",
    "microsoft.network/privatednszones/virtualnetworklinks",
    "microsoft.apimanagement/service/backends",
    "microsoft.insights/metricalerts",
}
"""Types that prod has more of because of its second region although they are in no region themselves."""

COMPONENT_TYPES = {
    "microsoft.resources/resourcegroups",
    "microsoft.keyvault/vaults",
    "microsoft.machinelearningservices/registries",
    "microsoft.machinelearningservices/workspaces",
    "microsoft.machinelearningservices/workspaces/computes",
    "microsoft.machinelearningservices/workspaces/datastores",
    "microsoft.insights/metricalerts",
    "microsoft.apimanagement/service/backends",
    "microsoft.cognitiveservices/accounts",
    "microsoft.cognitiveservices/accounts/deployments",
    "microsoft.cognitiveservices/accounts/raipolicies",
    "microsoft.databricks/workspaces",
    "microsoft.databricks/accessconnectors",
    "microsoft.managedidentity/userassignedidentities",
    "microsoft.managedidentity/userassignedidentities/federatedidentitycredentials",
    "microsoft.authorization/policyassignments",
    "microsoft.authorization/roleassignments",
    "microsoft.storage/storageaccounts",
    "microsoft.storage/storageaccounts/blobservices",
    "microsoft.storage/storageaccounts/blobservices/containers",
    "microsoft.containerregistry/registries",
    "microsoft.keyvault/vaults/keys",
    "microsoft.insights/diagnosticsettings",
    "microsoft.network/privateendpoints",
    "microsoft.network/privateendpoints/privatednszonegroups",
}
"""Types whose number follows the components, which may differ: a promoted model is trained in one environment only, and
only prod has provisioned capacity."""

PROTECTIONS = (
    "properties.publicNetworkAccess",
    "properties.publicNetworkAccessForIngestion",
    "properties.publicNetworkAccessForQuery",
    "properties.networkAcls",
    "properties.networkRuleSet",
    "properties.allowSharedKeyAccess",
    "properties.allowBlobPublicAccess",
    "properties.minimumTlsVersion",
    "properties.disableLocalAuth",
    "properties.DisableLocalAuth",
    "properties.enableRbacAuthorization",
    "properties.enablePurgeProtection",
    "properties.softDeleteRetentionInDays",
    "properties.adminUserEnabled",
    "properties.anonymousPullEnabled",
    "properties.accessModeSettings",
    "properties.securityRules",
    "properties.routes",
    "properties.encryption.keySource",
    "properties.encryption.status",
    "properties.managedNetwork.isolationMode",
)
"""Properties that must not be weaker in one environment than in another."""


# Monitoring rows.

LOGGED = (
    "Microsoft.ApiManagement/service",
    "Microsoft.Cache/redisEnterprise/databases",
    "Microsoft.App/managedEnvironments",
    "Microsoft.AppConfiguration/configurationStores",
    "Microsoft.CognitiveServices/accounts",
    "Microsoft.ContainerRegistry/registries",
    "Microsoft.ContainerService/managedClusters",
    "Microsoft.Databricks/workspaces",
    "Microsoft.KeyVault/vaults",
    "Microsoft.MachineLearningServices/registries",
    "Microsoft.MachineLearningServices/workspaces",
    "Microsoft.MachineLearningServices/workspaces/onlineEndpoints",
    "Microsoft.Network/applicationGateways",
    "Microsoft.Network/azureFirewalls",
    "Microsoft.Network/networkSecurityGroups",
    "Microsoft.Network/publicIPAddresses",
    "Microsoft.Network/virtualNetworks",
    "Microsoft.OperationalInsights/workspaces",
    "Microsoft.Search/searchServices",
    "Microsoft.Storage/storageAccounts/blobServices",
    "Microsoft.Storage/storageAccounts/fileServices",
)
"""Types that send logs by a diagnostic setting (types of the compiler).
Source: https://learn.microsoft.com/azure/azure-monitor/reference/supported-logs/logs-index"""

DEAD_METRICS = frozenset(
    (
        "AzureOpenAIProvisionedManagedUtilization",
        "BlockedCalls",
        "ClientErrors",
        "FailedRequests",
        "Latency",
        "OtherRequests",
        "ServerErrors",
        "SuccessRate",
        "SuccessfulRequests",
        "TotalCalls",
        "TotalErrors",
        "TotalRequests",
        "UnauthorizedRequests",
    )
)
"""Metrics of a model account that are deprecated, or that say nothing of foundation models.
Source: https://learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/microsoft-cognitiveservices-accounts-metrics"""


# Security rows.

KEYLESS: dict[str, dict[str, Any]] = {
    "Microsoft.Insights/components": {"properties.DisableLocalAuth": True},
    "Microsoft.OperationalInsights/workspaces": {"properties.features.disableLocalAuth": True},
    "Microsoft.CognitiveServices/accounts": {"properties.disableLocalAuth": True},
    "Microsoft.MachineLearningServices/workspaces/computes": {"properties.disableLocalAuth": True},
    "Microsoft.Search/searchServices": {"properties.disableLocalAuth": True},
    "Microsoft.EventHub/namespaces": {"properties.disableLocalAuth": True},
    "Microsoft.ServiceBus/namespaces": {"properties.disableLocalAuth": True},
    "Microsoft.AppConfiguration/configurationStores": {"properties.disableLocalAuth": True},
    "Microsoft.DocumentDB/databaseAccounts": {"properties.disableLocalAuth": True},
}
"""Services whose keys can be switched off, and the property that does it (types of the compiler)."""

SECRETS_IN_USE = {"infra/modules/gateway/semantic-cache.bicep": ["listKeys("]}
"""Files of a project that read a secret where no identity will do, and how: the gateway takes a cache only by its key.
Source: https://learn.microsoft.com/azure/api-management/api-management-howto-cache-external"""

FORBIDDEN_ROLES = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
}
"""Roles that no identity of the platform may hold.
Source: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles"""

COMPONENT_CLASSES = {
    "microsoft.machinelearningservices/workspaces/onlineendpoints/deployments": "own models",
    "microsoft.machinelearningservices/workspaces/onlineendpoints": "own models",
    "microsoft.machinelearningservices/workspaces/batchendpoints/deployments": "batch",
    "microsoft.machinelearningservices/workspaces/batchendpoints": "batch",
    "microsoft.app/managedenvironments": "orchestrator",
    "microsoft.app/containerapps": "orchestrator",
    "microsoft.cognitiveservices/accounts": "foundation models",
    "microsoft.cognitiveservices/accounts/projects": "foundation models",
    "microsoft.apimanagement/service": "gateway",
    "microsoft.apimanagement/service/backends": "gateway",
}
"""Types that belong to one component together; every other type is a class of its own."""

OWN_KEY: dict[str, dict[str, Any]] = {
    "Microsoft.Storage/storageAccounts": {"properties.encryption.keySource": "Microsoft.Keyvault"},
    "Microsoft.ContainerRegistry/registries": {"properties.encryption.status": "enabled"},
    "Microsoft.MachineLearningServices/workspaces": {"properties.encryption.status": "Enabled"},
    "Microsoft.CognitiveServices/accounts": {"properties.encryption.keySource": "Microsoft.KeyVault"},
}
"""Services that can be encrypted with a customer-managed key, and what says that they are (types of the compiler)."""


# Network rows.

CLOSABLE: dict[str, str | None] = {
    "Microsoft.KeyVault/vaults": "networkAcls",
    "Microsoft.Storage/storageAccounts": "networkAcls",
    "Microsoft.ContainerRegistry/registries": "networkRuleSet",
    "Microsoft.CognitiveServices/accounts": "networkAcls",
    "Microsoft.MachineLearningServices/workspaces": "networkAcls",
    "Microsoft.MachineLearningServices/registries": None,
    "Microsoft.MachineLearningServices/workspaces/onlineEndpoints": None,
    "Microsoft.Search/searchServices": None,
    "Microsoft.Databricks/workspaces": None,
    "Microsoft.DocumentDB/databaseAccounts": None,
    "Microsoft.AppConfiguration/configurationStores": None,
    "Microsoft.EventHub/namespaces": None,
    "Microsoft.Cache/redisEnterprise": None,
}
"""Services with `publicNetworkAccess`, and the property that holds their address rules (types of the compiler)."""

UNGUARDED_SUBNETS = ("AzureFirewallSubnet", "AzureBastionSubnet", "GatewaySubnet")
"""Subnets on which the platform allows no security group or route of ours.
Source: https://learn.microsoft.com/azure/virtual-network/virtual-network-vnet-plan-design-arm"""

ADDRESS_HOLDERS = tuple(
    name.lower()
    for name in (
        "Microsoft.Network/natGateways",
        "Microsoft.Network/azureFirewalls",
        "Microsoft.Network/applicationGateways",
        "Microsoft.Network/bastionHosts",
    )
)
"""The only types that may hold a public address."""

OPEN_SOURCES = ("internet", "*", "0.0.0.0/0", "any")

IDLE_PAID = frozenset(
    name.lower()
    for name in (
        "Microsoft.ApiManagement/service",
        "Microsoft.App/containerApps",
        "Microsoft.AppConfiguration/configurationStores",
        "Microsoft.Cache/redisEnterprise",
        "Microsoft.CognitiveServices/accounts/deployments",
        "Microsoft.ContainerRegistry/registries",
        "Microsoft.ContainerRegistry/registries/replications",
        "Microsoft.ContainerService/managedClusters",
        "Microsoft.Insights/metricAlerts",
        "Microsoft.Insights/scheduledQueryRules",
        "Microsoft.KeyVault/vaults/keys",
        "Microsoft.MachineLearningServices/registries",
        "Microsoft.MachineLearningServices/workspaces",
        "Microsoft.MachineLearningServices/workspaces/computes",
        "Microsoft.MachineLearningServices/workspaces/onlineEndpoints",
        "Microsoft.Network/applicationGateways",
        "Microsoft.Network/azureFirewalls",
        "Microsoft.Network/natGateways",
        "Microsoft.Network/privateDnsZones",
        "Microsoft.Network/privateEndpoints",
        "Microsoft.Network/publicIPAddresses",
        "Microsoft.OperationalInsights/workspaces",
        "Microsoft.Storage/storageAccounts",
    )
)
"""Types (lower case) that are charged by time or by what they keep, whether or not anybody uses them."""

IDLE_FREE = frozenset(name.lower() for names in ALLOWED_TYPES.values() for name in names) - IDLE_PAID
"""Types (lower case) that cost nothing until they are used, or that belong to one that is charged as a whole."""
