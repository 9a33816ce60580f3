import { tags as tagSet } from '../shared/types.bicep'

@description('Name of the registry, unique in the tenant.')
@minLength(3)
@maxLength(33)
param name string

@description('Region of the registry itself, which never changes.')
param location string

@description('Further regions that keep a copy of everything in it.')
param replicaLocations string[] = []

@description('Redundancy of its storage in each region: LRS in one datacentre, ZRS over zones.')
@allowed(['Standard_LRS', 'Standard_ZRS'])
param storageSku string

@description('Whether the public endpoint exists at all.')
param publicAccess bool

@description('Object id of the Entra group whose people read it.')
param readersGroupId string

@description('Role definition of those readers.')
param readerRoleId string

@description('Resource id of the Log Analytics workspace.')
param logAnalyticsId string

@description('Tags.')
param tags tagSet

resource registry 'Microsoft.MachineLearningServices/registries@2026-05-01' = {
  name: name
  location: location
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'
    regionDetails: [
      for region in concat([location], replicaLocations): {
        location: region
        acrDetails: [
          {
            systemCreatedAcrAccount: {
              acrAccountSku: 'Premium'
            }
          }
        ]
        storageAccountDetails: [
          {
            systemCreatedStorageAccount: {
              storageAccountType: storageSku
              storageAccountHnsEnabled: false
              allowBlobPublicAccess: false
            }
          }
        ]
      }
    ]
  }
}

resource readers 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, readersGroupId, readerRoleId)
  scope: registry
  properties: {
    principalId: readersGroupId
    principalType: 'Group'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', readerRoleId)
  }
}

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
