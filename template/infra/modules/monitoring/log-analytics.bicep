import { tags as tagSet } from '../shared/types.bicep'

@description('Name of the workspace.')
@minLength(4)
@maxLength(63)
param name string

@description('Region.')
param location string

@description('Days for which logs are kept.')
@minValue(30)
@maxValue(730)
param retentionInDays int

@description('Gigabytes a day after which ingestion stops; -1 for no cap.')
param dailyQuotaGb int

@description('Whether logs may be sent and read over public endpoints.')
param publicAccess bool

@description('Object id of the Entra group whose people read the logs.')
param readersGroupId string

@description('Role definition of those readers.')
param readerRoleId string

@description('Tags.')
param tags tagSet

resource workspace 'Microsoft.OperationalInsights/workspaces@2026-03-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: retentionInDays
    workspaceCapping: {
      dailyQuotaGb: dailyQuotaGb
    }
    features: {
      disableLocalAuth: true
      enableLogAccessUsingOnlyResourcePermissions: true
    }
    publicNetworkAccessForIngestion: publicAccess ? 'Enabled' : 'Disabled'
    publicNetworkAccessForQuery: publicAccess ? 'Enabled' : 'Disabled'
  }
}

#disable-next-line use-recent-api-versions // No stable version of this type has category groups.
resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-log-analytics'
  scope: workspace
  properties: {
    workspaceId: workspace.id
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

resource readers 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(workspace.id, readersGroupId, readerRoleId)
  scope: workspace
  properties: {
    principalId: readersGroupId
    principalType: 'Group'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', readerRoleId)
  }
}

@description('Resource id of the workspace.')
output id string = workspace.id
