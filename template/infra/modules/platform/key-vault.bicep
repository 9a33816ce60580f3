import { tags as tagSet } from '../shared/types.bicep'

@description('Name of the vault.')
@minLength(3)
@maxLength(24)
param name string

@description('Region.')
param location string

@description('Whether keys live in hardware security modules.')
param hardwareKeys bool

@description('Public address ranges that reach the vault; empty when only private endpoints do.')
param allowedIpRanges string[] = []

@description('Whether the public endpoint exists at all.')
param publicAccess bool

@description('Identities that read secrets.')
param readers { name: string, principalId: string, *: string }[] = []

@description('Role definition of those readers; needed only when there are some.')
param readerRoleId string = ''

@description('Resource id of the Log Analytics workspace.')
param logAnalyticsId string

@description('Tags.')
param tags tagSet

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: hardwareKeys ? 'premium' : 'standard'
    }
    enableRbacAuthorization: true
    enablePurgeProtection: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
    networkAcls: {
      defaultAction: 'Deny'
      // Trusted services: storage and registry read their encryption keys this way.
      bypass: 'AzureServices'
      ipRules: [for range in allowedIpRanges: { value: range }]
      virtualNetworkRules: []
    }
  }
}

resource readSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for item in readers: {
    name: guid(vault.id, item.name, readerRoleId)
    scope: vault
    properties: {
      principalId: item.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', readerRoleId)
    }
  }
]

#disable-next-line use-recent-api-versions // No stable version of this type has category groups.
resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: vault
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

@description('Resource id of the vault.')
output id string = vault.id

@description('Address of the vault.')
output uri string = vault.properties.vaultUri
