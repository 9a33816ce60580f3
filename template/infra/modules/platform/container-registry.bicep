import { component, encryption as encryptionKey, principal, tags as tagSet } from '../shared/types.bicep'

@description('Name of the registry.')
@minLength(5)
@maxLength(50)
param name string

@description('Region.')
param location string

@description('Whether the registry is spread over availability zones.')
param zoneRedundant bool = false

@description('Components; those that pull images may.')
param components component[]

@description('Identities of the components.')
param principals principal[]

@description('Role definition of those that pull.')
param pullRoleId string

@description('Role definition of components that manage it; needed only when there are some.')
param managerRoleId string = ''

@description('Public address ranges that reach the registry; empty when only private endpoints do.')
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
var pullers = filter(components, item => item.pullsImages)
var managers = filter(components, item => item.manages)

resource registry 'Microsoft.ContainerRegistry/registries@2025-11-01' = {
  name: name
  location: location
  tags: tags
  // Private endpoints, address rules and replicas exist in this tier only.
  sku: {
    name: 'Premium'
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
    adminUserEnabled: false
    anonymousPullEnabled: false
    dataEndpointEnabled: true
    networkRuleBypassOptions: 'AzureServices'
    networkRuleSet: {
      defaultAction: 'Deny'
      ipRules: [for range in allowedIpRanges: { action: 'Allow', value: range }]
    }
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
    zoneRedundancy: zoneRedundant ? 'Enabled' : 'Disabled'
    encryption: encryption == null
      ? {
          status: 'disabled'
        }
      : {
          status: 'enabled'
          keyVaultProperties: {
            identity: encryption!.identityClientId
            keyIdentifier: '${encryption!.vaultUri}keys/${encryption!.keyName}'
          }
        }
    policies: {
      exportPolicy: {
        status: publicAccess ? 'enabled' : 'disabled'
      }
    }
  }
}

resource pull 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for item in pullers: {
    name: guid(registry.id, item.name, pullRoleId)
    scope: registry
    properties: {
      principalId: principalIds[item.name]
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', pullRoleId)
    }
  }
]

resource manage 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for item in managers: {
    name: guid(registry.id, item.name, managerRoleId)
    scope: registry
    properties: {
      principalId: principalIds[item.name]
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', managerRoleId)
    }
  }
]

#disable-next-line use-recent-api-versions // No stable version of this type has category groups.
resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: registry
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

@description('Resource id of the registry.')
output id string = registry.id
