import { identityOf, platform as platformType } from '../shared/types.bicep'

// Feature flags of the service: operators throw them, a deployment never writes one.

@description('Name of the store.')
@minLength(5)
@maxLength(50)
param name string

@description('What it builds on.')
param platform platformType

@description('Principal id of the identity that sets flags.')
param writerPrincipalId string

var roles = loadJsonContent('../../roles.json')
var service = identityOf(platform.principals, 'orchestrator')

resource store 'Microsoft.AppConfiguration/configurationStores@2024-06-01' = {
  name: name
  location: platform.location
  tags: platform.tags
  sku: {
    // The smallest tier with a service level agreement that takes a private endpoint.
    name: 'standard'
  }
  properties: {
    disableLocalAuth: true
    publicNetworkAccess: 'Disabled'
    enablePurgeProtection: true
    softDeleteRetentionInDays: 7
    // Whoever manages the store reads no flag through Resource Manager without a role on its data.
    dataPlaneProxy: {
      authenticationMode: 'Pass-through'
      privateLinkDelegation: 'Disabled'
    }
  }
}

resource serviceReads 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(store.id, service.name, roles.appConfigurationDataReader.id)
  scope: store
  properties: {
    principalId: service.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(
      'Microsoft.Authorization/roleDefinitions',
      roles.appConfigurationDataReader.id
    )
  }
}

resource operatorsRead 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(store.id, 'operators', roles.appConfigurationDataReader.id)
  scope: store
  properties: {
    principalId: platform.operatorsGroupId
    principalType: 'Group'
    roleDefinitionId: subscriptionResourceId(
      'Microsoft.Authorization/roleDefinitions',
      roles.appConfigurationDataReader.id
    )
  }
}

// Operators set flags by the pipeline, which asks for an approval and keeps the reason.
resource pipelineWrites 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(store.id, 'pipeline', roles.appConfigurationDataOwner.id)
  scope: store
  properties: {
    principalId: writerPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId(
      'Microsoft.Authorization/roleDefinitions',
      roles.appConfigurationDataOwner.id
    )
  }
}

#disable-next-line use-recent-api-versions // No stable version of this type has category groups.
resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: store
  properties: {
    workspaceId: platform.logAnalyticsId
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

@description('Resource id of the store.')
output id string = store.id

@description('Address of the store.')
output endpoint string = store.properties.endpoint
