import { encryption as encryptionKey, principal, tags as tagSet } from '../shared/types.bicep'

@export()
@description('A service that computes of a workspace reach through a private endpoint inside its managed network.')
type destination = {
  @description('Name of the rule.')
  name: string

  @description('Resource id of the service.')
  id: string

  @description('Part of the service, such as blob.')
  part: string
}

@export()
@description('A container of the platform that jobs reach as a datastore, by identity.')
type datastore = {
  @description('Name of the datastore: letters, digits and underscores.')
  name: string

  @description('Name of the storage account.')
  accountName: string

  @description('Name of the container.')
  containerName: string
}

@description('Name of the workspace.')
@minLength(3)
@maxLength(33)
param name string

@description('Name that people see.')
param friendlyName string

@description('Region.')
param location string

@description('Identity that the workspace runs as.')
param identity principal

@description('Resource id of the storage account of the workspace.')
param storageId string

@description('Name of the vault of the workspace, in the same resource group.')
param vaultName string

@description('Resource id of the container registry.')
param registryId string

@description('Resource id of Application Insights.')
param applicationInsightsId string

@description('Whether computes reach only what is listed, instead of the whole internet.')
param approvedOutboundOnly bool

@description('Services that computes reach privately, besides what the workspace consists of.')
param destinations destination[]

@description('Domain names that computes reach when only approved ones are; package feeds for image builds belong here.')
param approvedDomains string[] = []

@description('Containers that jobs reach as datastores.')
param datastores datastore[] = []

@description('Whether the public endpoint exists at all.')
param publicAccess bool

@description('Public address ranges that the public endpoint lets in.')
param allowedIpRanges string[] = []

@description('Customer-managed key; without one Microsoft manages the keys.')
param encryption encryptionKey?

@description('Size of the machines that build images; the registry is closed to the service that would do it otherwise.')
param imageBuildSize string

@description('Role definitions: manager of what the workspace stands on, administrator of its vault.')
param roleIds { manager: string, vaultAdministrator: string }

@description('Resource id of the Log Analytics workspace.')
param logAnalyticsId string

@description('Tags.')
param tags tagSet

var privateRules = toObject(destinations, item => item.name, item => {
  type: 'PrivateEndpoint'
  category: 'UserDefined'
  destination: {
    serviceResourceId: item.id
    subresourceTarget: item.part
    sparkEnabled: false
  }
})
var domainRules = toObject(
  approvedOutboundOnly ? approvedDomains : [],
  item => 'domain-${replace(replace(item, '*', 'any'), '.', '-')}',
  item => {
    type: 'FQDN'
    category: 'UserDefined'
    destination: item
  }
)

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  name: vaultName
}

resource manageVault 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for roleId in [roleIds.manager, roleIds.vaultAdministrator]: {
    name: guid(vault.id, identity.name, roleId)
    scope: vault
    properties: {
      principalId: identity.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
    }
  }
]

resource workspace 'Microsoft.MachineLearningServices/workspaces@2026-07-15-preview' = {
  name: name
  location: location
  tags: tags
  kind: 'Default'
  sku: {
    name: 'Basic'
    tier: 'Basic'
  }
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: union(
      { '${identity.id}': {} },
      encryption == null ? {} : { '${encryption!.identityId}': {} }
    )
  }
  properties: {
    friendlyName: friendlyName
    storageAccount: storageId
    keyVault: vault.id
    containerRegistry: registryId
    applicationInsights: applicationInsightsId
    primaryUserAssignedIdentity: identity.id
    systemDatastoresAuthMode: 'Identity'
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
    // No stable version of this type has address rules.
    networkAcls: {
      defaultAction: 'Deny'
      ipRules: [for range in allowedIpRanges: { value: range }]
    }
    v1LegacyMode: false
    hbiWorkspace: tags.dataClassification == 'restricted'
    imageBuildCompute: 'image-build'
    provisionNetworkNow: true
    managedNetwork: {
      isolationMode: approvedOutboundOnly ? 'AllowOnlyApprovedOutbound' : 'AllowInternetOutbound'
      // The firewall exists only when there are rules for domain names.
      firewallSku: approvedOutboundOnly ? 'Standard' : null
      outboundRules: union(privateRules, domainRules)
    }
    encryption: encryption == null
      ? null
      : {
          status: 'Enabled'
          identity: {
            userAssignedIdentity: encryption!.identityId
          }
          keyVaultProperties: {
            keyVaultArmId: encryption!.vaultId
            keyIdentifier: '${encryption!.vaultUri}keys/${encryption!.keyName}/${encryption!.keyVersion}'
          }
        }
    // The key encrypts on the service's side: no database or search service appears in this subscription.
    enableServiceSideCMKEncryption: encryption != null
  }
  dependsOn: [
    manageVault
  ]
}

resource manageWorkspace 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(workspace.id, identity.name, roleIds.manager)
  scope: workspace
  properties: {
    principalId: identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.manager)
  }
}

resource stores 'Microsoft.MachineLearningServices/workspaces/datastores@2026-05-01' = [
  for item in datastores: {
    parent: workspace
    name: item.name
    properties: {
      datastoreType: 'AzureBlob'
      accountName: item.accountName
      containerName: item.containerName
      endpoint: environment().suffixes.storage
      protocol: 'https'
      // Whoever runs the job reads and writes with their own identity.
      serviceDataAccessAuthIdentity: 'None'
      credentials: {
        credentialsType: 'None'
      }
    }
  }
]

resource imageBuild 'Microsoft.MachineLearningServices/workspaces/computes@2026-05-01' = {
  parent: workspace
  name: 'image-build'
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: {
    computeType: 'AmlCompute'
    disableLocalAuth: true
    properties: {
      vmSize: imageBuildSize
      vmPriority: 'Dedicated'
      osType: 'Linux'
      enableNodePublicIp: false
      remoteLoginPortPublicAccess: 'Disabled'
      scaleSettings: {
        minNodeCount: 0
        maxNodeCount: 1
        nodeIdleTimeBeforeScaleDown: 'PT15M'
      }
    }
  }
}

#disable-next-line use-recent-api-versions // No stable version of this type has category groups.
resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: workspace
  properties: {
    workspaceId: logAnalyticsId
    logs: [
      {
        categoryGroup: 'allLogs'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'AllMetrics'
        enabled: true
      }
    ]
  }
}

@description('Resource id of the workspace.')
output id string = workspace.id
