import { component, encryption as encryptionKey, principal, tags as tagSet } from '../shared/types.bicep'

@description('Name of the account.')
@minLength(3)
@maxLength(24)
param name string

@description('Region.')
param location string

@description('Redundancy: LRS in one datacentre, ZRS over zones, GZRS over zones and in the paired region.')
@allowed([
  'Standard_LRS'
  'Standard_ZRS'
  'Standard_GZRS'
])
param skuName string

@description('Components; the containers that they read or write are created.')
param components component[]

@description('Identities of the components.')
param principals principal[]

@description('Object id of the Entra group of the data scientists; empty when people have no access.')
param dataScientistsGroupId string = ''

@description('Containers that the data scientists reach and no component does.')
param peopleContainers string[] = []

@description('Role definitions of readers and writers.')
param roleIds { reader: string, contributor: string }

@description('Whether folders are real, as Unity Catalog needs them; the service keeps no versions of blobs then.')
param hierarchicalNamespace bool = false

@description('Names of file shares that the team works on.')
param fileShares string[] = []

@description('Public address ranges that reach the account; empty when only private endpoints do.')
param allowedIpRanges string[] = []

@description('Whether the public endpoint exists at all.')
param publicAccess bool

@description('Customer-managed key; without one Microsoft manages the keys.')
param encryption encryptionKey?

@description('Resource id of the Log Analytics workspace.')
param logAnalyticsId string

@description('Tags.')
param tags tagSet

var principalIds = toObject(principals, item => item.name, item => item.principalId)
var containerNames = union(flatten(map(components, item => concat(item.reads, item.writes))), peopleContainers)

var componentGrants = flatten(map(
  components,
  item =>
    concat(
      map(item.reads, container => {
        container: container
        holder: item.name
        roleId: roleIds.reader
      }),
      map(item.writes, container => {
        container: container
        holder: item.name
        roleId: roleIds.contributor
      })
    )
))

// People read the data and write only where they explore.
var groupGrants = empty(dataScientistsGroupId)
  ? []
  : concat(
      contains(containerNames, 'data')
        ? [
            {
              container: 'data'
              roleId: roleIds.reader
            }
          ]
        : [],
      contains(containerNames, 'exploration')
        ? [
            {
              container: 'exploration'
              roleId: roleIds.contributor
            }
          ]
        : []
    )

resource account 'Microsoft.Storage/storageAccounts@2026-04-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: skuName
  }
  identity: encryption == null
    ? {
        type: 'None'
      }
    : {
        type: 'UserAssigned'
        userAssignedIdentities: {
          '${encryption!.identityId}': {}
        }
      }
  properties: {
    accessTier: 'Hot'
    isHnsEnabled: hierarchicalNamespace
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
    networkAcls: {
      defaultAction: 'Deny'
      bypass: 'AzureServices'
      // Single addresses are written without a suffix: /31 and /32 are refused here.
      ipRules: [for range in allowedIpRanges: { action: 'Allow', value: replace(range, '/32', '') }]
      virtualNetworkRules: []
    }
    encryption: {
      requireInfrastructureEncryption: true
      keySource: encryption == null ? 'Microsoft.Storage' : 'Microsoft.Keyvault'
      identity: encryption == null
        ? null
        : {
            userAssignedIdentity: encryption!.identityId
          }
      keyvaultproperties: encryption == null
        ? null
        : {
            keyname: encryption!.keyName
            keyvaulturi: encryption!.vaultUri
          }
      services: {
        blob: {
          enabled: true
          keyType: 'Account'
        }
        file: {
          enabled: true
          keyType: 'Account'
        }
      }
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2026-04-01' = {
  parent: account
  name: 'default'
  properties: {
    isVersioningEnabled: !hierarchicalNamespace
    changeFeed: {
      enabled: !hierarchicalNamespace
    }
    deleteRetentionPolicy: {
      enabled: true
      days: 30
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: 30
    }
  }
}

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' = [
  for containerName in containerNames: {
    parent: blobs
    name: containerName
    properties: {
      publicAccess: 'None'
    }
  }
]

resource files 'Microsoft.Storage/storageAccounts/fileServices@2026-04-01' = if (!empty(fileShares)) {
  parent: account
  name: 'default'
  properties: {
    shareDeleteRetentionPolicy: {
      enabled: true
      days: 30
    }
  }
}

resource shares 'Microsoft.Storage/storageAccounts/fileServices/shares@2026-04-01' = [
  for share in fileShares: {
    parent: files
    name: share
    properties: {
      enabledProtocols: 'SMB'
      shareQuota: 1024
    }
  }
]

resource componentTargets 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' existing = [
  for item in componentGrants: {
    parent: blobs
    name: item.container
  }
]

resource componentAccess 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (item, i) in componentGrants: {
    name: guid(componentTargets[i].id, item.holder, item.roleId)
    scope: componentTargets[i]
    properties: {
      principalId: principalIds[item.holder]
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', item.roleId)
    }
    dependsOn: [
      containers
    ]
  }
]

resource groupTargets 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' existing = [
  for item in groupGrants: {
    parent: blobs
    name: item.container
  }
]

resource groupAccess 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (item, i) in groupGrants: {
    name: guid(groupTargets[i].id, dataScientistsGroupId, item.roleId)
    scope: groupTargets[i]
    properties: {
      principalId: dataScientistsGroupId
      principalType: 'Group'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', item.roleId)
    }
    dependsOn: [
      containers
    ]
  }
]

#disable-next-line use-recent-api-versions // No stable version of this type has category groups.
resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: blobs
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

#disable-next-line use-recent-api-versions // No stable version of this type has category groups.
resource fileAudit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (!empty(fileShares)) {
  name: 'to-log-analytics'
  scope: files
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

@description('Resource id of the account.')
output id string = account.id
